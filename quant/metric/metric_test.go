package metric

import (
	"encoding/json"
	"math"
	"testing"

	"fewbits/quant"
)

func close(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Max(1, math.Abs(b)) }

// The numbers of this case were worked out by hand.
func TestMeasureByHand(t *testing.T) {
	x := []float32{3, 4, 0, 0}
	y := []float32{3, 3, 0, 1}
	r := Measure(x, y, &quant.Packed{Format: "F", Name: "t", Bytes: make([]byte, 2)})
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"bits per weight", r.BitsPerWeight, 4},
		{"ratio", r.Ratio, 8},
		{"mse", r.MSE, 0.5},
		{"rmse", r.RMSE, math.Sqrt(0.5)},
		{"relative rmse", r.RelRMSE, math.Sqrt(2.0 / 25)},
		{"sqnr", float64(r.SQNR), 10 * math.Log10(25.0/2)},
		{"max", r.MaxAbs, 1},
		{"cosine", r.Cosine, 21 / (5 * math.Sqrt(19))},
	} {
		if !close(c.got, c.want) {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestSumsOfPartsAddUp(t *testing.T) {
	x := make([]float32, 1000)
	y := make([]float32, 1000)
	for i := range x {
		x[i] = float32(i%17) - 8
		y[i] = x[i] + float32(i%5)/16
	}
	var whole, parts Sums
	whole.Add(x, y, 100)
	for i := 0; i < len(x); i += 250 {
		parts.Add(x[i:i+250], y[i:i+250], 25)
	}
	if a, b := whole.Report("F", ""), parts.Report("F", ""); !close(a.MSE, b.MSE) || !close(a.Cosine, b.Cosine) || a.Bytes != b.Bytes || a.MaxAbs != b.MaxAbs {
		t.Errorf("whole %+v\nparts %+v", a, b)
	}
}

func TestNoErrorIsInfiniteAndNullInJSON(t *testing.T) {
	x := []float32{1, 2}
	r := Measure(x, x, &quant.Packed{Bytes: make([]byte, 8)})
	if !math.IsInf(float64(r.SQNR), 1) || r.Cosine != 1 {
		t.Errorf("got %+v", r)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil || back != r {
		t.Errorf("%s came back as %+v, %v", text, back, err)
	}
}

func TestZerosAndNothing(t *testing.T) {
	zero := []float32{0, 0}
	if r := Measure(zero, []float32{1, 0}, &quant.Packed{Bytes: make([]byte, 1)}); r.Cosine != 0 || r.RelRMSE != 0 {
		t.Errorf("zeros against not: %+v", r)
	}
	if r := Measure(nil, nil, &quant.Packed{}); r.BitsPerWeight != 0 || r.Cosine != 1 {
		t.Errorf("nothing: %+v", r)
	}
}

func sum(x []float32) (s float64) {
	for _, v := range x {
		s += float64(v)
	}
	return s
}

func minus(y, x []float32) []float32 {
	d := make([]float32, len(x))
	for i := range d {
		d[i] = y[i] - x[i]
	}
	return d
}

// TestErrorHeatAgainstLoops holds the picture against the definition, cell by
// cell, for sizes that divide and sizes that do not.
func TestErrorHeatAgainstLoops(t *testing.T) {
	for _, s := range [][4]int{{8, 16, 4, 4}, {7, 13, 5, 3}, {1, 1024, 512, 512}, {600, 3, 512, 512}, {16, 24, 12, 16}, {5, 1, 1, 5}} {
		rows, cols := s[0], s[1]
		d := make([]float32, rows*cols)
		for i := range d {
			d[i] = float32((i*7919)%1013) - 506
		}
		h := ErrorHeat(d, rows, cols, s[2], s[3])
		want := make([]float32, h.W*h.H)
		for r := range rows {
			for c := range cols {
				cell := 0
				for (cell+1)*cols/h.W <= c {
					cell++
				}
				k := r*h.H/rows*h.W + cell
				if e := d[r*cols+c]; e*e > want[k]*want[k] {
					want[k] = e
				}
			}
		}
		for i := range want {
			if math.Abs(float64(h.Cells[i])) != math.Abs(float64(want[i])) {
				t.Errorf("%v: cell %d is %v, want %v", s, i, h.Cells[i], want[i])
				break
			}
		}
	}
}

// TestTheDrawnRangeLeavesOutFarOutliers: one value must not squeeze the rest.
func TestTheDrawnRangeLeavesOutFarOutliers(t *testing.T) {
	x := make([]float32, 10000)
	for i := range x {
		x[i] = float32(i%200)/100 - 1
	}
	x[5] = 1000
	h := Values(x, 100)
	if h.Hi > 3 || h.Lo > -0.9 || sum(h.Counts) != float64(len(x)) || h.Counts[99] < 1 {
		t.Errorf("range %v … %v, %v values", h.Lo, h.Hi, sum(h.Counts))
	}
	x[5] = 1.5
	if h := Values(x, 100); h.Hi != 1.5 || h.Lo != -1 {
		t.Errorf("a near outlier is left out: %v … %v", h.Lo, h.Hi)
	}
}

func TestHistograms(t *testing.T) {
	x := []float32{-1, -0.5, 0, 0.25, 1}
	h := Values(x, 4)
	if h.Lo != -1 || h.Hi != 1 || sum(h.Counts) != 5 || h.Counts[0] != 1 || h.Counts[1] != 1 || h.Counts[2] != 2 || h.Counts[3] != 1 {
		t.Errorf("values: %+v", h)
	}
	if h := Values([]float32{7, 7}, 8); !(h.Lo < 7 && 7 < h.Hi) || sum(h.Counts) != 2 {
		t.Errorf("constant: %+v", h)
	}
	y := []float32{-1, -0.375, 0, 0.25, 0.75}
	r := Measure(x, y, &quant.Packed{Bytes: make([]byte, 1)})
	e := ErrorHistogram(minus(y, x), r.RMSE, r.MaxAbs)
	if l := math.Log2(e.Step); l != math.Trunc(l) {
		t.Errorf("step %v is no power of two", e.Step)
	}
	if sum(e.Counts) != 5 || float64(e.First)*e.Step > -0.25 || float64(e.First+len(e.Counts))*e.Step < 0.25 {
		t.Errorf("errors: %+v", e)
	}
	// The bin of an error of exactly 0.125 begins there.
	if i := int(0.125/e.Step) - e.First; e.Counts[i] != 1 {
		t.Errorf("no error of 0.125 in bin %d: %+v", i, e)
	}
	if e := ErrorHistogram(minus(x, x), 0, 0); sum(e.Counts) != 5 {
		t.Errorf("no error: %+v", e)
	}
}

func TestErrorHeatKeepsTheLargest(t *testing.T) {
	const rows, cols = 8, 9
	d := make([]float32, rows*cols)
	d[3*cols+5] = -2
	d[3*cols+4] = 1
	h := ErrorHeat(d, rows, cols, 3, 4)
	if h.W != 3 || h.H != 4 || h.Max != 2 {
		t.Fatalf("%+v", h)
	}
	for i, c := range h.Cells {
		want := float32(0)
		if i == 1*3+1 {
			want = -2
		}
		if c != want {
			t.Errorf("cell %d is %v, want %v", i, c, want)
		}
	}
	if h := ErrorHeat(d, rows, cols, 100, 100); h.W != cols || h.H != rows {
		t.Errorf("a small tensor is not enlarged: %+v", h)
	}
}

// TestNotFinite wants no number where there is none, and with such pairs left
// out the numbers of the others.
func TestNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	p := &quant.Packed{Format: "F", Name: "t", Bytes: make([]byte, 10)}
	for _, c := range []struct {
		name string
		x, y []float32
		left int
	}{
		{"NaN before and after", []float32{3, nan, 4}, []float32{3, nan, 3}, 1},
		{"infinite before and after", []float32{inf, 3, 4}, []float32{inf, 3, 3}, 1},
		{"infinite after", []float32{3, 4, 1e30}, []float32{3, 3, -inf}, 1},
		{"all", []float32{nan, inf}, []float32{nan, inf}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := Measure(c.x, c.y, p); !math.IsNaN(float64(r.SQNR)) || !math.IsNaN(r.Cosine) || !math.IsNaN(r.RelRMSE) {
				t.Errorf("with them: %+v", r)
			}
			r, x, y := MeasureFinite(c.x, c.y, p)
			diff := make([]float32, len(c.x))
			if r2, x2, y2 := MeasureSub(diff, c.x, c.y, p); r2 != r || len(x2) != len(x) || len(y2) != len(y) {
				t.Errorf("with differences: %+v, %v and %v", r2, x2, y2)
			}
			for i, d := range diff {
				if want := c.y[i] - c.x[i]; d != want && (d == d || want == want) {
					t.Errorf("difference %d is %v, want %v", i, d, want)
				}
			}
			if len(c.x)-len(x) != c.left || len(x) != len(y) {
				t.Fatalf("left %v and %v", x, y)
			}
			want := 0.0
			if len(x) > 0 {
				want = 0.5 // (4−3)² over two pairs
			}
			if r.MSE != want || r.Values != len(c.x) || r.Bytes != 10 || !close(r.BitsPerWeight, 80/float64(len(c.x))) {
				t.Errorf("without them: %+v", r)
			}
		})
	}
	x := []float32{1, 2}
	if _, fx, _ := MeasureFinite(x, x, p); &fx[0] != &x[0] {
		t.Error("finite values were copied")
	}
}
