package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant/formats"
	"fewbits/quant/internal/testdata"
)

// TestMeasure checks every number against its definition, worked out anew.
func TestMeasure(t *testing.T) {
	in := npyFile(t, "w.npy", []int{9, 64}, normal(9*64, 1)...)
	x := array(t, in)
	var names []string
	for _, f := range formats.All() {
		if f.Info().BlockSize <= 64 && f.Info().Importance == "" {
			names = append(names, f.Info().Name)
		}
	}
	m := decode[measureOut](t, works(t, "measure", in, "-to", strings.Join(names, ","), "-json"))
	if len(m.Formats) != len(names) || m.File != in {
		t.Fatalf("%d formats of %s", len(m.Formats), m.File)
	}
	for i, f := range m.Formats {
		dir := t.TempDir()
		works(t, "quantize", in, "-to", names[i], "-o", filepath.Join(dir, "x.npy"))
		works(t, "quantize", in, "-to", names[i], "-o", filepath.Join(dir, "x.bin"))
		y := array(t, filepath.Join(dir, "x.npy"))
		var ee, xx, yy, xy, largest float64
		for k := range x.Data {
			a, b := float64(x.Data[k]), float64(y.Data[k])
			ee, xx, yy, xy = ee+(a-b)*(a-b), xx+a*a, yy+b*b, xy+a*b
			largest = max(largest, math.Abs(a-b))
		}
		n := float64(x.Len())
		r := f.Tensors[0]
		size := len(load(t, filepath.Join(dir, "x.bin")))
		for what, pair := range map[string][2]float64{
			"bytes": {float64(r.Bytes), float64(size)}, "bits": {r.BitsPerWeight, float64(size) * 8 / n}, "ratio": {r.Ratio, 4 * n / float64(size)},
			"MSE": {float64(r.MSE), ee / n}, "RMSE": {float64(r.RMSE), math.Sqrt(ee / n)}, "relative": {float64(r.RelRMSE), math.Sqrt(ee / xx)},
			"largest": {float64(r.MaxAbs), largest}, "cosine": {float64(r.Cosine), xy / math.Sqrt(xx*yy)},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-6*math.Abs(pair[1]) {
				t.Errorf("%s: %s is %v, want %v", names[i], what, pair[0], pair[1])
			}
		}
		if db := 10 * math.Log10(xx/ee); ee > 0 && math.Abs(float64(r.SQNR)-db) > 1e-6 {
			t.Errorf("%s: SQNR %v, want %v", names[i], r.SQNR, db)
		}
		if r.Tensor != "w" || f.Format != names[i] || f.Total.MSE != r.MSE || f.Total.Bytes != r.Bytes || f.Options == nil {
			t.Errorf("%+v", f)
		}
	}
}

// TestMeasureModel goes over all tensors of a real model.
func TestMeasureModel(t *testing.T) {
	in := testdata.File(t, "gguf", "stories260K.gguf")
	m := decode[measureOut](t, works(t, "measure", in, "-to", "Q8_0,int4", "group=32", "-json"))
	q8, int4 := m.Formats[0], m.Formats[1]
	if len(q8.Tensors) != 43 || len(q8.Skipped) != 5 || !strings.Contains(q8.Skipped[0].Why, "rows of 172 values") {
		t.Errorf("%d tensors, %+v", len(q8.Tensors), q8.Skipped)
	}
	if len(int4.Tensors) != 48 || len(int4.Skipped) != 0 || int4.Total.Values != 292800 || int4.Options["group"] != "32" {
		t.Errorf("%d tensors, %+v", len(int4.Tensors), int4.Options)
	}
	sum, bytes := 0.0, 0
	for _, r := range int4.Tensors {
		sum += float64(r.MSE) * float64(r.Values)
		bytes += r.Bytes
	}
	if math.Abs(sum/292800-float64(int4.Total.MSE)) > 1e-9 || bytes != int4.Total.Bytes {
		t.Errorf("%+v", int4.Total)
	}
	text := works(t, "measure", in, "-to", "Q8_0")
	if !strings.Contains(text, "in all (43 of 48 tensors)") || !strings.Contains(text, "left out of Q8_0: 5 tensors, the first: ") {
		t.Errorf("%s", text)
	}
	if r := fewbits(t, "measure", in, "-to", "Q4_K"); r.code != 1 || !strings.Contains(r.err, "no tensor can be quantized to Q4_K: tensor \"token_embd.weight\": rows of 64") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	if r := fewbits(t, "measure", in, "-to", "Q8_0", "-tensor", "nope"); r.code != 1 || !strings.Contains(r.err, `has no tensor "nope" among its 48`) {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}
