package convert

import (
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

func TestFit(t *testing.T) {
	tests := []struct {
		target string
		cols   int
		to     string
	}{
		{"Q4_K", 256, "Q4_K"}, {"Q4_K", 64, "Q5_0"}, {"Q4_K", 172, "F16"},
		{"Q2_K", 288, "Q4_0"}, {"Q3_K", 32, "Q4_0"}, {"Q5_K", 1152, "Q5_1"}, {"Q6_K", 96, "Q8_0"}, {"Q6_K", 100, "F16"},
		{"IQ4_XS", 128, "IQ4_NL"}, {"IQ1_S", 32, "IQ4_NL"}, {"IQ3_S", 33, "F16"}, {"TQ1_0", 64, "Q4_0"}, {"Q2_0", 32, "Q4_0"},
		{"Q4_0", 64, "Q4_0"}, {"Q4_0", 172, "F16"}, {"Q8_0", 1, "F16"}, {"IQ4_NL", 48, "F16"}, {"MXFP4", 16, "F16"},
		{"F16", 1, "F16"}, {"BF16", 7, "BF16"}, {"F32", 3, "F32"},
	}
	for _, tt := range tests {
		to, why := Fit(tt.target, tt.cols)
		if to != tt.to || (why == "") != (to == tt.target) {
			t.Errorf("%s in rows of %d: %s (%s), want %s", tt.target, tt.cols, to, why, tt.to)
		}
	}
	if _, why := Fit("Q4_K", 172); why != "rows of 172 are a multiple neither of 256 nor of 32" {
		t.Error(why)
	}
}

// TestPlanStories plans a real model whose rows of 64 and 172 fill no block
// of 256.
func TestPlanStories(t *testing.T) {
	src, _ := stories(t)
	plan, err := PlanPure(src, "q4_k")
	if err != nil {
		t.Fatal(err)
	}
	if len(plan) != 48 {
		t.Fatalf("%d steps", len(plan))
	}
	want := map[string]struct {
		to    string
		bytes int64
		why   string
	}{
		"token_embd.weight":      {"Q5_0", 512 * 2 * 22, "rows of 64 are not a multiple of 256"},
		"blk.0.ffn_down.weight":  {"F16", 64 * 172 * 2, "rows of 172 are a multiple neither of 256 nor of 32"},
		"blk.4.ffn_up.weight":    {"Q5_0", 172 * 2 * 22, "rows of 64 are not a multiple of 256"},
		"blk.0.attn_norm.weight": {"F32", 256, "tensors of one dimension are kept"},
		"output_norm.weight":     {"F32", 256, "tensors of one dimension are kept"},
	}
	for i, s := range plan {
		if w, ok := want[s.Name]; ok && (s.To != w.to || s.Bytes != w.bytes || s.Why != w.why) {
			t.Errorf("%+v, want %+v", s, w)
		}
		delete(want, s.Name)
		if i > 0 && layer(s.Name) < layer(plan[i-1].Name) {
			t.Errorf("%s comes after %s", s.Name, plan[i-1].Name)
		}
		if info := src.Tensors()[s.Tensor]; info.Name != s.Name || info.Type != s.From {
			t.Errorf("step %+v is about %+v", s, info)
		}
	}
	if len(want) > 0 {
		t.Errorf("no steps for %v", want)
	}
	if ft := FileType(plan); ft != 15 {
		t.Errorf("file type %d, want 15 (Q4_K_M)", ft)
	}
}

// TestPlanSafetensors plans from a file of another kind: small things become
// F32, whole numbers stay whole.
func TestPlanSafetensors(t *testing.T) {
	src := &memory{container: "safetensors"}
	src.add("a", "F16", normal(512, 1), 2, 256)
	src.add("b.bias", "BF16", normal(256, 1), 256)
	src.add("x_norm.weight", "F32", normal(512, 1), 2, 256)
	src.add("ids", "I64", []float32{1, 2}, 2)
	src.add("mask", "BOOL", []float32{1, 0}, 2)
	src.add("u8", "U8", []float32{255, 0}, 2)
	src.add("u16", "U16", []float32{65535, 0}, 2)
	src.add("u32", "U32", []float32{1 << 31, 0}, 2)
	src.add("f64", "F64", []float32{1, 2}, 1, 2)
	plan, err := PlanPure(src, "Q8_0")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a Q8_0", "b.bias F32", "x_norm.weight F32", "ids I64", "mask I8", "u8 I16", "u16 I32", "u32 I64", "f64 F32"}
	for i, s := range plan {
		if got := s.Name + " " + s.To; got != want[i] {
			t.Errorf("%s, want %s (%s)", got, want[i], s.Why)
		}
	}
}

func TestPlanCast(t *testing.T) {
	src := &memory{container: "safetensors"}
	src.add("b", "F32", normal(4, 1), 2, 2)
	src.add("a", "BF16", normal(4, 1), 2, 2)
	src.add("bias", "F32", normal(4, 1), 4)
	src.add("ids", "I64", []float32{1}, 1)
	src.infos = append(src.infos,
		quant.TensorInfo{Name: "f4", Shape: []int{2}, Type: "F4", Bytes: 1, Why: "four bits"},
		quant.TensorInfo{Name: "e8m0", Shape: []int{2}, Type: "F8_E8M0", Bytes: 2, Readable: true})
	tests := map[string][]string{
		"FP16":     {"ids I64", "a F16", "b F16", "bias F16", "e8m0 F8_E8M0", "f4 F4"},
		"bf16":     {"ids I64", "a BF16", "b BF16", "bias BF16", "e8m0 F8_E8M0", "f4 F4"},
		"FP32":     {"ids I64", "a F32", "b F32", "bias F32", "e8m0 F8_E8M0", "f4 F4"},
		"FP8_E4M3": {"ids I64", "bias F32", "e8m0 F8_E8M0", "a F8_E4M3", "b F8_E4M3", "f4 F4"},
		"F8_E5M2":  {"ids I64", "bias F32", "e8m0 F8_E8M0", "a F8_E5M2", "b F8_E5M2", "f4 F4"},
	}
	for format, want := range tests {
		plan, err := PlanCast(src, format)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range plan {
			got = append(got, s.Name+" "+s.To)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", format, got, want)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	one := func(info quant.TensorInfo) *memory {
		return &memory{container: "safetensors", infos: []quant.TensorInfo{info}}
	}
	pure := func(src quant.Source, format string) error { _, err := PlanPure(src, format); return err }
	cast := func(src quant.Source, format string) error { _, err := PlanCast(src, format); return err }
	gguf := &memory{container: "gguf", infos: []quant.TensorInfo{{Name: "w.weight", Shape: []int{2, 256}, Type: "Q8_K", Why: "only sums use it"}}}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"unknown format", pure(one(quant.TensorInfo{}), "Q9_9"), `"Q9_9"; there are F32, F16`},
		{"not a type for weights", pure(one(quant.TensorInfo{}), "I8"), `"I8"`},
		{"removed type", pure(one(quant.TensorInfo{}), "Q4_2"), `"Q4_2"`},
		{"affine format", pure(one(quant.TensorInfo{}), "INT8"), `"INT8"`},
		{"5 dimensions", pure(one(quant.TensorInfo{Name: "w", Shape: []int{1, 1, 1, 1, 1}, Type: "F32", Readable: true}), "F16"), `tensor "w": it has 5 dimensions`},
		{"no values", pure(one(quant.TensorInfo{Name: "w", Shape: []int{0}, Type: "F32", Readable: true}), "F16"), "holds no values"},
		{"U64", pure(one(quant.TensorInfo{Name: "w", Shape: []int{1}, Type: "U64", Readable: true}), "F16"), "no type for U64"},
		{"unreadable", pure(one(quant.TensorInfo{Name: "w", Shape: []int{1}, Type: "float32", Why: "its storage is big-endian"}), "F16"), "it cannot be read: its storage is big-endian"},
		{"complex", pure(one(quant.TensorInfo{Name: "w", Shape: []int{1}, Type: "C64"}), "F16"), "no type for C64"},
		{"unreadable block type", pure(gguf, "F16"), "only sums use it"},
		{"cast to a block type", cast(one(quant.TensorInfo{}), "Q4_0"), `"Q4_0"; there are F32`},
		{"cast of an unreadable one", cast(gguf, "F16"), "only sums use it"},
	}
	for _, tt := range tests {
		if tt.err == nil || !strings.HasPrefix(tt.err.Error(), "convert: ") || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, tt.err, tt.want)
		}
	}
}

