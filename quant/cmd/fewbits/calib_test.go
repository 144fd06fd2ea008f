package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/internal/testdata"
)

// layer saves the weights and activations of the methods' vectors.
func layer(t *testing.T) (w, x string) {
	t.Helper()
	wt, xt := testdata.Weights(), testdata.Activations()
	return npyFile(t, "w.npy", wt.Shape, wt.Data...), npyFile(t, "x.npy", xt.Shape, xt.Data...)
}

// outputLost is ‖X(W−Ŵ)ᵀ‖² / ‖XWᵀ‖² of the layer.
func outputLost(back []float32) float64 {
	w, x := testdata.Weights(), testdata.Activations()
	var e, s float64
	for t := range 256 {
		for r := range 64 {
			var y, d float64
			for c := range 128 {
				v := float64(x.Data[t*128+c])
				y += v * float64(w.Data[r*128+c])
				d += v * (float64(w.Data[r*128+c]) - float64(back[r*128+c]))
			}
			e, s = e+d*d, s+y*y
		}
	}
	return e / s
}

// TestMethods runs each method as a person does. What the authors' code gave
// is in the vectors; here the three kinds of output and the printed error agree.
func TestMethods(t *testing.T) {
	w, x := layer(t)
	dir := t.TempDir()
	for _, tt := range []struct {
		name string
		args []string
		want float64 // output error of the authors' code, weights alone; 0 where it is not known
	}{
		{"GPTQ", []string{"-to", "gptq", "bits=4", "group=32", "sym=false"}, 0.00386024190},
		{"GPTQ, act-order", []string{"-to", "GPTQ", "group=32", "act-order=true"}, 0.00307335046},
		{"GPTQ, all options", []string{"-to", "gptq", "bits=3", "group=32", "sym=true", "act-order=true", "static-groups=true", "mse=true", "damp=0.02", "block=64"}, 0},
		{"AWQ", []string{"-to", "awq", "group=32"}, 0.00327179428},
		{"AWQ, no clip", []string{"-to", "awq", "group=32", "clip=false"}, 0.00364499622},
		{"HQQ", []string{"-to", "hqq", "axis=1", "round-zero=false"}, 0.0129339891},
		{"HQQ, down", []string{"-to", "hqq", "axis=0", "round-zero=false"}, 0.0148580832},
		{"SmoothQuant", []string{"-to", "SmoothQuant", "alpha=0.5"}, 0},
		{"LLM.int8()", []string{"-to", "llm.int8", "threshold=6"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			decided, values, packed := filepath.Join(dir, "o.json"), filepath.Join(dir, "o.npy"), filepath.Join(dir, "o.bin")
			args := append([]string{"quantize", w, "-calib", x, "-json"}, tt.args...)
			q := decode[quantized](t, works(t, append(args, "-o", decided)...))
			works(t, append(args, "-o", values)...)
			works(t, append(args, "-o", packed)...)
			if st, err := os.Stat(packed); err != nil || st.Size() != q.Bytes {
				t.Errorf("%v, want %d bytes", err, q.Bytes)
			}
			var d struct {
				Codes          [][]int32
				Scales, Zeros  [][]float32
				Reconstruction [][]float32
				GroupIndex     []int     `json:"group_index"`
				InputScales    []float32 `json:"input_scales"`
				Permutation    []int
				Options        map[string]string
			}
			if err := json.Unmarshal(load(t, decided), &d); err != nil {
				t.Fatal(err)
			}
			back := slices.Concat(d.Reconstruction...)
			if !slices.Equal(back, array(t, values).Data) {
				t.Error("the .npy is not the reconstruction of the .json")
			}
			for _, a := range tt.args {
				if k, v, ok := strings.Cut(a, "="); ok && d.Options[k] != v && v != "false" {
					t.Errorf("option %s is %q in the .json, was %s", k, d.Options[k], v)
				}
			}
			if tt.want > 0 && (math.Abs(outputLost(back)/tt.want-1) > 2e-3 || math.Abs(float64(q.Output.Relative)/outputLost(back)-1) > 1e-6) {
				t.Errorf("output error %v, printed %v, want %v", outputLost(back), q.Output.Relative, tt.want)
			}
			if tt.name[:3] != "HQQ" && !(q.Output.Relative < *q.Output.Rounding) {
				t.Errorf("output error %v, plain rounding's %v", q.Output.Relative, *q.Output.Rounding)
			}
			if (d.Permutation != nil) != slices.Contains(tt.args, "act-order=true") {
				t.Errorf("permutation %v", d.Permutation)
			}
		})
	}
}

// TestCalibMeasure compares formats by what the output loses.
func TestCalibMeasure(t *testing.T) {
	w, x := layer(t)
	args := []string{"measure", w, "-to", "INT4,GPTQ,AWQ", "-calib", x, "group=32"}
	v := decode[struct {
		File    string
		Formats []measured
	}](t, works(t, append(args, "-json")...))
	for i, want := range []float64{0.010179, 0.003860, 0.003272} {
		if got := float64(v.Formats[i].Output.Relative); math.Abs(got-want) > 1e-5 {
			t.Errorf("%s: output error %v, want %v", v.Formats[i].Format, got, want)
		}
	}
	if out := works(t, args...); !strings.Contains(out, "output error") || !strings.Contains(out, "0.386%, plain rounding 1.018%") {
		t.Errorf("%s", out)
	}
}

// TestCalibFaults wants each fault to say what to do.
func TestCalibFaults(t *testing.T) {
	w, x := layer(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "o.json")
	narrow := npyFile(t, "narrow.npy", []int{3, 5}, normal(15, 1)...)
	nan := npyFile(t, "nan.npy", []int{1, 128}, append(normal(127, 1), float32(math.NaN()))...)
	zero := npyFile(t, "zero.npy", []int{2, 128}, make([]float32, 256)...)
	text := save(t, "text.txt", []byte("to be or not to be"))
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no -calib", []string{"-to", "gptq", "-o", out}, 2, "GPTQ needs activations: -calib X.npy"},
		{"other layer", []string{"-to", "awq", "-o", out, "-calib", narrow}, 1, "5 inputs, but the rows of the weights have 128"},
		{"other layer, plain format", []string{"-to", "INT8", "-o", out, "-calib", narrow}, 1, "5 inputs"},
		{"NaN", []string{"-to", "gptq", "-o", out, "-calib", nan}, 1, "row 0, column 127 is NaN"},
		{"all 0", []string{"-to", "gptq", "-o", out, "-calib", zero}, 1, "all 0"},
		{"a text", []string{"-to", "gptq", "-o", out, "-calib", text}, 2, ".npy"},
		{"no file", []string{"-to", "gptq", "-o", out, "-calib", filepath.Join(dir, "no.npy")}, 1, "no such file"},
		{"a model", []string{"-to", "Q4_K", "-o", filepath.Join(dir, "o.gguf"), "-calib", x}, 2, "-calib goes with"},
		{"gptq as gguf", []string{"-to", "gptq", "-o", filepath.Join(dir, "o.gguf"), "-calib", x}, 2, "give -calib TEXT"},
		{"bits", []string{"-to", "gptq", "-o", out, "-calib", x, "bits=9"}, 2, "bits=9"},
		{"option of another", []string{"-to", "gptq", "-o", out, "-calib", x, "alpha=0.5"}, 2, "alpha"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := fewbits(t, append([]string{"quantize", w}, tt.args...)...)
			if r.code != tt.code || !strings.Contains(r.err, tt.want) {
				t.Errorf("exit %d, want %d: %s", r.code, tt.code, r.err)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a file was written")
			}
		})
	}
}
