package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/recipe"
)

// TestRecipes wants one row a recipe, with the names that others rely on.
func TestRecipes(t *testing.T) {
	rows := decode[[]recipe.Recipe](t, works(t, "recipes", "-json"))
	text := works(t, "recipes")
	if len(rows) != len(recipe.All()) {
		t.Errorf("%d rows", len(rows))
	}
	for _, r := range rows {
		if r.Name == "" || r.Summary == "" || r.BitsPerWeight <= 0 && r.Name != "COPY" || !strings.Contains(text, "\n"+r.Name+" ") {
			t.Errorf("%+v", r)
		}
	}
	if r := fewbits(t, "recipes", "x.gguf"); r.code != 2 {
		t.Errorf("%+v", r)
	}
}

// typesOf are the types of a file's tensors.
func typesOf(f quant.Source) map[string]string {
	m := map[string]string{}
	for _, info := range f.Tensors() {
		m[info.Name] = info.Type
	}
	return m
}

// deep is a model of four layers whose rows fill blocks.
func deep(t *testing.T, meta ...quant.Meta) string {
	t.Helper()
	meta = append([]quant.Meta{
		{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: uint32(4)},
		{Key: "llama.attention.head_count", Value: uint32(8)}, {Key: "llama.attention.head_count_kv", Value: uint32(2)},
	}, meta...)
	tensors := []ggufTensor{
		{"token_embd.weight", []int{2, 256}, normal(512, 1)},
		{"output.weight", []int{2, 256}, normal(512, 2)},
		{"output_norm.weight", []int{256}, normal(256, 3)},
	}
	for l := range 4 {
		for i, part := range []string{"attn_q", "attn_v", "ffn_down"} {
			tensors = append(tensors, ggufTensor{"blk." + string(rune('0'+l)) + "." + part + ".weight", []int{2, 256}, normal(512, uint64(10*l+i))})
		}
	}
	return ggufFile(t, "deep.gguf", meta, tensors...)
}

// TestRecipe has the flags decide about types.
func TestRecipe(t *testing.T) {
	tests := []struct {
		args     []string
		format   string
		fileType uint32
		want     map[string]string
	}{
		{[]string{"-to", "q4_k_m"}, "Q4_K_M", 15, map[string]string{"output.weight": "Q6_K", "token_embd.weight": "Q4_K", "blk.2.attn_v.weight": "Q6_K", "blk.0.attn_v.weight": "Q4_K"}},
		{[]string{"-to", "Q4_K"}, "Q4_K", 15, map[string]string{"output.weight": "Q4_K", "blk.2.attn_v.weight": "Q4_K"}},
		{[]string{"-to", "Q4_0"}, "Q4_0", 2, map[string]string{"output.weight": "Q6_K", "token_embd.weight": "Q4_0"}},
		{[]string{"-to", "Q4_0", "-pure"}, "Q4_0", 2, map[string]string{"output.weight": "Q4_0", "token_embd.weight": "Q4_0"}},
		{[]string{"-to", "Q2_K"}, "Q2_K", 10, map[string]string{"output.weight": "Q6_K", "blk.0.attn_v.weight": "Q4_K", "blk.0.ffn_down.weight": "Q3_K"}},
		{[]string{"-to", "Q4_K", "-output-tensor-type", "q8_0"}, "Q4_K", 15, map[string]string{"output.weight": "Q8_0", "blk.2.attn_v.weight": "Q4_K"}},
		{[]string{"-to", "Q5_K_S", "-leave-output-tensor", "-token-embedding-type=Q3_K"}, "Q5_K_S", 16, map[string]string{"output.weight": "F32", "token_embd.weight": "Q3_K"}},
		{[]string{"-to", "Q4_K_S", "-tensor-type", `BLK\.[12]\.=q8_0`, "-tensor-type", "attn_q=F16"}, "Q4_K_S", 14,
			map[string]string{"blk.0.attn_q.weight": "F16", "blk.1.attn_q.weight": "Q8_0", "blk.2.ffn_down.weight": "Q8_0", "blk.3.ffn_down.weight": "Q4_K"}},
		{[]string{"-to", "COPY"}, "COPY", 1024, map[string]string{"output.weight": "F32"}},
		{[]string{"-to", "f16"}, "FP16", 1, map[string]string{"output.weight": "F16", "output_norm.weight": "F32"}},
	}
	in := deep(t)
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.gguf")
			q := decode[quantized](t, works(t, slices.Concat([]string{"quantize", in, "-json", "-o", out}, tt.args)...))
			f := openGGUF(t, out)
			types := typesOf(f)
			for name, want := range tt.want {
				if types[name] != want {
					t.Errorf("%s is %s, want %s", name, types[name], want)
				}
			}
			if typ, _ := f.Get("general.file_type"); typ != tt.fileType || q.Format != tt.format {
				t.Errorf("file type %v, format %s", typ, q.Format)
			}
		})
	}
}

