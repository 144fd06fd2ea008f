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
