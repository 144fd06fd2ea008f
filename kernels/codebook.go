package kernels

// Codebook is 16 codes for levels: those of the gaps between 15 bounds, rising.
type Codebook struct {
	Bounds [15]float32
	Codes  [16]uint8
}

// PackLevels writes the codes of groups of n values, a power of two from 32 on, two to
// a byte, the first in the high half. The code of x is that of the gap in which
// x·inverse lies, inverse being one for each group; on a bound it is the lower one's,
// and NaN has the lowest.
func PackLevels(dst []byte, x, inverse []float32, n int, c *Codebook) {
	if n < 32 || n&(n-1) != 0 {
		return
	}
	groups := min(len(dst)/(n/2), len(x)/n, len(inverse))
	packLevels(dst[:groups*n/2], x[:groups*n], inverse[:groups], n, c)
}

// UnpackLevels writes the values of codes as PackLevels packs them: levels[code] ·
// scale, scale being one for each group of n values, a power of two from 32 on.
func UnpackLevels(dst []float32, codes []byte, scale []float32, n int, levels *[16]float32) {
	if n < 32 || n&(n-1) != 0 {
		return
	}
	groups := min(len(dst)/n, len(codes)/(n/2), len(scale))
	unpackLevels(dst[:groups*n], codes[:groups*n/2], scale[:groups], n, levels)
}

func packLevelsGeneric(dst []byte, x, inverse []float32, n int, c *Codebook) {
	code := func(y float32) uint8 {
		above := 0
		for _, b := range c.Bounds {
			if y > b {
				above++
			}
		}
		return c.Codes[above]
	}
	for g, inverse := range inverse {
		v, out := x[g*n:g*n+n], dst[g*n/2:g*n/2+n/2]
		for i := range out {
			out[i] = code(v[2*i]*inverse)<<4 | code(v[2*i+1]*inverse)
		}
	}
}

func unpackLevelsGeneric(dst []float32, codes []byte, scale []float32, n int, levels *[16]float32) {
	for g, scale := range scale {
		out, in := dst[g*n:g*n+n], codes[g*n/2:g*n/2+n/2]
		for i, b := range in {
			out[2*i], out[2*i+1] = levels[b>>4]*scale, levels[b&15]*scale
		}
	}
}
