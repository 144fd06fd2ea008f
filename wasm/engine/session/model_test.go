package session

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/container"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/metric"
	"fewbits/quant/npy"
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
func request(s *Session, op string, args any, at Attachment, out any) error {
	text, err := wire.Marshal(args)
	if err != nil {
		return err
	}
	r, err := s.Call(op, text, at)
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
	if err := request(&s, wire.OpOpen, wire.OpenArgs{Name: name}, Attachment{File: bytes.NewReader(file), Size: int64(len(file))}, &info); err != nil {
		t.Fatal(err)
	}
	return &s, info
}

// built is a file put together from parts, and what its tensors lost.
type built struct {
	plan wire.Plan
	file []byte
	lost []metric.Sums
}

// build makes the file of a plan as the page does: in parts of so many units,
// here from the last to the first.
func build(t *testing.T, s *Session, a wire.PlanArgs, units int64) built {
	t.Helper()
	var b built
	if err := request(s, wire.OpPlan, a, Attachment{}, &b.plan); err != nil {
		t.Fatal(err)
	}
	b.file, b.lost = make([]byte, b.plan.Size), make([]metric.Sums, len(b.plan.Steps))
	end := b.plan.Size
	for i := len(b.plan.Steps) - 1; i >= 0; i-- {
		step := b.plan.Steps[i]
		for at := step.Bytes / step.Unit * step.Unit; at > 0; {
			at = max(0, at-units*step.Unit)
			end = b.part(t, s, a, step.Offset+at, end)
		}
	}
	b.part(t, s, a, 0, end)
	return b
}

func (b *built) part(t *testing.T, s *Session, a wire.PlanArgs, from, to int64) int64 {
	t.Helper()
	text, err := wire.Marshal(wire.MakeArgs{PlanArgs: a, Head: b.plan.Steps[0].Offset, From: from, To: to})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Call(wire.OpMake, text, Attachment{})
	if err != nil {
		t.Fatal(err)
	}
	p := r.Arrays["bytes"].([]byte)
	if int64(len(p)) != to-from {
		t.Fatalf("%d bytes for %d to %d", len(p), from, to)
	}
	copy(b.file[from:], p)
	for _, l := range r.JSON.(wire.Made).Lost {
		b.lost[l.Step].Merge(l.Sums)
	}
	return from
}

// TestConvertStories converts a real model whose rows fill no block of 256,
// and holds what comes out against the core, against its own plan, and its
// losses against a plain computation from both files.
func TestConvertStories(t *testing.T) {
	tale := realFile(t, "gguf", "stories260K.gguf")
	for _, recipe := range []string{"Q4_K", "Q8_0, pure", "Q4_0, pure", "F16", "BF16"} {
		t.Run(recipe, func(t *testing.T) {
			s, info := opened(t, "tale.gguf", tale)
			m := build(t, s, wire.PlanArgs{Recipe: recipe}, 29)
			plan := m.plan

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
			if len(back.Tensors()) != len(plan.Steps) {
				t.Errorf("planned %d tensors, made %d", len(plan.Steps), len(back.Tensors()))
			}
			for i, b := range back.Tensors() {
				p := plan.Steps[i]
				if b.Name != p.Name || b.Type != p.To || b.Bytes != p.Bytes || b.Offset != p.Offset || info.Tensors[p.Tensor].Name != p.Name {
					t.Errorf("tensor %d is %+v, planned %+v", i, b, p)
				}
				lost := m.lost[i].Report(p.To, p.Name)
				got, want := lost.RelRMSE, relRMSE(t, src, p.Tensor, back, i)
				if p.From == p.To {
					want = 0
				} else if lost.Values != info.Tensors[p.Tensor].Values || int64(lost.Bytes) != p.Bytes {
					t.Errorf("%s: measured %d values in %d bytes", p.Name, lost.Values, lost.Bytes)
				}
				if math.Abs(got-want) > 1e-6*want {
					t.Errorf("%s lost %v, computed %v", p.Name, got, want)
				}
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
		}), wire.OpMake, "Q8_0", "row 2, column 188"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			s := &Session{}
			if c.file != nil {
				s, _ = opened(t, "x", c.file)
			}
			var out wire.Plan
			args := wire.MakeArgs{PlanArgs: wire.PlanArgs{Recipe: c.recipe}, From: 192, To: 192 + 4*272} // of the box with NaN, its tensor
			if err := request(s, c.op, args, Attachment{}, &out); err == nil || !strings.Contains(err.Error(), c.want) {
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
	m := build(t, s, wire.PlanArgs{Recipe: "Q8_0"}, 2)
	plan := m.plan
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
		m := build(t, s, wire.PlanArgs{Recipe: name}, 1<<20)
		steps, err := recipe.Plan(src, name, recipe.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := convert.ToGGUF(context.Background(), &want, src, steps, convert.Options{Formats: formats.Lookup, Meta: recipe.Meta(src, name)}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.file, want.Bytes()) || m.plan.Name != "tale-"+strings.ToLower(name)+".gguf" {
			t.Errorf("%s: %d bytes that differ from the core's %d, as %s", name, len(m.file), want.Len(), m.plan.Name)
		}
	}
	var plan wire.Plan
	s, _ := opened(t, "box.safetensors", box(t, map[string]int{"output.weight": 2}, func(int) float32 { return 1 }))
	if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: "Q4_0"}, Attachment{}, &plan); err != nil || plan.Steps[0].To != "Q4_0" {
		t.Errorf("%v, %+v", err, plan.Steps)
	}
	if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: "Q4_K_M"}, Attachment{}, &plan); err == nil || !strings.Contains(err.Error(), "this is safetensors") {
		t.Error(err)
	}
}

// TestConvertPlain wants numbers of NumPy to be converted like others, though
// their types have other names.
func TestConvertPlain(t *testing.T) {
	x := quant.Tensor{Name: "x", Shape: []int{4, 256}, Data: bell(1024)}
	var b bytes.Buffer
	if err := npy.Write(&b, x); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"F32", "Q4_K"} {
		s, info := opened(t, "x.npy", b.Bytes())
		m := build(t, s, wire.PlanArgs{Recipe: name}, 1)
		if step := m.plan.Steps[0]; info.Tensors[0].Type != "<f4" || step.From != "F32" || step.To != name {
			t.Fatalf("%s: %+v of %+v", name, step, info.Tensors[0])
		}
		back, _ := opened(t, "x.gguf", m.file)
		y, err := quant.ReadTensor(back.file, 0)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i := range x.Data {
			d := float64(y.Data[i] - x.Data[i])
			sum += d * d
		}
		if got := m.lost[0].ErrSq; math.Abs(got-sum) > 1e-6*sum || (name == "F32") != (sum == 0) {
			t.Errorf("%s lost %v, said to be %v", name, sum, got)
		}
	}
}