func TestLayer(t *testing.T) {
	for name, want := range map[string]int{"blk.0.w": 0, "blk.12.w": 12, "blk.12": 12, "blk.": -1, "blk.x": -1, "output": -1, "xblk.1.": -1, "blk.3y.w": 3, "blk.99999999999.w": 999999999} {
		if got := layer(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// TestAs changes one step, as a person does in a table.
func TestAs(t *testing.T) {
	src, _ := stories(t)
	plan, err := PlanPure(src, "Q8_0")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(plan, func(s Step) bool { return s.Name == "blk.0.ffn_down.weight" })
	tests := []struct {
		format, asked, to, why string
		bytes                  int64
	}{
		{"q4_k", "Q4_K", "F16", "rows of 172 are a multiple neither of 256 nor of 32", 64 * 172 * 2},
		{"BF16", "BF16", "BF16", "", 64 * 172 * 2},
		{"FP32", "F32", "F32", "", 64 * 172 * 4},
	}
	for _, tt := range tests {
		s, err := plan[i].As(tt.format)
		if err != nil || s.Asked != tt.asked || s.To != tt.to || s.Why != tt.why || s.Bytes != tt.bytes || s.Name != plan[i].Name {
			t.Errorf("%s: %+v, %v", tt.format, s, err)
		}
	}
	if _, err := plan[i].As("NF4"); err == nil {
		t.Error("NF4: no error")
	}
}
