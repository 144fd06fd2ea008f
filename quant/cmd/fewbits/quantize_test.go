package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/ggml"
	"fewbits/quant/internal/libggml"
	"fewbits/quant/internal/testdata"
)

// TestWorkedExample is the one that the page begins with.
func TestWorkedExample(t *testing.T) {
	in := npyFile(t, "example.npy", []int{5}, -1, -0.5, 0, 0.5, 1)
	out := filepath.Join(filepath.Dir(in), "out.json")
	works(t, "quantize", in, "-to", "int8", "-o", out)
	var d struct {
		Codes          [][]int
		Scales, Zeros  [][]float32
		Reconstruction [][]float32
		GroupIndex     []int `json:"group_index"`
		Permutation    []int
		Options        map[string]string
	}
	if err := json.Unmarshal(load(t, out), &d); err != nil {
		t.Fatal(err)
	}
	if d.Scales[0][0] != float32(2.0/255) || d.Zeros[0][0] != 0 || d.Codes[0][3] != 64 {
		t.Errorf("scale %v, zero point %v, 0.5 → %d; want 2/255, 0, 64", d.Scales[0][0], d.Zeros[0][0], d.Codes[0][3])
	}
	if want := d.Scales[0][0] * 64; d.Reconstruction[0][3] != want {
		t.Errorf("0.5 comes back as %v, want %v", d.Reconstruction[0][3], want)
	}
	if len(d.GroupIndex) != 5 || d.Permutation != nil || d.Options["granularity"] != "tensor" {
		t.Errorf("%+v", d)
	}
	alone(t, in, "out.json")
}

// TestEveryFormat packs a real matrix (GPT-2's, 768 × 768, whole numbers in
// int16; its first rows where nothing longer is asked for) to every format: the
// bytes are libggml's where it has the type, and all that can be written of them
// agrees.
func TestEveryFormat(t *testing.T) {
	in := testdata.File(t, "npy", "gpt2_q88_block_0_q.npy")
	x := array(t, in)
	x.Name = "gpt2_q88_block_0_q"
	if os.Getenv("FEWBITS_LONG") == "" {
		x = x.Slice(0, 96)
		in = npyFile(t, x.Name+".npy", x.Shape, x.Data...)
	}
	rows, cols := x.Rows(), x.Cols()
	dir := t.TempDir()
	for _, f := range formats.All() {
		t.Run(f.Info().Name, func(t *testing.T) {
			if f.Info().Importance == quant.Required {
				t.Skip("needs an importance matrix")
			}
			p, err := f.Quantize(x, quant.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float32, x.Len())
			if err := f.Dequantize(p, want); err != nil {
				t.Fatal(err)
			}
			bin, back := filepath.Join(dir, "out.bin"), filepath.Join(dir, "out.npy")
			q := decode[quantized](t, works(t, "quantize", in, "-to", strings.ToLower(p.Format), "-o", bin, "-json"))
			got := load(t, bin)
			if !bytes.Equal(got, p.Bytes) {
				t.Fatalf("%d bytes that are not the %d of Quantize", len(got), len(p.Bytes))
			}
			if q.Bytes != int64(len(got)) || q.FileBytes != q.Bytes || q.Values != int64(x.Len()) || q.BitsPerWeight != p.BitsPerWeight() || q.Format != p.Format || q.Container != "bin" {
				t.Errorf("%+v", q)
			}
			works(t, "quantize", in, "-to", p.Format, "-o", back)
			y := array(t, back)
			if len(y.Shape) != 2 || y.Rows() != rows || !sameFloats(y.Data, want) {
				t.Errorf("%v values are not those of Dequantize", y.Shape)
			}
			lost := math.Sqrt(squared(x.Data, want) / float64(x.Len()))
			if math.Abs(float64(q.Metrics.RMSE)-lost) > 1e-5*lost {
				t.Errorf("RMSE %v, want %v", q.Metrics.RMSE, lost)
			}
			if f.Info().Family != quant.FamilyGGML {
				return
			}
			typ, ok := ggml.TypeByName(p.Format)
			if !ok {
				t.Fatalf("ggml has no %s", p.Format)
			}
			if slow := typ.Name == "IQ1_M" || typ.Name == "IQ2_S"; slow && os.Getenv("FEWBITS_LONG") == "" {
				return // libggml sorts their tables for half a minute; package ggml has golden sums
			}
			theirs, err := libggml.Need(t).Quantize(typ.ID, x.Data, rows, cols, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, theirs) {
				t.Error("libggml writes other bytes")
			}
		})
	}
}

