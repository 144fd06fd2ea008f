package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

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
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Roof  float64 `json:"roof,omitempty"`
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

// contest counts who loses less, by the divergence from the original, where
// the difference is more than its standard error.
type contest struct{ wins, losses, all int }

func (c *contest) add(one, other *ModelLoss) {
	c.all++
	d := one.KL.Value - other.KL.Value
	switch noise := math.Hypot(one.KL.Error, other.KL.Error); {
	case d > noise:
		c.wins++
	case d < -noise:
		c.losses++
	}
}

func (c *contest) verdict() string {
	switch {
	case c.all == 0:
		return ""
	case c.wins == 0 && c.losses == 0:
		return undecided
	case c.losses == 0:
		return holds
	case c.wins == 0:
		return fails
	}
	return inPart
}

// says is the count in words.
func (c *contest) says() string {
	s := fmt.Sprintf("in %d of %d comparisons", c.wins, c.all)
	if near := c.all - c.wins - c.losses; near > 0 {
		s += fmt.Sprintf(", with %d closer than their standard error", near)
	}
	return s
}

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
		c.Says += fmt.Sprintf("At %s bits %s strays %s times as far from the original as %s. ", decimals(one.Bits, 2), p.other, decimals(other.KL.Value/one.KL.Value, 2), p.one)
		c.Bars = append(c.Bars, ClaimBar{Name: p.one, Value: 1000 * one.KL.Value}, ClaimBar{Name: p.other, Value: 1000 * other.KL.Value})
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
			if m == "GPTQ" || m == "AWQ" {
				all.add(one, other)
				said = append(said, fmt.Sprintf("%s at %d bits %s", m, bits, decimals(other.KL.Value/one.KL.Value, 2)))
			}
			c.Bars = append(c.Bars, ClaimBar{Name: methodName(m, bits), Value: other.KL.Value / one.KL.Value, Roof: 1})
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
		c.Bars = append(c.Bars, ClaimBar{Name: strconv.Itoa(bits) + " bits", Value: small.KL.Value / large.KL.Value, Roof: 1})
		if bits == 4 || bits == 3 {
			said += fmt.Sprintf("At %d bits the larger one's perplexity changes by %s, the smaller one's by %s. ", bits, rise(large), rise(small))
		}
	}
	if c.Verdict = all.verdict(); c.Verdict != "" {
		c.Says = said + fmt.Sprintf("Of %s and %s weights the larger strays less ", short(t.large.open.Weights), short(t.small.open.Weights)) + all.says() + "."
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

// sweetSpot: 4 bits make the most of a given memory. It asks what Dettmers and
// Zettlemoyer 2023 (The case for 4-bit precision, arXiv 2212.09720) ask: a model
// of b bits may have 16/b times the weights in the memory of one in FP16. What
// more weights are worth is taken from the two sizes: perplexity ~ weights^−α,
//
//	gain(b) = ratio(b) · (bits(b) / 16)^α
func (s *State) sweetSpot() Claim {
	t := &s.Compare.Trials
	c := Claim{ID: "sweet", Unit: "Perplexity at equal memory, % against FP16", Says: s.twoSizes()}
	if c.Says != "" {
		return c
	}
	worth := worthOf(t.large.open, t.small.open)
	var best, four *ModelLoss
	var bestBits int
	var least, atFour float64
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
		y := l.Ratio.Value * math.Pow(l.Bits/16, worth)
		more := 100 * (y - 1)
		c.Points = append(c.Points, Point{Name: name, Bits: l.Bits, Family: "affine", Y: &more})
		if best == nil || y < least {
			best, bestBits, least = l, bits, y
		}
		if bits == 4 {
			four, atFour = l, y
		}
	}
	if !(worth > 0) {
		c.Verdict, c.Says = undecided, "More weights do not help between these two sizes, so that none would be bought with the memory that fewer bits save."
		return c
	}
	// Both ratios have errors, and so have the two values that come of them.
	noise := math.Hypot(least*best.Ratio.Error/best.Ratio.Value, atFour*four.Ratio.Error/four.Ratio.Value)
	switch {
	case bestBits == 4:
		c.Verdict = holds
	case atFour-least <= noise:
		c.Verdict = undecided
	default:
		c.Verdict = fails
	}
	c.Says = fmt.Sprintf("%d bits make the most of a given memory: a model with %s times the weights fits where FP16 did, and its perplexity would be %s; with 4 bits %s. Doubling the weights takes %s off the perplexity here (%s against %s weights).",
		bestBits, decimals(16/best.Bits, 1), change(least), change(atFour), share(1-math.Pow(2, -worth)), short(t.large.open.Weights), short(t.small.open.Weights))
	return c
}

// worthOf is α of perplexity ~ weights^−α between two sizes.
func worthOf(large, small *wire.Trial) float64 {
	l, s := large.Sums.Perplexity().Value, small.Sums.Perplexity().Value
	return math.Log(s/l) / math.Log(float64(large.Weights)/float64(small.Weights))
}

func decimals(v float64, n int) string { return strconv.FormatFloat(v, 'f', n, 64) }

func share(v float64) string { return decimals(100*v, 1) + " %" }

func rise(l *ModelLoss) string { return decimals(100*(l.Ratio.Value-1), 2) + " %" }

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
