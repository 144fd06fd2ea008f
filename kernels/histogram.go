package kernels

// Histogram adds x to the counts of len(counts) bins of equal width over
// lo … hi: value v is in bin trunc(min(max((v−lo) · w, 0), bins−1)) with
// w = bins/(hi−lo), all but w in float32. So what is outside goes to the first
// and the last bin, and so do lo and hi. NaN goes to the first.
func Histogram(counts []uint32, x []float32, lo, hi float32) {
	if len(counts) == 0 {
		return
	}
	histogram(counts, x, lo, binsPerUnit(counts, lo, hi))
}

// InBin copies to dst, in order, the values of x that Histogram counts in a bin of bins
// over lo … hi, as many as dst has room for, and returns how many. bins is at most
// 2^22.
func InBin(dst, x []float32, lo, hi float32, bins, bin int) int {
	if bins < 1 || bins > 1<<22 {
		return 0
	}
	return inBin(dst, x, lo, float32(float64(bins)/(float64(hi)-float64(lo))), float32(bins-1), float32(bin))
}

// Abs is dst[i] = |x[i]|.
func Abs(dst, x []float32) {
	n := min(len(dst), len(x))
	absolute(dst[:n], x[:n])
}

func absGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = magnitude(v)
	}
}

func inBinGeneric(dst, x []float32, lo, w, last, bin float32) (n int) {
	for _, v := range x {
		t := (v - lo) * w
		if !(t > 0) {
			t = 0
		}
		if t > last {
			t = last
		}
		if t >= bin && t < bin+1 && n < len(dst) {
			dst[n] = v
			n++
		}
	}
	return n
}

func binsPerUnit(counts []uint32, lo, hi float32) float32 {
	return float32(float64(len(counts)) / (float64(hi) - float64(lo)))
}

func histogramGeneric(counts []uint32, x []float32, lo, w float32) {
	last := float32(len(counts) - 1)
	for _, v := range x {
		t := (v - lo) * w
		if !(t > 0) {
			t = 0
		}
		if t > last {
			t = last
		}
		// last is rounded where there are more than 2^24 bins.
		counts[min(int(t), len(counts)-1)]++
	}
}
