package metric

import (
	"math"

	"fewbits/kernels"
)

// Histogram counts values in equal bins over [Lo, Hi]. What lies outside is in
// the first or the last bin.
type Histogram struct {
	Lo, Hi float64
	Counts []float32
}

// tail is the share of the values at either end that may lie outside the drawn
// range: without it one outlier would squeeze all others into a few bins.
const tail = 0.001

// Values is a histogram of x in n bins. It covers the whole range of x, or, where
// few values lie far out, the range without them: they are in the end bins.
// A constant x gets a range of width 1 around its value, or a millionth of it.
func Values(x []float32, n int) Histogram {
	lo32, hi32 := kernels.MinMax(x)
	lo, hi := float64(lo32), float64(hi32)
	if !(hi > lo) {
		w := math.Max(math.Abs(lo)*1e-6, 0.5)
		lo, hi = lo-w, hi+w
	} else if l, h := trimmed(x, lo, hi); h-l < (hi-lo)/2 {
		lo, hi = l, h
	}
	h := Histogram{Lo: lo, Hi: hi, Counts: make([]float32, n)}
	for i, c := range count(x, lo, hi, n) {
		h.Counts[i] = float32(c)
	}
	return h
}

func count(x []float32, lo, hi float64, n int) []uint32 {
	counts := make([]uint32, n)
	kernels.Histogram(counts, x, float32(lo), float32(hi))
	return counts
}

// trimmed is the range of x, lo … hi, without the outermost tail on either
// side, widened by a tenth.
func trimmed(x []float32, lo, hi float64) (float64, float64) {
	const bins = 4096
	counts, width := count(x, lo, hi, bins), (hi-lo)/bins
	allowed := uint32(tail * float64(len(x)))
	first, last := 0, bins-1
	for sum := counts[first]; sum <= allowed && first < last; sum += counts[first] {
		first++
	}
	for sum := counts[last]; sum <= allowed && last > first; sum += counts[last] {
		last--
	}
	l, h := lo+float64(first)*width, lo+float64(last+1)*width
	margin := (h - l) / 20
	return math.Max(lo, l-margin), math.Min(hi, h+margin)
}

// Errors is a histogram of y−x whose bins are a power of two wide and begin at
// multiples of it, so that two of them can be merged exactly.
type Errors struct {
	Step   float64   // width of a bin
	First  int       // bin i covers [(First+i)·Step, (First+i+1)·Step)
	Counts []float32 // about 64 … 128 of them
}

// errorSpread is how many root mean squares the error histogram reaches to
// either side; what lies farther out is in the end bins.
const errorSpread = 4.0

// ErrorHistogram counts y−x. rmse and maxAbs are those of the whole.
func ErrorHistogram(x, y []float32, rmse, maxAbs float64) Errors {
	reach := math.Min(errorSpread*rmse, maxAbs)
	if !(reach > 0) {
		return Errors{Step: 1, First: -1, Counts: []float32{0, float32(len(x))}}
	}
	step := math.Exp2(math.Ceil(math.Log2(reach / 64)))
	half := int(math.Ceil(reach / step))
	e := Errors{Step: step, First: -half, Counts: make([]float32, 2*half)}
	inv, off := float32(1/step), float32(half)
	for i, v := range x {
		f := (y[i]-v)*inv + off
		j := int(f)
		if !(f > 0) {
			j = 0
		} else if j >= len(e.Counts) {
			j = len(e.Counts) - 1
		}
		e.Counts[j]++
	}
	return e
}

// Heat is a picture of y−x over a tensor: every cell holds the error of
// largest magnitude among the weights that it covers, with its sign.
type Heat struct {
	W, H  int
	Max   float64 // largest magnitude drawn
	Cells []float32
}

// ErrorHeat shrinks y−x, rows × cols, to at most w × h cells.
func ErrorHeat(x, y []float32, rows, cols, w, h int) Heat {
	w, h = min(w, cols), min(h, rows)
	m := Heat{W: w, H: h, Cells: make([]float32, w*h)}
	if w == 0 || h == 0 {
		return m
	}
	edge := make([]int, w+1)
	for c := range edge {
		edge[c] = c * cols / w
	}
	var most float32
	for r := range rows {
		cells := m.Cells[(r*h/rows)*w:][:w]
		xr, yr := x[r*cols:][:cols], y[r*cols:][:cols]
		for c := range cells {
			best := cells[c]
			for i := edge[c]; i < edge[c+1]; i++ {
				if e := yr[i] - xr[i]; e*e > best*best {
					best = e
				}
			}
			cells[c] = best
			most = max(most, best, -best)
		}
	}
	m.Max = float64(most)
	return m
}
