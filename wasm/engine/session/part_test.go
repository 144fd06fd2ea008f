package session

import (
	"math"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// TestSampleOfLongRows samples columns where rows are few and long: each value
// of the sample is the one of the whole that the part says it is.
func TestSampleOfLongRows(t *testing.T) {
	for _, tt := range []struct{ rows, cols, n, row, col, wantRows int }{
		{1, 1 << 18, 1 << 15, 0, 0, 1},
		{1, 1 << 18, 1 << 15, 0, 1<<18 - 1, 1},
		{1, 1<<18 + 100, 1 << 15, 0, 77777, 1},
		{3, 1 << 17, 1 << 14, 2, 5000, 3},
		{100, 1 << 13, 1 << 13, 99, 8000, 8},
	} {
		x := make([]float32, tt.rows*tt.cols)
		for i := range x {
			x[i] = float32(i)
		}
		s := loaded(t, []int{tt.rows, tt.cols}, x)
		got, p := s.sampled(tt.n, tt.row, tt.col)
		if p == nil || len(p.rows) != tt.wantRows || got.Cols() != p.cols() || got.Len() > 2*tt.n+pieceCols*tt.rows {
			t.Errorf("%+v: %+v of %d values", tt, p, got.Len())
			continue
		}
		before := -1
		for j := range got.Cols() {
			c := p.col(j)
			if c <= before || p.colAt(c) != j {
				t.Fatalf("%+v: column %d of the sample is %d after %d; back it is %d", tt, j, c, before, p.colAt(c))
			}
			before = c
			for i := range got.Rows() {
				if got.Data[i*got.Cols()+j] != x[p.row(i)*tt.cols+c] {
					t.Fatalf("%+v: value %d, %d is another", tt, i, j)
				}
			}
		}
		if r, c := p.row(p.rowAt(tt.row)), p.col(p.colAt(tt.col)); r != tt.row || c != tt.col {
			t.Errorf("%+v: row %d and column %d are there instead", tt, r, c)
		}
		if got.Cols()%256 != tt.cols%256 {
			t.Errorf("%+v: %d columns end otherwise than the whole's", tt, got.Cols())
		}
	}
}

// TestOneLongRow has the numbers of a sample of one row near those of all of
// it, in formats of each family, and opens the weight that was asked for.
func TestOneLongRow(t *testing.T) {
	const cols = 1 << 20
	x := bell(cols)
	s := loaded(t, []int{1, cols}, x)
	for _, format := range []string{"INT4", "Q4_K", "Q8_0", "NF4", "FP8_E4M3"} {
		a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: format, Options: map[string]string{"group": "32"}, Col: 777_777, Sample: 1 << 16})
		checkArrays(t, a)
		whole := mustAnalyze(t, s, wire.AnalyzeArgs{Format: format, Options: map[string]string{"group": "32"}, Col: 777_777})
		if !a.Sampled || a.Cols != cols || a.Opened.Col != 777_777 || a.Opened.X != float64(x[777_777]) {
			t.Errorf("%s: %+v", format, a.Opened)
		}
		if a.Opened.Lo != whole.Opened.Lo || a.Opened.Hi != whole.Opened.Hi {
			t.Errorf("%s: the block is columns %d to %d, of the whole %d to %d", format, a.Opened.Lo, a.Opened.Hi, whole.Opened.Lo, whole.Opened.Hi)
		}
		if d := a.Metrics.RMSE / whole.Metrics.RMSE; d < 0.95 || d > 1.05 || a.Metrics.Bytes != whole.Metrics.Bytes {
			t.Errorf("%s: the error is %v times that of the whole; %d and %d bytes", format, d, a.Metrics.Bytes, whole.Metrics.Bytes)
		}
		if d := a.Metrics.MSE - whole.Metrics.MSE; math.Abs(d) == 0 {
			t.Errorf("%s: the sample is the whole", format)
		}
	}
}

// TestSampleRefuses wants a row that fills no blocks refused from a sample too.
func TestSampleRefuses(t *testing.T) {
	s := loaded(t, []int{1, 1<<18 + 32}, bell(1<<18+32))
	_, err := analyzed(s, wire.AnalyzeArgs{Format: "Q4_K", Sample: 1 << 15})
	if err == nil || !strings.Contains(err.Error(), "rows of 262176 values") {
		t.Error(err)
	}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q8_0", Sample: 1 << 15})
}

// TestStoredLongRow samples the blocks of a long row.
func TestStoredLongRow(t *testing.T) {
	const cols = 1 << 17
	s, _, raw := inFile(t, "Q4_K", []int{1, cols}, bell(cols))
	a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: wire.AsStored, Col: 100_000, Sample: 1 << 14})
	checkArrays(t, a)
	y, err := quant.ReadTensor(s.file, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.Opened.Col != 100_000 || float32(a.Opened.XHat) != y.Data[100_000] || a.Opened.X != a.Opened.XHat || len(raw) != a.Metrics.Bytes {
		t.Errorf("%+v", a.Opened)
	}
}
