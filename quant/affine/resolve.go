package affine

import (
	"fmt"

	"fewbits/quant"
)

// Defaults that the vocabulary leaves to a format.
const (
	defaultGroup      = 32
	defaultPercentile = 99.9
)

// resolve is o with its defaults filled in and what has no effect left out.
// Resolving twice changes nothing.
func (f format) resolve(o quant.Options) (quant.Options, error) {
	r := quant.Options{
		Symmetric:   o.Symmetric || o.Narrow,
		Narrow:      o.Narrow,
		Granularity: o.Granularity,
		Range:       orDefault(o.Range, quant.RangeMinMax),
		Rounding:    orDefault(o.Rounding, quant.RoundEven),
		ScaleType:   orDefault(o.ScaleType, quant.ScaleF32),
	}
	fail := func(name string, got any, want string) (quant.Options, error) {
		return r, fmt.Errorf("affine: %s: option %s=%v: want %s", f.name, name, got, want)
	}
	if r.Granularity == "" {
		r.Granularity = quant.PerTensor
		if o.Group != 0 {
			r.Granularity = quant.PerGroup
		}
	}
	switch r.Granularity {
	case quant.PerTensor:
	case quant.PerChannel:
		if o.Axis != 0 && o.Axis != 1 {
			return fail("axis", o.Axis, "0 for a scale a row or 1 for a scale a column")
		}
		r.Axis = o.Axis
	case quant.PerGroup:
		if o.Group < -1 {
			return fail("group", o.Group, "the values of a group, or -1 for a whole row")
		}
		r.Group = orDefault(o.Group, defaultGroup)
	default:
		return fail("granularity", o.Granularity, "tensor, channel or group")
	}
	switch r.Range {
	case quant.RangeMinMax, quant.RangeMSE, quant.RangeEntropy:
	case quant.RangePercentile:
		r.Percentile = orDefault(o.Percentile, defaultPercentile)
		if !(r.Percentile > 50 && r.Percentile <= 100) {
			return fail("percentile", o.Percentile, "a number over 50 and up to 100")
		}
	default:
		return fail("range", o.Range, "minmax, percentile, mse or entropy")
	}
	switch r.Rounding {
	case quant.RoundEven, quant.RoundAway:
	case quant.RoundStochastic:
		r.Seed = o.Seed
	default:
		return fail("rounding", o.Rounding, "even, away or stochastic")
	}
	if r.ScaleType != quant.ScaleF32 && r.ScaleType != quant.ScaleF16 {
		return fail("scale", o.ScaleType, "f32 or f16")
	}
	return r, nil
}

// orDefault is v, or def where v is its type's zero.
func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
