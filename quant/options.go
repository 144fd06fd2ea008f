package quant

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Options says how to quantize. The zero value is every format's default;
// a format ignores what is not in its Info.Options.
type Options struct {
	Bits        int         // "bits": of an integer code, where the format leaves it open
	Symmetric   bool        // "sym": zero point fixed at code 0
	Narrow      bool        // "narrow": symmetric codes −(2^(b−1)−1) … 2^(b−1)−1, one level given away
	Granularity Granularity // "granularity": how many values share a scale
	Axis        int         // "axis": of a channel: 0 one scale a row (output), 1 one scale a column (input)
	Group       int         // "group": values along a row that share a scale; −1 a whole row; 0 the default
	Range       Range       // "range": where the clipping range comes from
	Percentile  float64     // "percentile": of |x| or of both tails, for RangePercentile; 0 is 99.9
	Rounding    Rounding    // "rounding"
	Seed        uint64      // "seed": of stochastic rounding
	Block       int         // "block": values per absmax of a codebook format; 0 is 64
	Nested      bool        // "nested": quantize the absmax values too (double quantization)
	ScaleType   ScaleType   // "scale": how affine formats store a scale

	// Importance has one weight ≥ 0 per column, from an importance matrix.
	Importance []float32
}

// Granularity says how many values share a scale.
type Granularity string

// The granularities. The default is a whole tensor, or a group where Group is set.
const (
	PerTensor  Granularity = "tensor"
	PerChannel Granularity = "channel"
	PerGroup   Granularity = "group"
)

// Range says where the clipping range of an affine format comes from.
type Range string

// The ways to find a range.
const (
	RangeMinMax     Range = "minmax"     // the default
	RangePercentile Range = "percentile" // the tails beyond Options.Percentile are clipped
	RangeMSE        Range = "mse"        // least squared error over a grid of shrunken ranges
	RangeEntropy    Range = "entropy"    // least KL divergence, as TensorRT calibrates
)

// Rounding says which integer a quotient becomes.
type Rounding string

// The ways to round.
const (
	RoundEven       Rounding = "even" // the default: ties to the even neighbour
	RoundAway       Rounding = "away" // ties away from zero, as C's roundf
	RoundStochastic Rounding = "stochastic"
)

// ScaleType says how a scale is stored.
type ScaleType string

// The types of a stored scale.
const (
	ScaleF32 ScaleType = "f32" // the default
	ScaleF16 ScaleType = "f16"
)

// option is one name of an Option: how to read, write and explain it.
type option struct {
	key, help string
	set       func(o *Options, v string) error
	get       func(o *Options) string // "" at the default
}

var options = []option{
	{"bits", "bits of a code", setInt(func(o *Options) *int { return &o.Bits }, 1, 16), getInt(func(o *Options) int { return o.Bits })},
	{"sym", "zero point fixed at code 0", setBool(func(o *Options) *bool { return &o.Symmetric }), getBool(func(o *Options) bool { return o.Symmetric })},
	{"narrow", "symmetric codes without the lowest one", setBool(func(o *Options) *bool { return &o.Narrow }), getBool(func(o *Options) bool { return o.Narrow })},
	{"granularity", "tensor, channel or group", setEnum(func(o *Options) *Granularity { return &o.Granularity }, PerTensor, PerChannel, PerGroup), func(o *Options) string { return string(o.Granularity) }},
	{"axis", "of a channel: 0 a row, 1 a column", setInt(func(o *Options) *int { return &o.Axis }, 0, 1), getInt(func(o *Options) int { return o.Axis })},
	{"group", "values along a row that share a scale, -1 a whole row", setInt(func(o *Options) *int { return &o.Group }, -1, math.MaxInt32), getInt(func(o *Options) int { return o.Group })},
	{"range", "minmax, percentile, mse or entropy", setEnum(func(o *Options) *Range { return &o.Range }, RangeMinMax, RangePercentile, RangeMSE, RangeEntropy), func(o *Options) string { return string(o.Range) }},
	{"percentile", "percent of the values inside the range", setPercentile, func(o *Options) string {
		if o.Percentile == 0 {
			return ""
		}
		return strconv.FormatFloat(o.Percentile, 'g', -1, 64)
	}},
	{"rounding", "even, away or stochastic", setEnum(func(o *Options) *Rounding { return &o.Rounding }, RoundEven, RoundAway, RoundStochastic), func(o *Options) string { return string(o.Rounding) }},
	{"seed", "of stochastic rounding", setSeed, func(o *Options) string {
		if o.Seed == 0 {
			return ""
		}
		return strconv.FormatUint(o.Seed, 10)
	}},
	{"block", "values per absmax", setInt(func(o *Options) *int { return &o.Block }, 1, math.MaxInt32), getInt(func(o *Options) int { return o.Block })},
	{"nested", "quantize the absmax values too", setBool(func(o *Options) *bool { return &o.Nested }), getBool(func(o *Options) bool { return o.Nested })},
	{"scale", "how a scale is stored: f32 or f16", setEnum(func(o *Options) *ScaleType { return &o.ScaleType }, ScaleF32, ScaleF16), func(o *Options) string { return string(o.ScaleType) }},
}

