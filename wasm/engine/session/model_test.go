package session

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fewbits/quant"
	"fewbits/quant/container"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/recipe"
	"fewbits/quant/safetensors"
	"fewbits/wasm/wire"
)

// realFile is a file of the folder of real files: $FEWBITS_DATA, or
// shared/data beside the repository.
func realFile(t *testing.T, name ...string) []byte {
	t.Helper()
	dir := os.Getenv("FEWBITS_DATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	b, err := os.ReadFile(filepath.Join(append([]string{dir}, name...)...))
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return b
}

// request sends an operation as the page does and reads its answer into out.
func request(s *Session, op string, args any, at Attachment, emit func(Reply), out any) error {
	text, err := wire.Marshal(args)
	if err != nil {
		return err
	}
	r, err := s.Call(op, text, at, emit)
	if err != nil {
		return err
	}
	if text, err = wire.Marshal(r.JSON); err != nil {
		return err
	}
	return wire.Unmarshal(text, out)
}

func opened(t *testing.T, name string, file []byte) (*Session, wire.FileInfo) {
	t.Helper()
	var s Session
	var info wire.FileInfo
	if err := request(&s, wire.OpOpen, wire.OpenArgs{Name: name}, Attachment{File: bytes.NewReader(file), Size: int64(len(file))}, nil, &info); err != nil {
		t.Fatal(err)
	}
	return &s, info
}

// made is what a conversion sent.
type made struct {
	file     []byte
	parts    []int
	progress []wire.Progress
	done     wire.Converted
}

func converted(t *testing.T, s *Session, recipe string) made {
	t.Helper()
	var m made
	emit := func(r Reply) {
		if p, ok := r.JSON.(wire.Progress); ok {
			m.progress = append(m.progress, p)
		}
		if p, ok := r.Arrays["part"].([]byte); ok {
			m.file, m.parts = append(m.file, p...), append(m.parts, len(p))
		}
	}
	if err := request(s, wire.OpConvert, wire.PlanArgs{Recipe: recipe}, Attachment{}, emit, &m.done); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestConvertStories converts a real model whose rows fill no block of 256,
// and holds what comes out against the core, against its own plan, and its
// losses against a plain computation from both files.
func TestConvertStories(t *testing.T) {
	tale := realFile(t, "gguf", "stories260K.gguf")
	for _, recipe := range []string{"Q4_K", "Q8_0, pure", "Q4_0, pure", "F16", "BF16"} {
		t.Run(recipe, func(t *testing.T) {
			s, info := opened(t, "tale.gguf", tale)
			var plan wire.Plan
			if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: recipe}, Attachment{}, nil, &plan); err != nil {
				t.Fatal(err)
			}
			m := converted(t, s, recipe)

			src, err := container.Open("tale.gguf", bytes.NewReader(tale), int64(len(tale)))
			if err != nil {
				t.Fatal(err)
			}
			steps, err := convert.PlanPure(src, strings.TrimSuffix(recipe, wire.Pure))
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := convert.ToGGUF(context.Background(), &want, src, steps, convert.Options{Formats: formats.Lookup}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.file, want.Bytes()) {
				t.Fatalf("%d bytes that differ from the core's %d", len(m.file), want.Len())
			}

			back, err := gguf.Open(bytes.NewReader(m.file), int64(len(m.file)))
			if err != nil {
				t.Fatal(err)
			}
			if plan.Size != int64(len(m.file)) || m.done.Size != plan.Size || len(back.Tensors()) != len(plan.Steps) || len(m.done.Losses) != len(plan.Steps) {
				t.Errorf("planned %d bytes and %d tensors; made %d and %d, said %d and %d losses",
					plan.Size, len(plan.Steps), len(m.file), len(back.Tensors()), m.done.Size, len(m.done.Losses))
			}
			for i, b := range back.Tensors() {
				p := plan.Steps[i]
				if b.Name != p.Name || b.Type != p.To || b.Bytes != p.Bytes || b.Offset != p.Offset || info.Tensors[p.Tensor].Name != p.Name {
					t.Errorf("tensor %d is %+v, planned %+v", i, b, p)
				}
				got, want := m.done.Losses[i].RelRMSE, relRMSE(t, src, p.Tensor, back, i)
				if p.From == p.To {
					want = 0
				}
				if math.Abs(got-want) > 1e-6*want {
					t.Errorf("%s lost %v, computed %v", p.Name, got, want)
				}
			}
			last := m.progress[len(m.progress)-1]
			if last.Done != last.Total || last.Index != last.Count || last.Written != last.Size || last.Size != plan.Size {
				t.Errorf("the last progress is %+v", last)
			}
		})
	}
}

