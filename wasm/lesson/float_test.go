package lesson

import (
	"math"
	"testing"

	"fewbits/quant/floats"
)

// TestSmall holds the floats of the lesson against the engine's, code by code.
func TestSmall(t *testing.T) {
	for _, c := range []struct {
		f    small
		read func(code int) float32
	}{
		{small{5, 10}, func(c int) float32 { return floats.F16Value(uint16(c)) }},
		{small{8, 7}, func(c int) float32 { return floats.BF16Value(uint16(c)) }},
		{small{4, 3}, func(c int) float32 { return floats.E4M3Value(uint8(c)) }},
		{small{5, 2}, func(c int) float32 { return floats.E5M2Value(uint8(c)) }},
	} {
		for code := 0; code <= c.f.last(); code++ {
			if got, want := c.f.value(code), float64(c.read(code)); got != want {
				t.Fatalf("%s: code %d is %v, the engine says %v", c.f.name(), code, got, want)
			}
			if c.f.nearest(c.f.value(code)) != code {
				t.Fatalf("%s: %v does not come back", c.f.name(), c.f.value(code))
			}
		}
		if v := float64(c.read(c.f.last() + 1)); v-v == 0 {
			t.Errorf("%s: code %d is %v, a number", c.f.name(), c.f.last()+1, v)
		}
	}
	f := small{5, 10}
	for x := 0.001; x < 8; x *= 1.013 {
		if got, want := f.value(f.nearest(x)), float64(floats.F16Value(floats.F16Bits(float32(x)))); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v becomes %v, the engine says %v", x, got, want)
		}
	}
}
