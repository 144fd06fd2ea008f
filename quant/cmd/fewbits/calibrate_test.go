package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/internal/testdata"
)

// reading is the small model, and a short text to let it read.
func reading(t *testing.T) (model, text string) {
	t.Helper()
	b, err := os.ReadFile(testdata.File(t, "text", "tinystories_sample_197k.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return testdata.File(t, "gguf", "stories260K.gguf"), save(t, "text.txt", b[:6000])
}

// TestQuantizeModelByMethod takes a model through methods to a file, which
// another command measures: it strays less than plain rounding.
func TestQuantizeModelByMethod(t *testing.T) {
	model, text := reading(t)
	kl := func(file string) float64 {
		return float64(decode[evaluated](t, works(t, "eval", "-json", file, "-text", text, "-against", model, "-ctx", "64", "-chunks", "8")).Against.KL)
	}
	for _, method := range []string{"gptq", "awq", "hqq", "smoothquant", "llm.int8"} {
		t.Run(method, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "made.gguf")
			args := []string{"quantize", model, "-to", method, "-calib", text, "-ctx", "64", "-chunks", "6", "-o", out}
			switch method {
			case "gptq", "awq":
				args = append(args, "bits=3", "group=32")
			case "hqq":
				args = append(args, "bits=3", "group=4")
			}
			q := decode[quantized](t, works(t, append(args, "-json")...))
			k := q.Calibrated
			if k == nil || k.Chunks != 6 || k.Context != 64 || k.Text != text || k.Stored != "F16" || len(k.Tensors) != 35 || !(k.CodeBitsPerWeight > 3 && k.CodeBitsPerWeight <= 20) {
				t.Fatalf("%+v", k)
			}
			if q.Values != 292800 || q.Bytes != 2*226560+4*(292800-226560) || len(q.Tensors) != 48 || q.Metrics.Values != 226560 || !(q.Metrics.SQNR > 5) {
				t.Errorf("%d values in %d bytes, %d tensors, %+v", q.Values, q.Bytes, len(q.Tensors), q.Metrics)
			}
			for _, e := range k.Tensors {
				if e.Of != "output" || !(e.Relative >= 0 && e.Rounding > 0) {
					t.Errorf("%+v", e)
				}
			}
			got := kl(out)
			said := works(t, append(args, "-plain")...)
			if !strings.Contains(said, "weights are stored as F16: what the codes of") || !strings.Contains(said, "6 chunks of 64 tokens") || !strings.Contains(said, "rounding, %") {
				t.Errorf("it says\n%s", said)
			}
			plain := kl(out)
			t.Logf("KL %v, rounding %v", got, plain)
			if eight := method == "smoothquant" || method == "llm.int8"; !(got < plain) && !eight || got > 0.01 && eight {
				t.Errorf("KL %v, rounding %v", got, plain)
			}
			if info := works(t, "inspect", out); !strings.Contains(info, "fewbits.method") || !strings.Contains(info, "reconstructed") {
				t.Errorf("the file does not say what it is:\n%.600s", info)
			}
		})
	}
	out := filepath.Join(t.TempDir(), "wide.gguf")
	if q := decode[quantized](t, works(t, "quantize", model, "-to", "hqq", "-o", out, "-store", "f32", "group=4", "-json")); q.Bytes != 4*292800 || q.Calibrated.Tensors[0].Of != "weights" {
		t.Errorf("%d bytes, %+v", q.Bytes, q.Calibrated)
	}
}

// TestImatrixCollect collects a matrix and quantizes with it: that strays less
// from the model than without.
func TestImatrixCollect(t *testing.T) {
	model, text := reading(t)
	dir := t.TempDir()
	matrix, old := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "m.dat")
	said := works(t, "imatrix", model, "-text", text, "-o", matrix, "-ctx", "64")
	works(t, "imatrix", model, "-text", text, "-o", old, "-ctx", "64", "-chunks", "3", "-process-output")
	a, b := matrixOf(t, matrix), matrixOf(t, old)
	if !strings.Contains(said, "importance for 35 tensors, from ") || !strings.Contains(said, " chunks of 64 tokens") || !strings.Contains(said, "m.gguf is written") {
		t.Errorf("it says\n%s", said)
	}
	if len(a.Weights) != 35 || len(b.Weights) != 36 || b.Chunks != 3 || a.ChunkSize != 64 || !slices.Equal(a.Datasets, []string{text}) || a.Counts["blk.0.attn_q.weight"][0] != int64(64*a.Chunks) {
		t.Errorf("%d and %d tensors, %d chunks, %v", len(a.Weights), len(b.Weights), b.Chunks, a.Datasets)
	}
	kl := func(args ...string) float64 {
		out := filepath.Join(dir, "made.gguf")
		works(t, append([]string{"quantize", model, "-pure", "-o", out}, args...)...)
		return float64(decode[evaluated](t, works(t, "eval", "-json", out, "-text", text, "-against", model, "-ctx", "64", "-chunks", "16")).Against.KL)
	}
	for _, typ := range []string{"Q4_0", "IQ4_NL"} {
		with, without := kl("-to", typ, "-imatrix", matrix), kl("-to", typ)
		t.Logf("%s: KL %v, without a matrix %v", typ, with, without)
		if !(with < without) {
			t.Errorf("%s: KL %v, without a matrix %v", typ, with, without)
		}
	}
}

