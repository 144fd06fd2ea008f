package kernels

import "math"

// Sums is what one pass over two slices x and y gives.
type Sums struct {
	ErrSq  float64 // Σ (y−x)²
	XSq    float64 // Σ x²
	YSq    float64 // Σ y²
	XY     float64 // Σ x·y
	MaxAbs float32 // max |y−x|, the difference rounded to float32; NaN is skipped
}

// Compare measures y against x. Differences and products are formed in
// float64; the order of the sums is that of the package comment. So Sums of
// pieces of a slice add up only nearly to the Sums of the whole.
func Compare(x, y []float32) Sums {
	n := min(len(x), len(y))
	return compare(nil, x[:n], y[:n])
}

// CompareSub is Compare, and Sub: diff[i] = y[i] − x[i].
func CompareSub(diff, x, y []float32) Sums {
	n := min(len(diff), len(x), len(y))
	return compare(diff[:n:n], x[:n], y[:n])
}

// lanes are the four running sums of the package comment.
type lanes [4]float64

func (l *lanes) total() float64 { return (l[0] + l[2]) + (l[1] + l[3]) }

// compareLanes is the state of Compare. The assembly knows its layout.
type compareLanes struct {
	errSq, xSq, ySq, xy lanes
	maxAbs              [4]float32
}

// add goes on with x and y, which start in lane 0. diff has room for all, or is nil.
func (a *compareLanes) add(diff, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		w, j := y[i], i&3
		if diff != nil {
			diff[i] = w - v
		}
		dx, dy := float64(v), float64(w)
		e := dy - dx
		a.errSq[j] += float64(e * e)
		a.xSq[j] += float64(dx * dx)
		a.ySq[j] += float64(dy * dy)
		a.xy[j] += float64(dx * dy)
		if d := float32(math.Abs(float64(w - v))); d > a.maxAbs[j] {
			a.maxAbs[j] = d
		}
	}
}

func (a *compareLanes) sums() Sums {
	return Sums{
		ErrSq:  a.errSq.total(),
		XSq:    a.xSq.total(),
		YSq:    a.ySq.total(),
		XY:     a.xy.total(),
		MaxAbs: max(a.maxAbs[0], a.maxAbs[1], a.maxAbs[2], a.maxAbs[3]),
	}
}

func compareGeneric(diff, x, y []float32) Sums {
	var a compareLanes
	a.add(diff, x, y)
	return a.sums()
}
