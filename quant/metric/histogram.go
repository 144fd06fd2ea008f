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

// Errors is a histogram of x̂ − x whose bins are a power of two wide and begin at
// multiples of it, so that two of them can be merged exactly.
type Errors struct {
	Step   float64   // width of a bin
	First  int       // bin i covers [(First+i)·Step, (First+i+1)·Step)
	Counts []float32 // about 64 … 128 of them
}

// errorSpread is how many root mean squares the error histogram reaches to
// either side; what lies farther out is in the end bins.
const errorSpread = 4.0

// ErrorHistogram counts the differences d = x̂ − x. rmse and maxAbs are those of
// the whole.
func ErrorHistogram(d []float32, rmse, maxAbs float64) Errors {
	reach := math.Min(errorSpread*rmse, maxAbs)
	if !(reach > 0) || math.IsInf(reach, 0) {
		return Errors{Step: 1, First: -1, Counts: []float32{0, float32(len(d))}}
	}
	step := math.Exp2(math.Ceil(math.Log2(reach / 64)))
	half := int(math.Ceil(reach / step))
	e := Errors{Step: step, First: -half, Counts: make([]float32, 2*half)}
	for i, c := range count(d, -float64(half)*step, float64(half)*step, 2*half) {
		e.Counts[i] = float32(c)
	}
	return e
}

// Heat is a picture of x̂ − x over a tensor: every cell holds the error of
// largest magnitude among the weights that it covers, with its sign.
type Heat struct {
	W, H  int
	Max   float64 // largest magnitude drawn
	Cells []float32
}

// ErrorHeat shrinks the differences d, rows × cols, to at most w × h cells.
func ErrorHeat(d []float32, rows, cols, w, h int) Heat {
	w, h = min(w, cols), min(h, rows)
	m := Heat{W: w, H: h, Cells: make([]float32, w*h)}
	if w == 0 || h == 0 {
		return m
	}
	tall := make([]float32, cols) // the rows of one cell, laid over one another
	for c := range h {
		clear(tall)
		for r := (c*rows + h - 1) / h; r < ((c+1)*rows+h-1)/h; r++ {
			kernels.KeepLarger(tall, d[r*cols:][:cols])
		}
		shrink(m.Cells[c*w:][:w], tall)
	}
	m.Max = float64(kernels.AbsMax(m.Cells))
	return m
}

// shrink keeps the largest of the values that each cell covers; row is
// overwritten.
func shrink(cells, row []float32) {
	for len(row)%2 == 0 && len(row)/2 >= len(cells) && (len(row)/2)%len(cells) == 0 {
		kernels.HalveLarger(row[:len(row)/2], row)
		row = row[:len(row)/2]
	}
	if len(row) == len(cells) {
		copy(cells, row)
		return
	}
	for c := range cells {
		best := cells[c]
		for _, e := range row[c*len(row)/len(cells) : (c+1)*len(row)/len(cells)] {
			if e*e > best*best {
				best = e
			}
		}
		cells[c] = best
	}
}