// OptionNames are the names that Set takes, in order.
func OptionNames() []string {
	var names []string
	for _, p := range options {
		names = append(names, p.key)
	}
	return names
}

// OptionHelp says in a few words what an option is; "" where there is none of that name.
func OptionHelp(name string) string {
	for _, p := range options {
		if p.key == name {
			return p.help
		}
	}
	return ""
}

// Set sets one option by name, as the command line and the page's address write it.
func (o *Options) Set(name, value string) error {
	name = strings.ToLower(name)
	for _, p := range options {
		if p.key == name {
			if err := p.set(o, strings.TrimSpace(value)); err != nil {
				return fmt.Errorf("option %s=%s: %w", name, value, err)
			}
			return nil
		}
	}
	return fmt.Errorf("option %q is not known; there are %s", name, strings.Join(OptionNames(), ", "))
}

// Get is the value of one option as Set takes it, "" at its default.
func (o *Options) Get(name string) string {
	for _, p := range options {
		if p.key == name {
			return p.get(o)
		}
	}
	return ""
}

// Map holds every option that is not at its default, as Set takes it.
func (o *Options) Map() map[string]string {
	m := map[string]string{}
	for _, p := range options {
		if v := p.get(o); v != "" {
			m[p.key] = v
		}
	}
	return m
}

func setInt(at func(*Options) *int, lo, hi int) func(*Options, string) error {
	return func(o *Options, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < lo || n > hi {
			return fmt.Errorf("want a whole number from %d to %d", lo, hi)
		}
		*at(o) = n
		return nil
	}
}

func getInt(at func(*Options) int) func(*Options) string {
	return func(o *Options) string {
		if at(o) == 0 {
			return ""
		}
		return strconv.Itoa(at(o))
	}
}

func setBool(at func(*Options) *bool) func(*Options, string) error {
	return func(o *Options, v string) error {
		switch strings.ToLower(v) {
		case "1", "true", "yes", "on":
			*at(o) = true
		case "0", "false", "no", "off":
			*at(o) = false
		default:
			return fmt.Errorf("want true or false")
		}
		return nil
	}
}

func getBool(at func(*Options) bool) func(*Options) string {
	return func(o *Options) string {
		if at(o) {
			return "true"
		}
		return ""
	}
}

func setEnum[E ~string](at func(*Options) *E, values ...E) func(*Options, string) error {
	return func(o *Options, v string) error {
		var names []string
		for _, e := range values {
			if string(e) == strings.ToLower(v) {
				*at(o) = e
				return nil
			}
			names = append(names, string(e))
		}
		return fmt.Errorf("want one of %s", strings.Join(names, ", "))
	}
}

func setPercentile(o *Options, v string) error {
	p, err := strconv.ParseFloat(v, 64)
	if err != nil || !(p > 50 && p <= 100) {
		return fmt.Errorf("want a number over 50 and up to 100")
	}
	o.Percentile = p
	return nil
}

func setSeed(o *Options, v string) error {
	s, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return fmt.Errorf("want a whole number from 0 to 2^64 - 1")
	}
	o.Seed = s
	return nil
}
