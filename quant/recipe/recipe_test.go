package recipe

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/ggml"
)

// header is a source with nothing but its metadata and its list of tensors.
type header struct {
	container string
	meta      []quant.Meta
	infos     []quant.TensorInfo
}

func (h *header) Container() string                       { return h.container }
func (h *header) Metadata() []quant.Meta                  { return h.meta }
func (h *header) Tensors() []quant.TensorInfo             { return h.infos }
func (h *header) ReadRows(int, int, int, []float32) error { return errors.New("no data") }
func (h *header) ReadRaw(int, int64, []byte) error        { return errors.New("no data") }

func (h *header) add(name, typ string, shape ...int) {
	n, _ := quant.Count(shape)
	t, _ := ggml.TypeByName(typ)
	h.infos = append(h.infos, quant.TensorInfo{Name: name, Shape: shape, Type: typ, Bytes: int64(n/t.Block) * int64(t.Bytes), Readable: true})
}

// llama3 is Llama 3 8B.
func llama3() *header {
	h := &header{container: "gguf", meta: []quant.Meta{
		{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: uint32(32)},
		{Key: "llama.attention.head_count", Value: uint32(32)}, {Key: "llama.attention.head_count_kv", Value: uint32(8)},
	}}
	h.add("token_embd.weight", "F16", 128256, 4096)
	h.add("output_norm.weight", "F32", 4096)
	h.add("output.weight", "F16", 128256, 4096)
	for l := range 32 {
		for _, x := range []struct {
			name       string
			rows, cols int
		}{{"attn_q", 4096, 4096}, {"attn_k", 1024, 4096}, {"attn_v", 1024, 4096}, {"attn_output", 4096, 4096}, {"ffn_gate", 14336, 4096}, {"ffn_up", 14336, 4096}, {"ffn_down", 4096, 14336}} {
			h.add(fmt.Sprintf("blk.%d.%s.weight", l, x.name), "F16", x.rows, x.cols)
		}
		h.add(fmt.Sprintf("blk.%d.attn_norm.weight", l), "F32", 4096)
		h.add(fmt.Sprintf("blk.%d.ffn_norm.weight", l), "F32", 4096)
	}
	return h
}

// TestTable holds what the table says of a recipe against what it does, on
// Llama 3 8B.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range All() {
		src := llama3()
		plan, err := Plan(src, r.Name, Options{Importance: true})
		if err != nil {
			t.Fatal(err)
		}
		bytes, values, takes := int64(0), 0, false
		for i, s := range plan {
			n, _ := quant.Count(s.Shape)
			bytes, values = bytes+s.Bytes, values+n
			takes = takes || !slices.Contains([]string{"F32", "F16", "BF16", "Q8_0", "TQ1_0", "TQ2_0", "MXFP4", "Q1_0", "Q2_0"}, s.To)
			if differs := s.Asked != "" && s.To != r.Base; differs != (s.Why != "") && s.Asked != "" {
				t.Errorf("%s: step %d, %s as %s: %q", r.Name, i, s.Name, s.To, s.Why)
			}
		}
		bits := math.Round(float64(bytes)*800/float64(values)) / 100
		if r.Base != "" && bits != r.BitsPerWeight {
			t.Errorf("%s: %v bits a weight, the table says %v", r.Name, bits, r.BitsPerWeight)
		}
		if takes == (r.Importance == quant.Never) {
			t.Errorf("%s: importance %q, and some tensor takes it: %v", r.Name, r.Importance, takes)
		}
		_, err = Plan(src, r.Name, Options{})
		var need *NeedsImportanceError
		if errors.As(err, &need) != (r.Importance == quant.Required) {
			t.Errorf("%s: importance %q, and without: %v", r.Name, r.Importance, err)
		}
		if seen[r.Name] || r.Summary == "" || !strings.HasSuffix(r.Summary, ".") {
			t.Errorf("%s: %q, seen %v", r.Name, r.Summary, seen[r.Name])
		}
		seen[r.Name] = true
	}
	if names := Names(); len(names) != 36 || !slices.Contains(names, "MXFP4_MOE") {
		t.Errorf("%d: %v", len(names), names)
	}
}

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{"q4_k_m": "Q4_K_M", " IQ4_xs ": "IQ4_XS", "copy": "COPY", "Q4_K": "", "": "", "NF4": ""} {
		if r, ok := Lookup(name); r.Name != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", name, r.Name, ok)
		}
	}
}