// TestNoRecipe has files that say nothing of a model: one type for all where
// the name is a type's, else a reason.
func TestNoRecipe(t *testing.T) {
	in := ggufFile(t, "box.gguf", []quant.Meta{{Key: "general.architecture", Value: "unknown"}}, ggufTensor{"output.weight", []int{2, 256}, normal(512, 2)})
	out := filepath.Join(t.TempDir(), "out.gguf")
	works(t, "quantize", in, "-to", "Q4_0", "-o", out)
	if types := typesOf(openGGUF(t, out)); types["output.weight"] != "Q4_0" {
		t.Error(types)
	}
	for _, args := range [][]string{{"-to", "Q4_K_M"}, {"-to", "Q4_0", "-pure"}} {
		r := fewbits(t, slices.Concat([]string{"quantize", in, "-o", out}, args)...)
		if r.code != 1 || !strings.Contains(r.err, "general.architecture") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// TestRecipeUsage wants status 2 and the reason.
func TestRecipeUsage(t *testing.T) {
	in, dir := deep(t), t.TempDir()
	out := func(ext string) string { return filepath.Join(dir, "out."+ext) }
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-to", "Q4_K_M", "-o", out("bin")}, 2, "Q4_K_M is a recipe for whole models: OUT must end in .gguf"},
		{[]string{"-to", "Q4_K_M", "-o", out("safetensors")}, 2, "OUT must end in .gguf"},
		{[]string{"-to", "Q4_K_M", "-o", out("gguf"), "group=32"}, 2, `takes no option "group"`},
		{[]string{"-to", "Q4_K_M", "-o", out("gguf"), "-tensor", "w"}, 2, "-tensor goes with"},
		{[]string{"-to", "Q4_0", "-o", out("bin"), "-pure"}, 2, "go with a recipe and a .gguf file"},
		{[]string{"-to", "NVFP4", "-o", out("gguf"), "-pure"}, 2, ""},
		{[]string{"-to", "Q4_K_M", "-o", out("gguf"), "-output-tensor-type", "INT4"}, 2, `"INT4"; there are F32`},
		{[]string{"-to", "Q4_K_M", "-o", out("gguf"), "-tensor-type", "ffn_down"}, 2, "wants PATTERN=TYPE"},
		{[]string{"-to", "Q4_K_M", "-o", out("gguf"), "-tensor-type", "ffn(=Q8_0"}, 2, "missing closing )"},
		{[]string{"-to", "Q4_K_M", "-o", out("gguf"), "-tensor-type", "ffn=Q8_9"}, 2, `"Q8_9"`},
		{[]string{"-to", "Q4_K_M", "-o", out("gguf"), "-pure=yes"}, 2, "there is no flag -pure"},
		{[]string{"-to", "IQ2_M", "-o", out("gguf")}, 1, `IQ2_M needs an importance matrix, to quantize tensor "blk.0.attn_q.weight" to IQ2_S`},
		{[]string{"-to", "Q2_K_S", "-o", out("gguf")}, 1, "Q2_K_S needs an importance matrix"},
	}
	for _, tt := range tests {
		r := fewbits(t, append([]string{"quantize", in}, tt.args...)...)
		if r.code != tt.code || r.out != "" || !strings.Contains(r.err, tt.want) {
			t.Errorf("%q: %+v", tt.args, r)
		}
	}
	alone(t, out("none"))
	if text := works(t, "quantize", "-h"); !strings.Contains(text, "-tensor-type PATTERN=TYPE") {
		t.Error(text)
	}
}

// TestRecipeStories quantizes a real model.
func TestRecipeStories(t *testing.T) {
	in, out := testdata.File(t, "gguf", "stories260K.gguf"), filepath.Join(t.TempDir(), "out.gguf")
	works(t, "quantize", in, "-to", "Q4_K_M", "-o", out)
	types := typesOf(openGGUF(t, out))
	for name, want := range map[string]string{"token_embd.weight": "Q5_0", "blk.0.attn_v.weight": "Q5_0", "blk.2.attn_v.weight": "Q8_0", "blk.0.ffn_down.weight": "F16"} {
		if types[name] != want {
			t.Errorf("%s is %s, want %s", name, types[name], want)
		}
	}
	wantLlama(t, in, out, 15)
}
