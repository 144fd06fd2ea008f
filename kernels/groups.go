package kernels

import "math"

// GroupRanges writes the least and the greatest value of each n of x, as MinMax
// does.
func GroupRanges(lo, hi, x []float32, n int) {
	if n < 1 {
		return
	}
	groups := min(len(lo), len(hi), len(x)/n)
	groupRanges(lo[:groups], hi[:groups], x[:groups*n], n)
}

// GroupAbsMax writes the largest magnitude of each n of x, as AbsMax does.
func GroupAbsMax(dst, x []float32, n int) {
	if n < 1 {
		return
	}
	groups := min(len(dst), len(x)/n)
	groupAbsMax(dst[:groups], x[:groups*n], n)
}

// PackFP4 writes blocks of per groups of n values, 16 or 32: a byte of stored for each
// group, then their codes of FP4. A group has the scale d, and a code is that of the
// nearest of 0, 1, 2, 3, 4, 6, 8 and 12 times d to |x|, of two as near the smaller,
// and 8 more where x < 0 and that is not 0. Where d is 0, all codes are. Of a group,
// code j stands in the low half of byte j, code j + n/2 in its high half. x must be
// finite, and d have few enough bits that the middles, 0.5·d … 10·d, are exact.
func PackFP4(dst []byte, x, d []float32, stored []uint8, n, per int) {
	if n != 16 && n != 32 || per < 1 {
		return
	}
	size := per + per*n/2
	blocks := min(len(dst)/size, len(x)/(per*n), len(d)/per, len(stored)/per)
	packFP4(dst[:blocks*size], x[:blocks*per*n], d[:blocks*per], stored[:blocks*per], n, per)
}

// ScalesUE4M3 rounds v/over, v ≥ 0, to unsigned floats of 4 bits of exponent and 3 of
// mantissa, halves up, and says with d what half of each is. What rounds to 256 or
// more becomes 448; what is below 2^−6 is rounded to 7·2^−9 at most. Source:
// ggml_fp32_to_ue4m3 and ggml_ue4m3_to_fp32 in src/ggml-impl.h.
func ScalesUE4M3(codes []uint8, d, v []float32, over float32) {
	n := min(len(codes), len(d), len(v))
	scalesUE4M3(codes[:n], d[:n], v[:n], over)
}

// ScalesE8M0 makes of v ≥ 0 the power of two of MXFP4: the code e = ⌊log2 v⌋ + 125, no
// less than 0, and d = 2^(e − 128). It says whether any v is so near below a power
// of two that a log2 rounded to float32 may be that power.
func ScalesE8M0(codes []uint8, d, v []float32) (near bool) {
	n := min(len(codes), len(d), len(v))
	return scalesE8M0(codes[:n], d[:n], v[:n])
}

func scalesUE4M3Generic(codes []uint8, d, v []float32, over float32) {
	const step = 1 << 20 // of the mantissa's 3 bits, in those of float32
	for g, v := range v {
		v /= over
		// The carry of rounding runs into the exponent.
		code := min((math.Float32bits(v)-120<<23+step/2)/step, 0x7e)
		switch {
		case v < 0x1p-6: // steps of 2^−9
			code = uint32(min(float32(v*512)+0.5, 7))
		case code >= 15<<3:
			code = 0x7e
		}
		codes[g], d[g] = uint8(code), halvesUE4M3[code]
	}
}

func scalesE8M0Generic(codes []uint8, d, v []float32) (near bool) {
	const nearly = 0x7fff00 // of a mantissa
	for g, v := range v {
		u := math.Float32bits(v)
		e := uint8(max(int32(u>>23)-2, 0))
		codes[g], d[g] = e, halfE8M0(e)
		near = near || u&nearly == nearly
	}
	return near
}

func groupRangesGeneric(lo, hi, x []float32, n int) {
	for g := range lo {
		lo[g], hi[g] = minMaxGeneric(x[g*n : g*n+n])
	}
}

func groupAbsMaxGeneric(dst, x []float32, n int) {
	for g := range dst {
		dst[g] = absMaxGeneric(x[g*n : g*n+n])
	}
}

// fp4Middles are the middles between the levels of FP4, over d.
var fp4Middles = [7]float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10}

func packFP4Generic(dst []byte, x, d []float32, stored []uint8, n, per int) {
	for g, d := range d {
		if g%per == 0 {
			dst = dst[copy(dst, stored[g:g+per]):]
		}
		var q [32]uint8
		for i, v := range x[g*n : g*n+n] {
			var code uint8
			for _, m := range fp4Middles {
				if magnitude(v) > m*d && d != 0 {
					code++
				}
			}
			if v < 0 && code > 0 {
				code |= 8
			}
			q[i] = code
		}
		for j := range n / 2 {
			dst[j] = q[j] | q[j+n/2]<<4
		}
		dst = dst[n/2:]
	}
}