func TestRefuses(t *testing.T) {
	with := func(change func(h *header)) *header { h := llama3(); change(h); return h }
	set := func(h *header, key string, v any) {
		h.meta = append(slices.DeleteFunc(h.meta, func(m quant.Meta) bool { return m.Key == key }), quant.Meta{Key: key, Value: v})
	}
	tests := []struct {
		name, recipe string
		src          *header
		o            Options
		want         string
	}{
		{"no such recipe", "Q4_K_X", llama3(), Options{}, `there is no recipe "Q4_K_X"; there are F32`},
		{"safetensors", "Q4_K_M", with(func(h *header) { h.container = "safetensors" }), Options{}, "this is safetensors; convert it to GGUF first"},
		{"no architecture", "Q4_K_M", with(func(h *header) { h.meta = nil }), Options{}, "general.architecture"},
		{"a box of tensors", "Q4_K_M", with(func(h *header) { set(h, "general.architecture", "unknown") }), Options{}, "general.architecture"},
		{"no layers", "COPY", with(func(h *header) { set(h, "general.architecture", "gpt2") }), Options{}, "gpt2.block_count"},
		{"layers of no sense", "Q4_K_M", with(func(h *header) { set(h, "llama.block_count", uint64(1<<63)) }), Options{}, "llama.block_count"},
		{"an output type of no sense", "Q4_K_M", llama3(), Options{Output: "Q4_9"}, `"Q4_9"`},
		{"an embedding type for whole numbers", "Q4_K_M", llama3(), Options{Embedding: "I8"}, `"I8"`},
		{"a type of no sense for some", "Q4_K_M", llama3(), Options{Types: []Override{{Type: "Q8_K"}}}, `"Q8_K"`},
		{"no importance", "IQ2_M", llama3(), Options{}, `IQ2_M needs an importance matrix, to quantize tensor "blk.0.attn_k.weight" to IQ2_S`},
		{"a layer too many", "Q4_K_M", with(func(h *header) {
			set(h, "llama.expert_count", uint32(2))
			h.add("blk.32.ffn_down_exps.weight", "F32", 2, 2, 256)
		}), Options{}, `tensor "blk.32.ffn_down_exps.weight": it is none of the 32 layers`},
		{"no layer", "Q4_K_M", with(func(h *header) {
			set(h, "llama.expert_count", uint32(2))
			h.add("ffn_up.weight", "F32", 2, 256)
		}), Options{}, `tensor "ffn_up.weight": it is none of`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Plan(tt.src, tt.recipe, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "recipe: ") {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
		})
	}
}

// TestOddMetadata has values of types and sizes that nobody expects.
func TestOddMetadata(t *testing.T) {
	for _, v := range []any{uint8(0), int8(-1), uint16(3), int16(-3), int32(math.MinInt32), uint64(math.MaxUint64), int64(math.MinInt64), int64(math.MaxInt64),
		[]uint32{}, []int32{-8, 1}, []uint64{math.MaxUint64}, []int64{8}, "8", 8.5, nil, true, []string{"8"}} {
		h := llama3()
		h.meta = append(h.meta[:2], quant.Meta{Key: "llama.attention.head_count", Value: v}, quant.Meta{Key: "llama.attention.head_count_kv", Value: v})
		for _, key := range []string{"llama.attention.head_count", "llama.attention.head_count_kv", "llama.expert_count"} {
			h.meta = append(h.meta, quant.Meta{Key: key, Value: v})
			if _, err := Plan(h, "Q4_K_M", Options{}); err != nil {
				t.Errorf("%s = %v: %v", key, v, err)
			}
		}
	}
}

func TestReasons(t *testing.T) {
	h := llama3()
	h.add("blk.31.extra.weight", "Q8_0", 4, 80*32)
	h.add("blk.31.odd.weight", "F32", 4, 80)
	plan, err := Plan(h, "Q4_K_M", Options{Embedding: "Q8_0", LeaveOutput: true, Types: []Override{{Match: func(n string) bool { return n == "blk.31.extra.weight" }, Type: "Q5_K"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"token_embd.weight":      "Q8_0: its type was asked for",
		"output.weight":          "F16: the output layer is left as it is",
		"output_norm.weight":     "F32: tensors of one dimension are kept",
		"blk.0.attn_v.weight":    "Q6_K: the values of attention have a type of their own",
		"blk.0.ffn_down.weight":  "Q6_K: ffn_down has a type of its own here",
		"blk.5.ffn_down.weight":  "Q4_K: ",
		"blk.31.extra.weight":    "Q5_K: its type was asked for; it was Q8_0: what that lost stays lost",
		"blk.31.odd.weight":      "F16: rows of 80 are a multiple neither of 256 nor of 32",
		"blk.31.attn_q.weight":   "Q4_K: ",
		"blk.31.ffn_down.weight": "Q6_K: ffn_down has a type of its own here",
	}
	for _, s := range plan {
		if w, ok := want[s.Name]; ok && w != s.To+": "+s.Why {
			t.Errorf("%s is %s: %s, want %s", s.Name, s.To, s.Why, w)
		}
		delete(want, s.Name)
	}
	if len(want) > 0 {
		t.Errorf("no steps for %v", want)
	}
}

// TestMeta has the file type of recipes, and that of a copy.
func TestMeta(t *testing.T) {
	h := llama3()
	if m := Meta(h, "q4_k_s"); len(m) != 1 || m[0].Key != "general.file_type" || m[0].Value != uint32(14) {
		t.Error(m)
	}
	if m := Meta(h, "COPY"); m[0].Value != uint32(1024+1) {
		t.Errorf("most tensors are F16: %v", m)
	}
	h.meta = append(h.meta, quant.Meta{Key: "general.file_type", Value: uint32(30)})
	if m := Meta(h, "COPY"); m[0].Value != uint32(30) {
		t.Error(m)
	}
	plan, err := Plan(h, "COPY", Options{})
	if err != nil || slices.ContainsFunc(plan, func(s convert.Step) bool { return !s.Copied() }) {
		t.Errorf("%v, %+v", err, plan[0])
	}
}