func squared(x, y []float32) (sum float64) {
	for i := range x {
		d := float64(x[i]) - float64(y[i])
		sum += d * d
	}
	return sum
}

func sameFloats(x, y []float32) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
			return false
		}
	}
	return true
}

// TestLarge quantizes more than a slice, of more than one dimension, and
// wants what the format makes of it at once.
func TestLarge(t *testing.T) {
	shape := []int{3, 1500, 512}
	x := quant.Tensor{Name: "large", Shape: shape, Data: normal(3*1500*512, 7)}
	in := npyFile(t, "large.npy", shape, x.Data...)
	for _, tt := range []struct {
		format  string
		options []string
		o       quant.Options
	}{
		{"Q8_0", nil, quant.Options{}},
		{"BF16", nil, quant.Options{}},
		{"INT4", []string{"group=64", "sym=true"}, quant.Options{Group: 64, Symmetric: true}},
		{"NF4", []string{"nested=true"}, quant.Options{Nested: true}},
	} {
		t.Run(tt.format, func(t *testing.T) {
			f, _ := formats.Lookup(tt.format)
			p, err := f.Quantize(x, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out.bin")
			works(t, append([]string{"quantize", in, "-to", tt.format, "-o", out}, tt.options...)...)
			if !bytes.Equal(load(t, out), p.Bytes) {
				t.Error("slices differ from the whole")
			}
		})
	}
}

// TestOptions wants options by their fields' names, and a whole row as −1.
func TestOptions(t *testing.T) {
	in := npyFile(t, "w.npy", []int{4, 64}, normal(256, 1)...)
	for _, options := range [][]string{
		nil, {"group=-1"}, {"group=16"}, {"GROUP=16", "Sym=True"}, {"granularity=channel", "axis=1"},
		{"range=mse"}, {"range=percentile", "percentile=99"}, {"range=entropy"}, {"rounding=stochastic", "seed=7"}, {"scale=f16"}, {"narrow=1"},
	} {
		t.Run(strings.Join(options, " "), func(t *testing.T) {
			var o quant.Options
			for _, kv := range options {
				k, v, _ := strings.Cut(kv, "=")
				if err := o.Set(k, v); err != nil {
					t.Fatal(err)
				}
			}
			f, _ := formats.Lookup("INT4")
			p, err := f.Quantize(quant.Tensor{Name: "w", Shape: []int{4, 64}, Data: array(t, in).Data}, o)
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out.bin")
			q := decode[quantized](t, works(t, append([]string{"quantize", in, "-to", "INT4", "-o", out, "-json"}, options...)...))
			if !bytes.Equal(load(t, out), p.Bytes) {
				t.Error("other bytes")
			}
			for k, v := range p.Options.Map() {
				if q.Options[k] != v {
					t.Errorf("%s is %q, want %q", k, q.Options[k], v)
				}
			}
		})
	}
}

// TestDecision wants the JSON of any format to agree with its other outputs.
func TestDecision(t *testing.T) {
	in := npyFile(t, "w.npy", []int{3, 512}, normal(3*512, 3)...)
	dir := t.TempDir()
	for _, f := range formats.All() {
		if f.Info().Importance == quant.Required {
			continue
		}
		out, back := filepath.Join(dir, "out.json"), filepath.Join(dir, "out.npy")
		works(t, "quantize", in, "-to", f.Info().Name, "-o", out)
		works(t, "quantize", in, "-to", f.Info().Name, "-o", back)
		var d struct {
			Name           string
			Shape          []int
			Codes          [][]int64
			Reconstruction [][]float32
		}
		if err := json.Unmarshal(load(t, out), &d); err != nil {
			t.Fatalf("%s: %v", f.Info().Name, err)
		}
		y := array(t, back)
		if d.Name != "w" || len(d.Codes) != 3 || len(d.Codes[2]) != 512 || len(d.Shape) != 2 {
			t.Fatalf("%s: %s %v", f.Info().Name, d.Name, d.Shape)
		}
		for r, row := range d.Reconstruction {
			if !sameFloats(row, y.Slice(r, r+1).Data) {
				t.Errorf("%s: row %d differs", f.Info().Name, r)
			}
		}
	}
}

// TestScalar quantizes the one value of an array without dimensions.
func TestScalar(t *testing.T) {
	in := npyFile(t, "scalar.npy", []int{}, 0.75)
	out := filepath.Join(t.TempDir(), "out.json")
	works(t, "quantize", in, "-to", "INT8", "-o", out)
	var d struct {
		Shape          []int
		Codes          [][]int
		Reconstruction [][]float32
	}
	if err := json.Unmarshal(load(t, out), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Shape) != 0 || len(d.Codes) != 1 || len(d.Codes[0]) != 1 || math.Abs(float64(d.Reconstruction[0][0])-0.75) > 0.01 {
		t.Errorf("%+v", d)
	}
	if r := fewbits(t, "quantize", in, "-to", "Q8_0", "-o", out); r.code != 1 || !strings.Contains(r.err, "rows of 1 values are not a multiple of the 32") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

// TestNonFinite names the first bad value, counted in the whole tensor, and
// how many there are.
func TestNonFinite(t *testing.T) {
	x := normal(5000*512, 1)
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, at := range []int{3000*512 + 7, 3000*512 + 8, 4999*512 + 511} {
		x[at] = nan
	}
	x[4998*512] = inf
	in := npyFile(t, "bad.npy", []int{5000, 512}, x...)
	const want = `tensor "bad": row 3000, column 7 is NaN; there are 3 NaN and 1 infinite values`
	dir := t.TempDir()
	for _, args := range [][]string{
		{"quantize", in, "-to", "Q8_0", "-o", filepath.Join(dir, "out.bin")},
		{"quantize", in, "-to", "INT4", "-o", filepath.Join(dir, "out.json"), "group=32"},
		{"quantize", in, "-to", "NF4", "-o", filepath.Join(dir, "out.npy")},
		{"quantize", in, "-to", "Q4_K", "-o", filepath.Join(dir, "out.gguf")},
		{"measure", in, "-to", "Q6_K"},
		{"measure", in, "-to", "INT8"},
	} {
		if r := fewbits(t, args...); r.code != 1 || !strings.Contains(r.err, want) || !strings.Contains(r.err, in) {
			t.Errorf("%q: exit %d: %s", args, r.code, r.err)
		}
	}
	alone(t, filepath.Join(dir, "none"))
	// A float format keeps them; what JSON has no form for is null.
	m := works(t, "measure", in, "-to", "BF16", "-json")
	if !strings.Contains(m, `"mse": null`) || !json.Valid([]byte(m)) {
		t.Errorf("%s", m)
	}
	works(t, "quantize", in, "-to", "BF16", "-o", filepath.Join(dir, "out.json"))
	if !json.Valid(load(t, filepath.Join(dir, "out.json"))) {
		t.Error("no JSON")
	}
}

// TestOut writes a file whole or not at all, over what was there.
func TestOut(t *testing.T) {
	in := npyFile(t, "w.npy", []int{2, 32}, normal(64, 1)...)
	dir := t.TempDir()
	out := filepath.Join(dir, "W.BIN")
	if err := os.WriteFile(out, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	works(t, "quantize", in, "-to", "Q8_0", "-o", out)
	if b := load(t, out); len(b) != 68 {
		t.Errorf("%d bytes", len(b))
	}
	alone(t, out)
	// Into itself.
	works(t, "quantize", in, "-to", "FP16", "-o", in)
	if y := array(t, in); y.Len() != 64 {
		t.Errorf("%d values", y.Len())
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none", "x.bin"): "there is no folder",
		filepath.Join(dir, "folder.bin"):    "is a folder",
	} {
		if r := fewbits(t, "quantize", in, "-to", "Q8_0", "-o", path); r.code != 1 || !strings.Contains(r.err, want) || !strings.Contains(r.err, path) {
			t.Errorf("%s: exit %d: %s", path, r.code, r.err)
		}
	}
}

// TestSums wants the same numbers on any number of cores.
func TestSums(t *testing.T) {
	in := npyFile(t, "w.npy", []int{700, 640}, normal(700*640, 5)...)
	first := works(t, "measure", in, "-to", "Q8_0,Q4_0", "-json")
	for _, n := range []int{1, 3, 8} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			setProcs(t, n)
			if again := works(t, "measure", in, "-to", "Q8_0,Q4_0", "-json"); again != first {
				t.Errorf("%s\n%s", first, again)
			}
		})
	}
}
