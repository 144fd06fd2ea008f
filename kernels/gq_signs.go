package kernels

// TakeSigns takes the signs off v, eight values at a time: x is the magnitudes,
// and bit i of a byte of signs is set where value i was below 0. With even, an
// even number of each eight has to be minus: where it is not, the value that
// matters least, of which (w·x)·x is least, the first of equals, takes the wrong
// sign, and its x is negative. root is √w, high the largest x of each eight. Only
// whole eights are read; all must be finite.
//
// Source: the signs in quantize_row_iq2_xxs_impl and its kin in ggml-quants.c.
func TakeSigns(x, root, high []float32, signs []uint8, v, w []float32, even bool) {
	n := min(len(signs), len(high), len(x)/8, len(root)/8, len(v)/8, len(w)/8)
	takeSigns(x[:8*n], root[:8*n], high[:n], signs[:n], v[:8*n], w[:8*n], even)
}

func takeSignsGeneric(x, root, high []float32, signs []uint8, v, w []float32, even bool) {
	for i, w := range w {
		root[i] = squareRoot(w)
	}
	for k := range signs {
		x := (*[8]float32)(x[8*k:])
		signs[k] = takeEight(x, (*[8]float32)(v[8*k:]), (*[8]float32)(w[8*k:]), even)
		most := x[0]
		for _, v := range x[1:] {
			if v > most {
				most = v
			}
		}
		high[k] = most + 0 // no minus zero
	}
}

func takeEight(x, v, w *[8]float32, even bool) (signs uint8) {
	odd := false
	for i, v := range v {
		if v >= 0 {
			x[i] = v
		} else {
			x[i] = -v
			signs |= 1 << i
			odd = !odd
		}
	}
	if !even || !odd {
		return signs
	}
	at, least := 0, float32(float32(w[0]*x[0])*x[0])
	for i := 1; i < 8; i++ {
		if loss := float32(float32(w[i]*x[i]) * x[i]); loss < least {
			at, least = i, loss
		}
	}
	x[at] = -x[at]
	return signs ^ 1<<at
}
