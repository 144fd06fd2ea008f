package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// Claim is what people repeat, held against what was measured on the model.
type Claim struct {
	ID      string
	Verdict string // "" before there are numbers
	Says    string // in numbers, or what is missing
	Bars    []ClaimBar
	Points  []Point
	Unit    string
	Roof    string // what ClaimBar.Roof means
}

// ClaimBar is a bar of a claim's plot.
type ClaimBar struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Roof   float64 `json:"roof,omitempty"`
	Spread float64 `json:"spread,omitempty"` // what may be added or taken off: see sure
}

func bar(name string, e metric.Estimate, times, roof float64) ClaimBar {
	return ClaimBar{name, times * e.Value, roof, times * sure * e.Error}
}

// The verdicts.
const (
	holds     = "Holds here"
	fails     = "Does not hold here"
	inPart    = "Holds here in part"
	undecided = "Too close to tell here"
)

// pair is two ways of which a claim says that other loses less.
type pair struct{ one, other string }

// likeSize are formats of as many bits.
var likeSize = []pair{{"Q4_0", "Q4_K"}, {"Q5_0", "Q5_K"}}

// sure is how many standard errors a difference has to exceed, so that chance
// would bring it about one time in twenty.
const sure = 2

// fewParts are so few chunks that their differences do not tell their own spread.
const fewParts = 8

// spread is the standard error of the mean of v.
func spread(v []float64) float64 {
	one, two, n := 0.0, 0.0, float64(len(v))
	for _, x := range v {
		one, two = one+x, two+x*x
	}
	return math.Sqrt(max(0, two/n-one/n*one/n) / (n - 1))
}

// less is the standard error of the mean of b − r·a, over the chunks: both read
// the same ones, where what they lose goes together. Where there are too few,
// nothing of that is known, and the errors add.
func less(a, b []float64, r, aErr, bErr float64) float64 {
	if len(a) != len(b) || len(a) < fewParts {
		return math.Hypot(r*aErr, bErr)
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = b[i] - r*a[i]
	}
	return spread(d)
}

// contest counts who loses less, by the divergence from the original, where the
// difference is more than twice its standard error.
type contest struct{ wins, losses, all int }

func (c *contest) add(one, other *ModelLoss) {
	c.all++
	d := one.KL.Value - other.KL.Value
	switch noise := sure * less(one.parts, other.parts, 1, one.KL.Error, other.KL.Error); {
	case d > noise:
		c.wins++
	case d < -noise:
		c.losses++
	}
}

// near is how many comparisons do not tell.
func (c *contest) near() int { return c.all - c.wins - c.losses }

// verdict is for the claim only where most comparisons are, and none against it.
func (c *contest) verdict() string {
	switch {
	case c.all == 0:
		return ""
	case c.wins == 0 && c.losses == 0:
		return undecided
	case c.wins == 0:
		return fails
	case c.losses == 0 && c.wins > c.near():
		return holds
	}
	return inPart
}

// says is the count in words.
func (c *contest) says() string {
	s := fmt.Sprintf("in %d of %d comparisons", c.wins, c.all)
	if c.losses > 0 {
		s += fmt.Sprintf(", more in %d", c.losses)
	}
	if near := c.near(); near > 0 {
		s += fmt.Sprintf(", and in %d the difference is within two standard errors (more text, on the left, tells finer)", near)
	}
	return s
}

// times is how far other strays in times of one.
func times(one, other *ModelLoss) metric.Estimate {
	r := other.KL.Value / one.KL.Value
	return metric.Estimate{Value: r, Error: less(one.parts, other.parts, r, one.KL.Error, other.KL.Error) / one.KL.Value}
}

func inTimes(e metric.Estimate) string { return plusMinus(e.Value, e.Error, 2) }

func plusMinus(v, e float64, n int) string { return decimals(v, n) + " ± " + decimals(e, n) }

// Claims are the four, in the order of the page.
func (s *State) Claims() []Claim {
	return []Claim{s.sweetSpot(), s.kQuants(), s.sizes(), s.methodsWin()}
}

const notYet = "Not measured yet."

