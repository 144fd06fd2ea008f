package ggml

import "fewbits/kernels"

// searchPositive is kernels.SearchPositive of one group.
func searchPositive(x, w []float32, top int32, q []uint8) float32 {
	var scale [1]float32
	kernels.SearchPositive(q, scale[:], x, w, len(x), top)
	return scale[0]
}
