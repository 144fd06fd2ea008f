package page

import (
	"fmt"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// Way is one way to quantize: a format with its options. Compare measures the
// current tensor in every way.
type Way struct {
	Name    string // unique: "INT4 g32", "NF4 nested", "Q4_K"
	Format  string
	Family  string
	Options quant.Options
	Plain   bool // of a method: only round, to its bits and groups
	Now     bool // Tensor shows it

	// Activations are the bits that inputs of layers have; 0 leaves them as they are.
	Activations int
}

// InTensor says whether Tensor can show it: not what takes a whole model.
func (w *Way) InTensor() bool { return w.Family != FamilyMethod && w.Family != FamilyActivations }

// shapes are how widely the values of an affine format share a scale. Where
// there are many scales they are halves, as in the formats of GPTQ and AWQ.
var shapes = []quant.Options{
	{Granularity: quant.PerTensor},
	{Granularity: quant.PerChannel},
	{Granularity: quant.PerGroup, Group: 128, ScaleType: quant.ScaleF16},
	{Granularity: quant.PerGroup, Group: 32, ScaleType: quant.ScaleF16},
}

// Ways are all that Compare measures, in the order of the formats; the last is
// Tensor's own where none of the others is it.
func (s *State) Ways() []Way {
	c := &s.Compare
	if c.waysOf != len(s.Formats) {
		c.ways, c.waysOf = waysOf(s.Formats), len(s.Formats)
	}
	ways := append(make([]Way, 0, len(c.ways)+1), c.ways...)
	now, ok := s.nowWay()
	if !ok {
		return ways
	}
	if i := slices.IndexFunc(ways, func(w Way) bool { return w.Name == now.Name }); i >= 0 {
		ways[i].Now = true
		return ways
	}
	now.Now = true
	return append(ways, now)
}

func waysOf(formats []wire.FormatRow) []Way {
	var ways []Way
	for i := range formats {
		f := &formats[i]
		switch {
		case slices.Contains(f.Options, "granularity"):
			for _, o := range shapes {
				ways = append(ways, newWay(f, o))
			}
		case slices.Contains(f.Options, "nested"):
			ways = append(ways, newWay(f, quant.Options{}), newWay(f, quant.Options{Nested: true}))
		default:
			ways = append(ways, newWay(f, quant.Options{}))
		}
	}
	return ways
}

// nowWay is what Tensor shows on side A.
func (s *State) nowWay() (Way, bool) {
	f := s.Format(s.Tensor.A.Format)
	if f == nil || f.Name == wire.AsStored {
		return Way{}, false
	}
	return newWay(f, s.Tensor.A.Options), true
}

// Way is the one of that name.
func (s *State) Way(name string) (Way, bool) {
	for _, w := range s.Ways() {
		if w.Name == name {
			return w, true
		}
	}
	return Way{}, false
}

func newWay(f *wire.FormatRow, o quant.Options) Way {
	o = effective(f, o)
	name := f.Name
	if words := wayWords(f, o); len(words) > 0 {
		name += " " + strings.Join(words, ", ")
	}
	return Way{Name: name, Format: f.Name, Family: string(f.Family), Options: o}
}

// effective is o without what f does not read, what is at its default and what
// has no effect: two options that quantize alike become one.
func effective(f *wire.FormatRow, o quant.Options) quant.Options {
	var r quant.Options
	for _, name := range f.Options {
		if v := o.Get(name); v != "" {
			_ = r.Set(name, v)
		}
	}
	r.Symmetric = r.Symmetric || r.Narrow
	if r.Granularity == "" && slices.Contains(f.Options, "granularity") {
		r.Granularity = quant.PerTensor
		if r.Group != 0 {
			r.Granularity = quant.PerGroup
		}
	}
	if r.Granularity != quant.PerChannel {
		r.Axis = 0
	}
	if r.Granularity != "" {
		r.Axis0 = false // 0 is the default
	}
	switch {
	case r.Granularity != quant.PerGroup:
		r.Group = 0
	case r.Group == 0:
		r.Group = 32
	}
	if r.Range == quant.RangeMinMax {
		r.Range = ""
	}
	if r.Range != quant.RangePercentile {
		r.Percentile = 0
	} else if r.Percentile == 0 {
		r.Percentile = 99.9
	}
	if r.Rounding == quant.RoundEven {
		r.Rounding = ""
	}
	if r.Rounding != quant.RoundStochastic {
		r.Seed = 0
	}
	if r.ScaleType == quant.ScaleF32 {
		r.ScaleType = ""
	}
	if r.Block == 64 {
		r.Block = 0
	}
	return r
}

// wayWords says what sets options apart from a format's default, so that no
// two effective options have the same words.
func wayWords(f *wire.FormatRow, o quant.Options) []string {
	var words []string
	say := func(yes bool, format string, a ...any) {
		if yes {
			words = append(words, fmt.Sprintf(format, a...))
		}
	}
	say(o.Granularity == quant.PerTensor, "per tensor")
	say(o.Granularity == quant.PerChannel && o.Axis == 0, "per row")
	say(o.Granularity == quant.PerChannel && o.Axis == 1, "per column")
	say(o.Granularity == quant.PerGroup && o.Group < 0, "a group a row")
	say(o.Granularity == quant.PerGroup && o.Group > 0, "g%d", o.Group)
	say(o.Narrow, "narrow")
	say(o.Symmetric && !o.Narrow, "symmetric")
	say(o.Range == quant.RangeMSE, "least error")
	say(o.Range == quant.RangeEntropy, "entropy")
	say(o.Range == quant.RangePercentile, "percentile %g", o.Percentile)
	say(o.Rounding == quant.RoundAway, "ties away")
	say(o.Rounding == quant.RoundStochastic, "stochastic %d", o.Seed)
	grouped := o.Granularity == quant.PerGroup
	say(grouped && o.ScaleType != quant.ScaleF16, "FP32 scale")
	say(!grouped && o.ScaleType == quant.ScaleF16, "FP16 scale")
	say(o.Block != 0, "block %d", o.Block)
	say(o.Nested, "nested")
	return words
}
