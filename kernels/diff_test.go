package kernels

import (
	"math"
	"slices"
	"testing"
)

// The expected values were written by hand.
func TestDifferences(t *testing.T) {
	nan := float32(math.NaN())
	dst := make([]float32, 3)
	Sub(dst, []float32{1, 2, 3, 9}, []float32{0.5, -2, 3})
	if !slices.Equal(dst, []float32{0.5, 4, 0}) {
		t.Errorf("Sub: %v", dst)
	}
	kept := []float32{1, -2, 0, 0, 5}
	KeepLarger(kept, []float32{-1.5, 1, nan, -3})
	if !slices.Equal(kept, []float32{-1.5, -2, 0, -3, 5}) {
		t.Errorf("KeepLarger: %v", kept)
	}
	half := make([]float32, 6)
	HalveLarger(half, []float32{1, -2, 3, -3, nan, 4, 5, nan, nan, nan, 0, 0, 7})
	if !slices.Equal(half, []float32{-2, 3, 4, 5, 0, 0}) {
		t.Errorf("HalveLarger: %v", half)
	}
}
