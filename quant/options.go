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
	Axis        int         // "axis": of a channel: 0 one scale a row (output), 1 one scale a column (input); of hqq's groups: 1 along a row, 0 down a column
	Axis0       bool        // "axis": 0 was asked for by name, where 1 would be the default (hqq)
	Group       int         // "group": values along a row that share a scale; −1 a whole row; 0 the default
	Range       Range       // "range": where the clipping range comes from
	Percentile  float64     // "percentile": of |x| or of both tails, for RangePercentile; 0 is 99.9
	Rounding    Rounding    // "rounding"
	Seed        uint64      // "seed": of stochastic rounding
	Block       int         // "block": values per absmax of a codebook format, 0 is 64; columns between two updates of gptq, 0 is 128
	Nested      bool        // "nested": quantize the absmax values too (double quantization)
	ScaleType   ScaleType   // "scale": how affine formats store a scale

	ActOrder     bool           // "act-order": gptq takes the columns with the largest activations first
	StaticGroups bool           // "static-groups": gptq finds the grids of all groups before it changes a weight
	MSE          bool           // "mse": gptq shrinks each grid to where the error is least
	Damp         Maybe[float64] // "damp": gptq adds this part of the mean diagonal to the Hessian's; 0.01 by default
	Duo          bool           // "duo": awq's channel scales weigh the weights too, not only the activations
	Clip         Maybe[bool]    // "clip": awq clips each group to where the output error is least; true by default
	RoundZero    Maybe[bool]    // "round-zero": hqq starts from a whole zero point; by default with 4 bits only
	Alpha        Maybe[float64] // "alpha": how much of the activations' range smoothquant moves to the weights; 0.5 by default
	Threshold    Maybe[float64] // "threshold": llm.int8 keeps the columns whose activations reach it; 6 by default, 0 keeps none

	// Importance has one weight ≥ 0 per column, from an importance matrix.
	Importance []float32

	// Activations are what goes into the layer, for formats that calibrate:
	// tokens × inputs, or batches × tokens × inputs; one input a column. nil for none.
	Activations *Tensor
}

// Maybe is a value that may be left to a format's default.
type Maybe[T comparable] struct {
	Value T
	Set   bool
}

// Some is a Maybe that is set.
func Some[T comparable](v T) Maybe[T] { return Maybe[T]{v, true} }