// relRMSE is √(Σ(x̂−x)² / Σx²) over a tensor read from both files.
func relRMSE(t *testing.T, a quant.Source, i int, b quant.Source, j int) float64 {
	t.Helper()
	x, err := quant.ReadTensor(a, i)
	if err != nil {
		t.Fatal(err)
	}
	y, err := quant.ReadTensor(b, j)
	if err != nil {
		t.Fatal(err)
	}
	var e, n float64
	for k, v := range x.Data {
		d := float64(y.Data[k]) - float64(v)
		e, n = e+d*d, n+float64(v)*float64(v)
	}
	return math.Sqrt(e / n)
}

// box is a safetensors file of F32 tensors of 256 columns, filled by f.
func box(t *testing.T, rows map[string]int, f func(i int) float32) []byte {
	t.Helper()
	var plans []safetensors.TensorPlan
	for name, n := range rows {
		plans = append(plans, safetensors.TensorPlan{Name: name, Shape: []int{n, 256}, Type: "F32"})
	}
	var out bytes.Buffer
	w, err := safetensors.NewWriter(&out, nil, plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range plans {
		raw := make([]byte, 0, 4*256*p.Shape[0])
		for k := range 256 * p.Shape[0] {
			b := math.Float32bits(f(k))
			raw = append(raw, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
		}
		if err := w.WriteTensor(i, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPartsAreModest converts more than a part holds.
func TestPartsAreModest(t *testing.T) {
	s, _ := opened(t, "big.safetensors", box(t, map[string]int{"w.weight": 5 << 12}, func(i int) float32 { return float32(i%31) - 15 }))
	m := converted(t, s, "F16")
	if len(m.parts) < 2 {
		t.Fatalf("%d parts of %d bytes", len(m.parts), len(m.file))
	}
	for i, n := range m.parts {
		if n > 8<<20 || n < 1<<20 && i+1 < len(m.parts) {
			t.Errorf("part %d of %d has %d bytes", i, len(m.parts), n)
		}
	}
	if m.done.Name != "big-f16.gguf" || m.done.Losses[0].RelRMSE != 0 {
		t.Errorf("%+v", m.done)
	}
	for i := 1; i < len(m.progress); i++ {
		a, b := m.progress[i-1], m.progress[i]
		if b.Done < a.Done || b.Written < a.Written || b.Elapsed < a.Elapsed {
			t.Errorf("progress goes back: %+v, then %+v", a, b)
		}
	}
}

func TestPacer(t *testing.T) {
	p := pacer{every: 50 * time.Millisecond}
	start := time.Unix(100, 0)
	n := 0
	for ms := range 1000 {
		if p.due(start.Add(time.Duration(ms) * time.Millisecond)) {
			n++
		}
	}
	if n != 20 {
		t.Errorf("%d times in a second", n)
	}
}

func TestOutName(t *testing.T) {
	for _, c := range [][3]string{
		{"stories260K.gguf", "Q4_K", "stories260K-q4_k.gguf"},
		{"a b.c.safetensors", "F16", "a b.c-f16.gguf"},
		{"weights", "Q8_0", "weights-q8_0.gguf"},
		{".gguf", "Q8_0", "model-q8_0.gguf"},
	} {
		if got := outName(c[0], c[1]); got != c[2] {
			t.Errorf("%s to %s is %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

// TestRefused holds that what cannot be converted says so, already when it is
// planned where that is possible.
func TestRefused(t *testing.T) {
	nan := float32(math.NaN())
	long := strings.Repeat("long.", 20) + "weight"
	vocab := realFile(t, "gguf", "ggml-vocab-llama-spm.gguf")
	tests := []struct {
		name   string
		file   []byte
		op     string
		recipe string
		want   string
	}{
		{"no file", nil, wire.OpPlan, "Q4_K", "no file is open"},
		{"no tensors", vocab, wire.OpPlan, "Q4_K", "holds no tensors"},
		{"no such recipe", box(t, map[string]int{"w": 1}, func(int) float32 { return 1 }), wire.OpPlan, "Q9", `"Q9"`},
		{"a long name", box(t, map[string]int{long: 1}, func(int) float32 { return 1 }), wire.OpPlan, "Q4_K", "llama.cpp takes 1 to 63"},
		{"NaN", box(t, map[string]int{"w": 4}, func(i int) float32 {
			if i == 700 {
				return nan
			}
			return 1
		}), wire.OpConvert, "Q8_0", "row 2, column 188"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			s := &Session{}
			if c.file != nil {
				s, _ = opened(t, "x", c.file)
			}
			var out wire.Plan
			if err := request(s, c.op, wire.PlanArgs{Recipe: c.recipe}, Attachment{}, nil, &out); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestAlignmentIsKept plans a file whose tensors are aligned otherwise.
func TestAlignmentIsKept(t *testing.T) {
	var in bytes.Buffer
	meta := []quant.Meta{{Key: "general.architecture", Value: "x"}, {Key: "general.alignment", Value: uint32(512)}}
	w, err := gguf.NewWriter(&in, meta, []gguf.TensorPlan{{Name: "a.weight", Shape: []int{2, 32}, Type: "F32"}, {Name: "b.weight", Shape: []int{3, 32}, Type: "F32"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range []int{256, 384} {
		if err := w.WriteTensor(i, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := opened(t, "odd.gguf", in.Bytes())
	var plan wire.Plan
	if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: "Q8_0"}, Attachment{}, nil, &plan); err != nil {
		t.Fatal(err)
	}
	m := converted(t, s, "Q8_0")
	back, err := gguf.Open(bytes.NewReader(m.file), int64(len(m.file)))
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range back.Tensors() {
		if b.Offset != plan.Steps[i].Offset || b.Offset%512 != 0 {
			t.Errorf("tensor %d stands at %d, planned at %d", i, b.Offset, plan.Steps[i].Offset)
		}
	}
}

func TestPrinted(t *testing.T) {
	long := make([]float32, 200000)
	for _, c := range []struct {
		v    any
		want string
	}{
		{uint32(7), "7"}, {"llama", "llama"}, {[]int32{1, 2}, "[1 2]"}, {true, "true"},
		{[]string{"a", "b"}, `2 strings: ["a" "b"]`},
		{long, "200000 values: [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0] …"},
	} {
		if got := printed(c.v); got != c.want {
			t.Errorf("%T prints as %s, want %s", c.v, got, c.want)
		}
	}
	if got := printed(strings.Repeat("é", 300)); len(got) > maxPrinted+len("…") || !strings.HasSuffix(got, "é…") {
		t.Errorf("%q", got)
	}
}

// TestConvertRecipe makes a model by recipes, as the core does, and takes a
// name for a type's where the file says nothing of a model.
func TestConvertRecipe(t *testing.T) {
	tale := realFile(t, "gguf", "stories260K.gguf")
	src, err := container.Open("tale.gguf", bytes.NewReader(tale), int64(len(tale)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Q4_K_M", "Q4_0", "Q2_K", "COPY"} {
		s, _ := opened(t, "tale.gguf", tale)
		m := converted(t, s, name)
		steps, err := recipe.Plan(src, name, recipe.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := convert.ToGGUF(context.Background(), &want, src, steps, convert.Options{Formats: formats.Lookup, Meta: recipe.Meta(src, name)}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.file, want.Bytes()) || m.done.Name != "tale-"+strings.ToLower(name)+".gguf" {
			t.Errorf("%s: %d bytes that differ from the core's %d, as %s", name, len(m.file), want.Len(), m.done.Name)
		}
	}
	var plan wire.Plan
	s, _ := opened(t, "box.safetensors", box(t, map[string]int{"output.weight": 2}, func(int) float32 { return 1 }))
	if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: "Q4_0"}, Attachment{}, nil, &plan); err != nil || plan.Steps[0].To != "Q4_0" {
		t.Errorf("%v, %+v", err, plan.Steps)
	}
	if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: "Q4_K_M"}, Attachment{}, nil, &plan); err == nil || !strings.Contains(err.Error(), "this is safetensors") {
		t.Error(err)
	}
}
