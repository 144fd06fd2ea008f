package expf

import (
	"math"
	"testing"
)

// TestExp holds Exp against package math over its range.
func TestExp(t *testing.T) {
	worst := 0.0
	for x := float32(-87.3); x < 88.3; x += 0.00371 {
		want := math.Exp(float64(x))
		worst = max(worst, math.Abs(float64(Exp(x))-want)/want)
	}
	if worst > 2.4e-7 {
		t.Errorf("relative error %.3g", worst)
	}
	inf := float32(math.Inf(1))
	if Exp(0) != 1 || Exp(-inf) != 0 || Exp(inf) != inf || !math.IsNaN(float64(Exp(float32(math.NaN())))) || Exp(-100) != 0 {
		t.Error(Exp(0), Exp(-inf), Exp(inf), Exp(-100))
	}
}