// TestEvalRounds rounds weights and activations on the way.
func TestEvalRounds(t *testing.T) {
	model, text := reading(t)
	eval := func(args ...string) evaluated {
		return decode[evaluated](t, works(t, append([]string{"eval", "-json", model, "-text", text, "-against", model, "-ctx", "64", "-chunks", "4"}, args...)...))
	}
	kl := map[string]float64{}
	for name, args := range map[string][]string{
		"W8A8":           {"-weights", "int8", "granularity=channel", "sym=true", "-activations", "int8", "-dynamic"},
		"W4A16":          {"-weights", "int4", "group=32"},
		"W4A8":           {"-weights", "int4", "group=32", "-activations", "int8", "-granularity", "token"},
		"A4":             {"-activations", "int4"},
		"A4, asymmetric": {"-activations", "INT4", "-asymmetric"},
		"A8 by tensor":   {"-activations", "int8", "-granularity", "tensor"},
		"A8 by input":    {"-activations", "int8", "-granularity", "channel", "-calib", text},
		"A8, static":     {"-activations", "int8", "-granularity", "tensor", "-calib", text, "-range", "mse"},
		"A8, entropy":    {"-activations", "int8", "-granularity", "tensor", "-calib", text, "-range", "entropy"},
	} {
		e := eval(args...)
		kl[name] = float64(e.Against.KL)
		if (e.Weights != "") != slices.Contains(args, "-weights") || (e.Activations != "") != slices.Contains(args, "-activations") {
			t.Errorf("%s: %q, %q", name, e.Weights, e.Activations)
		}
	}
	t.Log(kl)
	if !(kl["W8A8"] > 0 && kl["W8A8"] < kl["W4A16"]/4 && kl["W4A16"] < kl["A4"] && kl["A4, asymmetric"] < kl["A4"]) ||
		!(kl["A8 by tensor"] < 0.05 && kl["A8 by input"] < kl["A8 by tensor"] && kl["A8, static"] < 0.05 && kl["A8, entropy"] > 0) ||
		!(kl["W4A8"] < 1.2*kl["W4A16"] && kl["W4A8"] > 0.8*kl["W4A16"]) {
		t.Error(kl)
	}
	said := works(t, "eval", model, "-text", text, "-ctx", "64", "-chunks", "2", "-activations", "int8", "-weights", "nf4")
	if !strings.Contains(said, "weights rounded to NF4\n") || !strings.Contains(said, "activations rounded to INT8, symmetric, a scale a token, found for each product\n") {
		t.Errorf("it says\n%s", said)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	model, text := reading(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "o.gguf")
	x := npyFile(t, "x.npy", []int{1, 2}, 1, 2)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"quantize", model, "-to", "gptq", "-o", out}, 2, "for a model a text: -calib TEXT"},
		{[]string{"quantize", model, "-to", "gptq", "-o", out, "-calib", x}, 2, "give -calib TEXT"},
		{[]string{"quantize", model, "-to", "gptq", "-o", out, "-calib", text, "-store", "q4_0"}, 2, "-store is f16 or f32"},
		{[]string{"quantize", model, "-to", "gptq", "-o", out, "-calib", text, "-tensor", "output.weight"}, 2, "-tensor goes with"},
		{[]string{"quantize", model, "-to", "gptq", "-o", out, "-calib", text, "-ctx", "8"}, 1, "too short"},
		{[]string{"quantize", model, "-to", "gptq", "-o", out, "-calib", text, "-ctx", "2000000"}, 1, "chunk has 2000000"},
		{[]string{"quantize", model, "-to", "gptq", "-o", out, "-calib", filepath.Join(dir, "no.txt")}, 1, "no such file"},
		{[]string{"quantize", model, "-to", "Q4_0", "-o", out, "-ctx", "64"}, 2, "-ctx goes with"},
		{[]string{"quantize", model, "-to", "Q4_0", "-o", out, "-plain"}, 2, "-plain goes with"},
		{[]string{"quantize", x, "-to", "gptq", "-o", out, "-calib", text}, 1, "GGUF"},
		{[]string{"imatrix", model, "-text", text}, 2, "-o is missing"},
		{[]string{"imatrix", x, "-text", text, "-o", out}, 1, "GGUF"},
		{[]string{"imatrix", x, "-ctx", "64"}, 2, "-ctx goes with -text"},
		{[]string{"eval", model, "-text", text, "group=32"}, 2, "goes with -weights"},
		{[]string{"eval", model, "-text", text, "-weights", "gptq"}, 2, "make a file"},
		{[]string{"eval", model, "-text", text, "-weights", "Q4_K", "-ctx", "64"}, 1, "blk.0.attn_q.weight"},
		{[]string{"eval", model, "-text", text, "-activations", "fp8"}, 2, "int8, int4"},
		{[]string{"eval", model, "-text", text, "-granularity", "token"}, 2, "goes with -activations"},
		{[]string{"eval", model, "-text", text, "-dynamic"}, 2, "go with -activations"},
		{[]string{"eval", model, "-text", text, "-activations", "int8", "-granularity", "row"}, 2, "token, tensor or channel"},
		{[]string{"eval", model, "-text", text, "-activations", "int8", "-range", "mse"}, 2, "-calib TEXT"},
		{[]string{"eval", model, "-text", text, "-activations", "int8", "-calib", text}, 2, "static scales go with"},
		{[]string{"eval", model, "-text", text, "-activations", "int8", "-dynamic", "-calib", text}, 2, "-dynamic"},
	} {
		r := fewbits(t, c.args...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || r.out != "" {
			t.Errorf("%v: exit %d, %q; want %d, %q", c.args, r.code, r.err, c.code, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("%v left a file", c.args)
		}
	}
}