// kQuants: K-quants beat the older formats of the same size.
func (s *State) kQuants() Claim {
	c := Claim{ID: "k", Unit: "thousandths of a nat", Says: notYet}
	var all contest
	for _, p := range likeSize {
		one, other := s.Lost(p.one), s.Lost(p.other)
		if one == nil || other == nil {
			continue
		}
		if all.add(one, other); all.all == 1 {
			c.Says = ""
		}
		c.Says += fmt.Sprintf("At %s bits %s strays %s times as far from the original as %s. ", decimals(one.Bits, 2), p.other, inTimes(times(one, other)), p.one)
		c.Bars = append(c.Bars, bar(p.one, one.KL, 1000, 0), bar(p.other, other.KL, 1000, 0))
	}
	if c.Verdict = all.verdict(); c.Verdict != "" {
		c.Says += "The K-quant loses less " + all.says() + "."
	} else if t := s.Compare.Trials.large.ways["Q4_K"]; t != nil && t.Refused != "" {
		c.Says = "Cannot be tested on this model: " + t.Refused + "."
	}
	return c
}

// methodsWin: GPTQ and AWQ beat rounding.
func (s *State) methodsWin() Claim {
	c := Claim{ID: "methods", Unit: "times the divergence of rounding", Roof: "rounding", Says: notYet}
	var all contest
	var said []string
	for _, bits := range methodBits {
		one := s.Lost(methodName(rounding, bits))
		if one == nil {
			continue
		}
		for _, m := range methods[1:] {
			other := s.Lost(methodName(m, bits))
			if other == nil {
				continue
			}
			r := times(one, other)
			if m == "GPTQ" || m == "AWQ" {
				all.add(one, other)
				said = append(said, fmt.Sprintf("%s at %d bits %s", m, bits, inTimes(r)))
			}
			c.Bars = append(c.Bars, bar(methodName(m, bits), r, 1, 1))
		}
	}
	if c.Verdict = all.verdict(); c.Verdict != "" {
		c.Says = "How far from the original, where rounding is 1: " + strings.Join(said, ", ") + ". They lose less " + all.says() + "."
	}
	return c
}

// sizes: of two models of a kind the larger loses less.
func (s *State) sizes() Claim {
	t := &s.Compare.Trials
	c := Claim{ID: "sizes", Unit: "times the divergence of the larger", Roof: "both lose alike", Says: s.twoSizes()}
	var all contest
	said := ""
	for _, bits := range ladder {
		large, small := t.large.lossOf(rung(bits)), t.small.lossOf(rung(bits))
		if large == nil || small == nil || c.Says != "" {
			continue
		}
		all.add(small, large)
		c.Bars = append(c.Bars, bar(strconv.Itoa(bits)+" bits", times(large, small), 1, 1))
		if bits == 4 || bits == 3 {
			said += fmt.Sprintf("At %d bits the larger one's perplexity changes by %s, the smaller one's by %s. ", bits, rise(large), rise(small))
		}
	}
	if c.Verdict = all.verdict(); c.Verdict != "" {
		c.Says = said + fmt.Sprintf("Of %s and %s weights the larger strays less ", short(t.large.open.Weights), short(t.small.open.Weights)) + all.says() + ". Two sizes of one kind of model are no law."
	} else if c.Says == "" {
		c.Says = notYet
	}
	return c
}

// twoSizes says why there are no two sizes to compare; "" where there are.
func (s *State) twoSizes() string {
	t := &s.Compare.Trials
	switch {
	case t.large.name != "" && t.large.name != demoLarge:
		return "Two sizes of a model are needed: choose the demo model on the left."
	case t.large.open == nil || t.small.open == nil:
		return notYet
	}
	return ""
}

// spot is a width in a given memory.
type spot struct {
	bits  int
	loss  *ModelLoss
	value float64 // of the perplexity, in times of that in FP16
}

