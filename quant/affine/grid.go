package affine

import (
	"math"

	"github.com/x448/float16"

	"fewbits/quant"
)

// params is what turns the codes of a group into values.
type params struct {
	scale float32
	zero  int32
}

// grid is the codes of a format, and how a range becomes params.
type grid struct {
	lo, hi int32 // smallest and largest code
	sym    bool  // zero point fixed at 0
	half   bool  // scales are float16
}

// newGrid is the grid of b-bit codes; o must be resolved.
func newGrid(bits int, o quant.Options) grid {
	g := grid{lo: -1 << (bits - 1), hi: 1<<(bits-1) - 1, sym: o.Symmetric, half: o.ScaleType == quant.ScaleF16}
	if o.Narrow {
		g.lo = -g.hi
	}
	return g
}

// Limits of float32.
const (
	smallestNormal = 0x1p-126
	unitsPerOne    = 0x1p149 // how many of the smallest float32 make 1
)

// fit is the params that cover [lo, hi] and 0 as doc.go says.
// It fails only where the scale is past the largest float16 and is to be one.
func (g grid) fit(lo, hi float32) (m params, ok bool) {
	lo, hi = min(lo, 0), max(hi, 0)
	if lo == hi {
		return params{scale: 1}, true
	}
	// In the symmetric case one side, half of the steps, stands for both:
	// the span of both may pass float32.
	span, steps := float64(hi)-float64(lo), float32(g.hi-g.lo)
	scale := (hi - lo) / steps
	if g.sym {
		a := max(-lo, hi)
		steps /= 2
		span, scale = float64(a), a/steps
	}
	if math.IsInf(float64(scale), 0) {
		scale = float32(span / float64(steps))
	}
	below := float64(lo) * float64(steps) / span // lo in steps, exact where it is a tie
	if scale < smallestNormal {
		scale = float32(math.Ceil(span/float64(steps)*unitsPerOne) / unitsPerOne)
		below = float64(lo) / float64(scale)
	}
	if g.half {
		h := float16.Fromfloat32(scale)
		if h.IsInf(0) {
			return params{}, false
		}
		if h.Bits() == 0 {
			h = float16.Frombits(1)
		}
		scale = h.Float32()
		below = float64(lo) / float64(scale)
	}
	m.scale = scale
	if !g.sym {
		z := math.RoundToEven(float64(g.lo) - below)
		m.zero = int32(max(float64(g.lo), min(float64(g.hi), z)))
	}
	return g.bound(m), true
}

// bound lowers the scale where the outermost level is past the largest float32.
func (g grid) bound(m params) params {
	reach := float32(max(g.hi-m.zero, m.zero-g.lo))
	if !math.IsInf(float64(m.scale*reach), 0) {
		return m
	}
	m.scale = float32(math.MaxFloat32 / float64(reach))
	if float64(m.scale)*float64(reach) > math.MaxFloat32 {
		m.scale = math.Nextafter32(m.scale, 0)
	}
	return m
}