// Or is the value, or the default where it is not set.
func (m Maybe[T]) Or(def T) T {
	if m.Set {
		return m.Value
	}
	return def
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
	{"axis", "of a channel: 0 a row, 1 a column; of hqq's groups: 1 along rows, 0 down columns", setAxis, getAxis},
	{"group", "values along a row that share a scale, -1 a whole row", setInt(func(o *Options) *int { return &o.Group }, -1, math.MaxInt32), getInt(func(o *Options) int { return o.Group })},
	{"range", "minmax, percentile, mse or entropy", setEnum(func(o *Options) *Range { return &o.Range }, RangeMinMax, RangePercentile, RangeMSE, RangeEntropy), func(o *Options) string { return string(o.Range) }},
	{"percentile", "percent of the values inside the range", setPercentile, func(o *Options) string { return formatNumber(o.Percentile, o.Percentile != 0) }},
	{"rounding", "even, away or stochastic", setEnum(func(o *Options) *Rounding { return &o.Rounding }, RoundEven, RoundAway, RoundStochastic), func(o *Options) string { return string(o.Rounding) }},
	{"seed", "of stochastic rounding", setSeed, func(o *Options) string {
		if o.Seed == 0 {
			return ""
		}
		return strconv.FormatUint(o.Seed, 10)
	}},
	{"block", "values per absmax; columns between updates (gptq)", setInt(func(o *Options) *int { return &o.Block }, 1, math.MaxInt32), getInt(func(o *Options) int { return o.Block })},
	{"nested", "quantize the absmax values too", setBool(func(o *Options) *bool { return &o.Nested }), getBool(func(o *Options) bool { return o.Nested })},
	{"scale", "how a scale is stored: f32 or f16", setEnum(func(o *Options) *ScaleType { return &o.ScaleType }, ScaleF32, ScaleF16), func(o *Options) string { return string(o.ScaleType) }},
	{"act-order", "columns with large activations first", setBool(func(o *Options) *bool { return &o.ActOrder }), getBool(func(o *Options) bool { return o.ActOrder })},
	{"static-groups", "grids of all groups found beforehand", setBool(func(o *Options) *bool { return &o.StaticGroups }), getBool(func(o *Options) bool { return o.StaticGroups })},
	{"mse", "grids shrunk to the least error", setBool(func(o *Options) *bool { return &o.MSE }), getBool(func(o *Options) bool { return o.MSE })},
	{"damp", "part of the mean diagonal added to the Hessian's", setMaybeNumber(func(o *Options) *Maybe[float64] { return &o.Damp }, 100), func(o *Options) string { return formatNumber(o.Damp.Value, o.Damp.Set) }},
	{"duo", "channel scales from weights and activations", setBool(func(o *Options) *bool { return &o.Duo }), getBool(func(o *Options) bool { return o.Duo })},
	{"clip", "clip each group where that helps the output", setMaybeBool(func(o *Options) *Maybe[bool] { return &o.Clip }), getMaybeBool(func(o *Options) Maybe[bool] { return o.Clip })},
	{"round-zero", "start from a whole zero point", setMaybeBool(func(o *Options) *Maybe[bool] { return &o.RoundZero }), getMaybeBool(func(o *Options) Maybe[bool] { return o.RoundZero })},
	{"alpha", "part of the activations' range that the weights take over", setMaybeNumber(func(o *Options) *Maybe[float64] { return &o.Alpha }, 1), func(o *Options) string { return formatNumber(o.Alpha.Value, o.Alpha.Set) }},
	{"threshold", "activations from which a column is kept, 0 for none", setMaybeNumber(func(o *Options) *Maybe[float64] { return &o.Threshold }, math.MaxFloat32), func(o *Options) string { return formatNumber(o.Threshold.Value, o.Threshold.Set) }},
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
	return func(o *Options, v string) (err error) {
		*at(o), err = parseBool(v, *at(o))
		return err
	}
}

// parseBool is what v says, or before where it says neither.
func parseBool(v string, before bool) (bool, error) {
	switch strings.ToLower(v) {
	case "1", "true", "yes", "on":
		return true, nil
	case "0", "false", "no", "off":
		return false, nil
	}
	return before, fmt.Errorf("want true or false")
}

func setMaybeBool(at func(*Options) *Maybe[bool]) func(*Options, string) error {
	return func(o *Options, v string) error {
		b, err := parseBool(v, false)
		if err == nil {
			*at(o) = Some(b)
		}
		return err
	}
}

func getMaybeBool(at func(*Options) Maybe[bool]) func(*Options) string {
	return func(o *Options) string {
		if m := at(o); m.Set {
			return strconv.FormatBool(m.Value)
		}
		return ""
	}
}

// setMaybeNumber takes a number from 0 to hi.
func setMaybeNumber(at func(*Options) *Maybe[float64], hi float64) func(*Options, string) error {
	return func(o *Options, v string) error {
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || !(x >= 0 && x <= hi) {
			return fmt.Errorf("want a number from 0 to %g", hi)
		}
		*at(o) = Some(x + 0) // −0 becomes 0
		return nil
	}
}

// formatNumber is x as Set takes it, "" where it is not set.
func formatNumber(x float64, set bool) string {
	if !set {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func setAxis(o *Options, v string) error {
	err := setInt(func(o *Options) *int { return &o.Axis }, 0, 1)(o, v)
	if err == nil {
		o.Axis0 = o.Axis == 0
	}
	return err
}

func getAxis(o *Options) string {
	switch {
	case o.Axis != 0:
		return strconv.Itoa(o.Axis)
	case o.Axis0:
		return "0"
	}
	return ""
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
