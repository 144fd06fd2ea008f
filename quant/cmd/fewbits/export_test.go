package main

import (
	"archive/zip"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// TestExport takes a GGUF file to a folder and has the other commands read it.
func TestExport(t *testing.T) {
	model := testdata.File(t, "gguf", "stories260K.gguf")
	dir := t.TempDir()
	out := filepath.Join(dir, "nf4")
	q := decode[quantized](t, works(t, "quantize", "-json", model, "-to", "nf4", "-as", "bitsandbytes", "-o", out, "-shard", "60KB", "nested=true"))
	alone(t, out)
	if q.Layout != "bitsandbytes" || len(q.Tensors) != 48 || q.Values != 292800 || !(q.Metrics.SQNR > 18) || q.Metrics.Values != 226560 || !strings.Contains(q.Loading, out) {
		t.Errorf("%+v", q)
	}
	for _, name := range []string{"model-00001-of-00006.safetensors", "model.safetensors.index.json", "config.json", "tokenizer.model", "tokenizer_config.json"} {
		if !has(q.Files, name) {
			t.Errorf("no %s among %v", name, q.Files)
		}
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	seen := decode[inspected](t, works(t, "inspect", "-json", out))
	if seen.Container != "huggingface" || len(seen.Tensors) != 48 {
		t.Errorf("%s with %d tensors, notes %v", seen.Container, len(seen.Tensors), seen.Notes)
	}
	for _, x := range seen.Tensors {
		if x.Name == "blk.1.ffn_down.weight" && (x.Type != "bitsandbytes NF4 nested, blocks of 64" || x.Bytes > 64*172*6/8) {
			t.Errorf("%+v", x)
		}
	}
	// The values are those of the format, in the file's own order of rows.
	for _, name := range []string{"blk.1.ffn_down.weight", "blk.0.attn_v.weight"} {
		a, b := filepath.Join(dir, "a.npy"), filepath.Join(dir, "b.npy")
		works(t, "dequantize", out, "-tensor", name, "-o", a)
		works(t, "quantize", model, "-tensor", name, "-to", "nf4", "nested=true", "-o", b)
		differs(t, name, array(t, a), array(t, b), 1e-6)
	}
	// Queries change their order of rows there and back.
	a, b := filepath.Join(dir, "a.npy"), filepath.Join(dir, "b.npy")
	works(t, "dequantize", out, "-tensor", "blk.0.attn_q.weight", "-o", a)
	works(t, "dequantize", model, "-tensor", "blk.0.attn_q.weight", "-o", b)
	differs(t, "blk.0.attn_q.weight", array(t, a), array(t, b), 0.2)

	works(t, "measure", out, "-to", "Q8_0", "-tensor", "blk.0.attn_q.weight")
	_, text := reading(t)
	if e := decode[evaluated](t, works(t, "eval", "-json", out, "-text", text, "-against", model, "-ctx", "64", "-chunks", "4")); !(e.Against.KL < 0.1) {
		t.Errorf("KL %v", e.Against.KL)
	}
	made := filepath.Join(dir, "again.gguf")
	works(t, "quantize", out, "-to", "F16", "-o", made)
	if n := len(openGGUF(t, made).Tensors()); n != len(seen.Tensors) {
		t.Errorf("%d tensors in the GGUF file, %d in the folder", n, len(seen.Tensors))
	}
	again := filepath.Join(dir, "mlx")
	said := works(t, "quantize", out, "-to", "INT8", "-as", "mlx", "-o", again, "group=32")
	if !strings.Contains(said, "mlx_lm.generate") || !strings.Contains(said, "MLX 8-bit g32") || !strings.Contains(said, "groups of 32") {
		t.Errorf("it says\n%s", said)
	}
	same := filepath.Join(dir, "of-archive")
	works(t, "quantize", zipped(t, out), "-to", "INT8", "-as", "mlx", "-o", same, "group=32")
	for _, name := range []string{"config.json", "tokenizer.model", "model.safetensors"} {
		if !bytes.Equal(read(t, filepath.Join(same, name)), read(t, filepath.Join(again, name))) {
			t.Errorf("%s of the folder's archive differs", name)
		}
	}
}

// zipped is an archive of the files of a folder, stored as they are.
func zipped(t *testing.T, folder string) string {
	t.Helper()
	list, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range list {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "model/" + f.Name(), Method: zip.Store})
		if err == nil {
			_, err = w.Write(read(t, filepath.Join(folder, f.Name())))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return save(t, "model.zip", b.Bytes())
}

// differs fails where values are further apart than a part of the largest.
func differs(t *testing.T, what string, a, b quant.Tensor, part float64) {
	t.Helper()
	if len(a.Data) != len(b.Data) {
		t.Fatalf("%s: %d values and %d", what, len(a.Data), len(b.Data))
	}
	top := 0.0
	for _, v := range b.Data {
		top = max(top, math.Abs(float64(v)))
	}
	for i := range a.Data {
		if d := math.Abs(float64(a.Data[i] - b.Data[i])); !(d <= part*top) {
			t.Fatalf("%s: value %d is %v in one, %v in the other", what, i, a.Data[i], b.Data[i])
		}
	}
}

// TestExportByMethod wants what a method decides by a text stored as it is:
// the folder stands for the model that the method makes otherwise.
func TestExportByMethod(t *testing.T) {
	model, text := reading(t)
	for _, tt := range []struct{ as, method, options string }{
		{"compressed-tensors", "gptq", "sym=false act-order=true group=4"},
		{"compressed-tensors", "gptq", "sym=true group=-1"},
		{"compressed-tensors", "awq", "sym=false group=4"},
		{"compressed-tensors", "awq", "sym=true group=4"},
	} {
		t.Run(tt.method+" "+tt.options, func(t *testing.T) {
			dir := t.TempDir()
			folder, direct := filepath.Join(dir, "x"), filepath.Join(dir, "x.gguf")
			args := append([]string{"quantize", model, "-to", tt.method, "-calib", text, "-ctx", "64", "-chunks", "3"}, strings.Fields(tt.options)...)
			q := decode[quantized](t, works(t, append(args, "-json", "-as", tt.as, "-o", folder)...))
			if q.Calibrated == nil || q.Calibrated.Chunks != 3 || len(q.Calibrated.Tensors) != 35 {
				t.Errorf("%+v", q.Calibrated)
			}
			works(t, append(args, "-store", "f32", "-o", direct)...)
			for _, name := range []string{"blk.0.attn_q.weight", "blk.2.attn_k.weight", "blk.3.ffn_down.weight", "blk.1.attn_norm.weight", "blk.4.attn_v.weight"} {
				a, b := filepath.Join(dir, "a.npy"), filepath.Join(dir, "b.npy")
				works(t, "dequantize", folder, "-tensor", name, "-o", a)
				works(t, "dequantize", direct, "-tensor", name, "-o", b)
				differs(t, name, array(t, a), array(t, b), 1e-3) // scales are stored as F16
			}
		})
	}
}

func TestExportErrors(t *testing.T) {
	model := testdata.File(t, "gguf", "stories260K.gguf")
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	write(t, filepath.Join(full, "x"), []byte("x"))
	out := filepath.Join(dir, "out")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"layout", []string{model, "-to", "INT4", "-as", "ggml", "-o", out}, 2, "there are gptq, gptq_v2, awq"},
		{"format", []string{model, "-to", "Q4_K", "-as", "mlx", "-o", out}, 2, "mlx has no place for Q4_K; it takes INT4"},
		{"option", []string{model, "-to", "NF4", "-as", "bitsandbytes", "-o", out, "sym=true"}, 2, "has no option"},
		{"method's option", []string{model, "-to", "gptq", "-as", "gptq", "-o", out, "act-order=true"}, 2, "has no option"},
		{"text", []string{model, "-to", "NF4", "-as", "bitsandbytes", "-o", out, "-calib", "x.txt"}, 2, "-calib goes with"},
		{"flag", []string{model, "-to", "NF4", "-as", "bitsandbytes", "-o", out, "-imatrix", "x"}, 2, "-imatrix does not go with -as"},
		{"shard", []string{model, "-to", "NF4", "-as", "bitsandbytes", "-o", out, "-shard", "big"}, 2, "-shard is the bytes"},
		{"shard alone", []string{model, "-to", "Q4_0", "-o", out + ".gguf", "-shard", "1GB"}, 2, "-shard goes with -as"},
		{"full folder", []string{model, "-to", "NF4", "-as", "bitsandbytes", "-o", full}, 1, "files in it"},
		{"no parent", []string{model, "-to", "NF4", "-as", "bitsandbytes", "-o", filepath.Join(out, "x")}, 1, "make it first"},
		{"no place", []string{model, "-to", "INT4", "-as", "mlx", "-o", out, "group=128"}, 1, "groups of 128"},
		{"another architecture", []string{testdata.File(t, "gguf", "ggml-vocab-bert-bge.gguf"), "-to", "INT4", "-as", "mlx", "-o", out}, 1, `"bert"`},
		{"no config", []string{testdata.File(t, "safetensors", "nutllm_tiny.safetensors"), "-to", "INT4", "-as", "mlx", "-o", out}, 1, "no config.json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := fewbits(t, append([]string{"quantize"}, tt.args...)...)
			if r.code != tt.code || !strings.Contains(r.err, tt.want) {
				t.Errorf("exit %d: %s", r.code, r.err)
			}
			alone(t, full)
		})
	}
}