// sweetSpot: 4 bits make the most of a given memory. It asks what Dettmers and
// Zettlemoyer 2023 (The case for 4-bit precision, arXiv 2212.09720) ask: a model
// of b bits may have 16/b times the weights in the memory of one in FP16. What
// more weights are worth is taken from the two sizes: perplexity ~ weights^−α,
//
//	value(b) = ratio(b) · (bits(b) / 16)^α
//
// 4 bits are held against every other width, with the errors of both ratios and
// of α.
func (s *State) sweetSpot() Claim {
	t := &s.Compare.Trials
	c := Claim{ID: "sweet", Unit: "Perplexity at equal memory, % against FP16", Says: s.twoSizes()}
	if c.Says != "" {
		return c
	}
	worth := worthOf(t.large.open, t.small.open)
	var spots []spot
	for _, bits := range append([]int{16}, ladder...) {
		name := "FP16"
		if bits < 16 {
			name = rung(bits)
		}
		l := t.large.lossOf(name)
		if l == nil {
			c.Says = notYet
			return c
		}
		v := spot{bits, l, l.Ratio.Value * math.Pow(l.Bits/16, worth.Value)}
		more := 100 * (v.value - 1)
		err := math.Hypot(l.Ratio.Error/l.Ratio.Value, math.Log(l.Bits/16)*worth.Error)
		spots = append(spots, v)
		c.Points = append(c.Points, Point{Name: name, Bits: l.Bits, Family: "affine", Y: &more, Spread: 100 * sure * v.value * err})
	}
	if !(worth.Value > sure*worth.Error) {
		grown := math.Log(float64(t.large.open.Weights) / float64(t.small.open.Weights))
		c.Verdict, c.Says = undecided, fmt.Sprintf("It depends on what more weights are worth, and here that is not seen: with %s weights a token surprises by %s nats less than with %s, within two standard errors of nothing.",
			short(t.large.open.Weights), plusMinus(worth.Value*grown, worth.Error*grown, 4), short(t.small.open.Weights))
		return c
	}
	c.Verdict, c.Says = sweetest(spots, worth)
	c.Says += fmt.Sprintf(" Doubling the weights takes %s off the perplexity between the two sizes that are here (%s and %s weights), and it is assumed that it goes on like this.",
		share(1-math.Pow(2, -worth.Value)), short(t.large.open.Weights), short(t.small.open.Weights))
	return c
}

// sweetest is the verdict on 4 bits, and what it rests on.
func sweetest(spots []spot, worth metric.Estimate) (verdict, says string) {
	four := spots[slices.IndexFunc(spots, func(v spot) bool { return v.bits == 4 })]
	best, verdict := four, holds
	var near []string
	for _, v := range spots {
		if v.value < best.value {
			best = v
		}
		if v.bits == 4 {
			continue
		}
		switch d, e := four.over(v, worth); {
		case d > sure*e:
			verdict = fails
		case d >= -sure*e:
			near = append(near, strconv.Itoa(v.bits))
			if verdict == holds {
				verdict = undecided
			}
		}
	}
	says = fmt.Sprintf("%d bits make the most of a given memory: a model with %s times the weights fits where FP16 did, and its perplexity would be %s", best.bits, decimals(16/best.loss.Bits, 1), change(best.value))
	if best.bits != 4 {
		says += "; with 4 bits " + change(four.value)
	}
	if len(near) > 0 {
		says += "; 4 bits and " + strings.Join(near, ", ") + " are within two standard errors"
	}
	return verdict, says + "."
}

// over is ln(v.value / o.value), with its standard error.
func (v spot) over(o spot, worth metric.Estimate) (d, err float64) {
	part := func(e metric.Estimate) float64 { return e.Error / e.Value }
	return math.Log(v.value / o.value), math.Hypot(math.Hypot(part(v.loss.Ratio), part(o.loss.Ratio)), math.Log(v.loss.Bits/o.loss.Bits)*worth.Error)
}

// worthOf is α of perplexity ~ weights^−α between two sizes that read the same.
func worthOf(large, small *wire.Trial) metric.Estimate {
	l, s := large.Sums.Perplexity(), small.Sums.Perplexity()
	per := 1 / math.Log(float64(large.Weights)/float64(small.Weights))
	return metric.Estimate{Value: per * math.Log(s.Value/l.Value), Error: per * less(large.Parts, small.Parts, 1, l.Error/l.Value, s.Error/s.Value)}
}

func decimals(v float64, n int) string { return strconv.FormatFloat(v, 'f', n, 64) }

func share(v float64) string { return decimals(100*v, 1) + " %" }

func rise(l *ModelLoss) string {
	return plusMinus(100*(l.Ratio.Value-1), 100*l.Ratio.Error, 2) + " %"
}

// change is a ratio in words.
func change(ratio float64) string {
	if ratio < 1 {
		return share(1-ratio) + " lower"
	}
	return share(ratio-1) + " higher"
}

// short is a count in words of two or three digits.
func short(n int) string {
	switch {
	case n >= 1e6:
		return decimals(float64(n)/1e6, 2) + " million"
	case n >= 1e4:
		return decimals(float64(n)/1e3, 0) + " thousand"
	}
	return strconv.Itoa(n)
}
