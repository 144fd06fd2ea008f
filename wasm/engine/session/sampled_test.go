package session

import (
	"math"
	"strings"
	"testing"

	"fewbits/wasm/wire"
)

func TestSampled(t *testing.T) {
	const rows, cols, row, col = 1003, 64, 777, 20
	x := bell(rows * cols)
	s := loaded(t, []int{rows, cols}, x)
	a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4", Options: map[string]string{"group": "32"}, Row: row, Col: col, Sample: 100 * cols})
	checkArrays(t, a)
	if !a.Sampled || a.Rows != rows || a.Heat.H != 100 || a.Opened.Row != row || a.Opened.X != float64(x[row*cols+col]) {
		t.Fatalf("%+v", a)
	}
	if n := total(a.arrays["hist"]); n != rows*cols {
		t.Errorf("the histogram of the values counts %d: it is of the whole tensor", n)
	}
	if n := total(a.arrays["err"]); n != 100*cols {
		t.Errorf("the error's histogram counts %d", n)
	}
	exact := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4", Options: map[string]string{"group": "32"}})
	if exact.Sampled || a.Metrics.Values != exact.Metrics.Values || a.Metrics.Bytes != exact.Metrics.Bytes {
		t.Errorf("a sample says %d values in %d bytes, the whole %d in %d", a.Metrics.Values, a.Metrics.Bytes, exact.Metrics.Values, exact.Metrics.Bytes)
	}
	if d := a.Metrics.RMSE / exact.Metrics.RMSE; d < 0.9 || d > 1.1 {
		t.Errorf("the sample's error is %v times that of the whole", d)
	}
}

func TestSampleOfRows(t *testing.T) {
	const cols = 4
	for _, c := range []struct{ rows, n, keep, want int }{
		{100, 40, 0, 10}, {100, 40, 99, 10}, {100, 40, -3, 10}, {100, 40, 1000, 10},
		{7, 5, 3, 1}, {7, 3, 3, 1}, {7, 27, 3, 6}, {7, 28, 3, 0}, {7, 0, 3, 0}, {1, 2, 0, 0}, {2, 4, 1, 1},
	} {
		x := make([]float32, c.rows*cols)
		for i := range x {
			x[i] = float32(i)
		}
		s := loaded(t, []int{c.rows, cols}, x)
		got, of := s.sampled(c.n, c.keep, 0)
		var rowOf []int
		if of != nil {
			rowOf = of.rows
		}
		if len(rowOf) != c.want {
			t.Errorf("%+v: rows %v", c, rowOf)
			continue
		}
		if c.want == 0 {
			if got.Rows() != c.rows {
				t.Errorf("%+v: %d rows of the whole", c, got.Rows())
			}
			continue
		}
		keep, kept := max(0, min(c.keep, c.rows-1)), false
		for i, r := range rowOf {
			kept = kept || r == keep
			if i > 0 && r <= rowOf[i-1] || r < 0 || r >= c.rows || got.Data[i*cols] != x[r*cols] || got.Data[i*cols+cols-1] != x[r*cols+cols-1] {
				t.Errorf("%+v: rows %v hold %v", c, rowOf, got.Data)
			}
		}
		if !kept {
			t.Errorf("%+v: row %d is not among %v", c, keep, rowOf)
		}
	}
}

// TestPickInSample opens any row of the whole by the nearest that is there.
func TestPickInSample(t *testing.T) {
	const rows, cols = 257, 32
	x := bell(rows * cols)
	s := loaded(t, []int{rows, cols}, x)
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q8_0", Row: 200, Sample: 20 * cols})
	for row := range rows {
		var p wire.Picked
		if err := request(s, wire.OpPick, wire.PickArgs{Row: row, Col: 3}, Attachment{}, &p); err != nil {
			t.Fatal(err)
		}
		least := rows
		for _, r := range s.last.part.rows {
			least = min(least, max(r-row, row-r))
		}
		if d := max(p.Opened.Row-row, row-p.Opened.Row); d != least || p.Opened.Col != 3 {
			t.Errorf("row %d opens row %d, column %d; a row %d away is there", row, p.Opened.Row, p.Opened.Col, least)
		}
		if p.Opened.X != float64(x[p.Opened.Row*cols+3]) {
			t.Errorf("row %d: the weight is %v", row, p.Opened.X)
		}
	}
	v := 0.0731
	var p wire.Picked
	if err := request(s, wire.OpPick, wire.PickArgs{Value: &v}, Attachment{}, &p); err != nil {
		t.Fatal(err)
	}
	best := math.Inf(1)
	for _, r := range s.last.part.rows {
		for _, y := range x[r*cols:][:cols] {
			best = min(best, math.Abs(float64(y-float32(v))))
		}
	}
	if math.Abs(p.Opened.X-v) > best+1e-7 || p.Opened.X != float64(x[p.Opened.Row*cols+p.Opened.Col]) {
		t.Errorf("%v at row %d, column %d is not the nearest to %v", p.Opened.X, p.Opened.Row, p.Opened.Col, v)
	}
}

// TestErrorsInSample wants errors to name rows of the tensor, not of the sample.
func TestErrorsInSample(t *testing.T) {
	const rows, cols = 1000, 32
	big := bell(rows * cols)
	big[777*cols] = 1e8
	nan := bell(rows * cols)
	nan[777*cols+9], nan[990*cols] = float32(math.NaN()), float32(math.NaN())
	for _, c := range []struct {
		name    string
		x       []float32
		options map[string]string
		want    string
	}{
		{"a scale past f16", big, map[string]string{"granularity": "channel", "scale": "f16"}, "row 777 "},
		{"NaN", nan, nil, "row 777, column 9 is NaN; there are 2 NaN"},
	} {
		s := loaded(t, []int{rows, cols}, c.x)
		if _, err := analyzed(s, wire.AnalyzeArgs{Format: "INT4", Options: c.options, Row: 777, Sample: 100 * cols}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
