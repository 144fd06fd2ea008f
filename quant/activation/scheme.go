package activation

import (
	"fmt"
	"math"
	"strings"

	"fewbits/quant"
)

// PerToken is a granularity that weights do not have: a scale a token.
const PerToken quant.Granularity = "token"

// RangeAverage is a way to find a range that weights do not have: a moving
// average of the least and the largest value of each batch.
const RangeAverage quant.Range = "average"

// Scheme says how activations are rounded. Its zero value is INT8, symmetric, a
// scale a token.
type Scheme struct {
	Bits        int               // 2 to 8; 0 is 8
	Asymmetric  bool              //
	Granularity quant.Granularity // PerToken, which "" is, quant.PerTensor, or quant.PerChannel: a scale an input

	// Of static scales.
	Range      quant.Range // minmax, which "" is, average, percentile, entropy or mse
	Percentile float64     // 0 is 99.9
}

// Resolve is s with its defaults. It fails on what has no meaning.
func (s Scheme) Resolve() (Scheme, error) {
	if s.Bits == 0 {
		s.Bits = 8
	}
	if s.Granularity == "" {
		s.Granularity = PerToken
	}
	if s.Range == "" {
		s.Range = quant.RangeMinMax
	}
	if s.Percentile == 0 {
		s.Percentile = 99.9
	}
	switch {
	case s.Bits < 2 || s.Bits > 8:
		return s, fmt.Errorf("activation: %d bits: want 2 to 8", s.Bits)
	case s.Granularity != PerToken && s.Granularity != quant.PerTensor && s.Granularity != quant.PerChannel:
		return s, fmt.Errorf("activation: granularity %q: want token, tensor or channel", s.Granularity)
	case !(s.Percentile > 50 && s.Percentile <= 100):
		return s, fmt.Errorf("activation: percentile %v: want a number over 50 and up to 100", s.Percentile)
	}
	switch s.Range {
	case quant.RangeMinMax, RangeAverage, quant.RangePercentile, quant.RangeEntropy, quant.RangeMSE:
		return s, nil
	}
	return s, fmt.Errorf("activation: range %q: want minmax, average, percentile, entropy or mse", s.Range)
}

// checkStatic fails where scales cannot be known beforehand, or not so.
func (s Scheme) checkStatic() error {
	switch {
	case s.Granularity == PerToken:
		return fmt.Errorf("activation: the scale of a token is not known before the token is: static scales go with granularity tensor or channel")
	case s.Granularity == quant.PerChannel && s.Range != quant.RangeMinMax && s.Range != RangeAverage:
		return fmt.Errorf("activation: range %s takes a histogram, and there is none of each input: with granularity channel choose minmax or average", s.Range)
	}
	return nil
}

// String says what the scheme is: "INT8, symmetric, a scale a token".
func (s Scheme) String() string {
	kind := "symmetric"
	if s.Asymmetric {
		kind = "asymmetric"
	}
	g := map[quant.Granularity]string{"": "token", quant.PerChannel: "channel", quant.PerTensor: "tensor", PerToken: "token"}[s.Granularity]
	bits := s.Bits
	if bits == 0 {
		bits = 8
	}
	return fmt.Sprintf("INT%d, %s, a scale a %s", bits, kind, g)
}

// levels is the steps of the whole grid.
func (s Scheme) levels() int {
	if s.Asymmetric {
		return 1<<s.Bits - 1
	}
	return 1<<s.Bits - 2
}

// least is the smallest scale.
const least = 1e-5

// grid is evenly spaced levels: (q − zero)·scale.
type grid struct{ scale, zero, lo, hi float32 }

// grid is the one over [lo, hi].
func (s Scheme) grid(lo, hi float32) grid {
	if !s.Asymmetric {
		most := float32(int(1)<<(s.Bits-1) - 1)
		return grid{max(hi, -lo, least) / most, 0, -most, most}
	}
	lo, hi = min(lo, 0), max(hi, 0)
	most := float32(int(1)<<s.Bits - 1)
	scale := (hi - lo) / most
	if scale > math.MaxFloat32 {
		scale = hi/most - lo/most
	}
	scale = max(scale, least/most)
	return grid{scale, min(most, roundEven(-lo/scale)), 0, most}
}

func (g grid) round(v float32) float32 {
	q := min(max(roundEven(v/g.scale)+g.zero, g.lo), g.hi)
	return (q - g.zero) * g.scale
}

// roundEven rounds to the nearest whole number, ties to even.
func roundEven(v float32) float32 { return float32(math.RoundToEven(float64(v))) }

// Takes says whether a layer's input is rounded: that of the layers of the
// model, but not of its output layer.
func Takes(name string) bool { return strings.HasPrefix(name, "blk.") }
