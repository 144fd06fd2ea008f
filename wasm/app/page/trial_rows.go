package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/metric"
)

// FamilyMethod are the methods that calibrate, which a model alone can be
// tried with.
const FamilyMethod = string(quant.FamilyMethod)

// FamilyActivations are the ways that round what goes into the layers, too.
const FamilyActivations = "acts"

// methodGroup is how many weights share a scale with all methods, so that they
// can be held against each other.
const methodGroup = 64

// methodBits are the widths that methods are tried in.
var methodBits = []int{4, 3, 2}

// rounding names the plain rounding that methods are held against.
const rounding = "Rounding"

var methods = []string{rounding, "GPTQ", "AWQ", "HQQ"}

func methodName(method string, bits int) string { return method + " " + strconv.Itoa(bits) + "-bit" }

func methodWays() (ways []Way) {
	for _, bits := range methodBits {
		for _, m := range methods {
			w := Way{Name: methodName(m, bits), Format: m, Family: FamilyMethod, Options: quant.Options{Bits: bits, Group: methodGroup}}
			if m == rounding {
				w.Format, w.Plain = "GPTQ", true
			}
			ways = append(ways, w)
		}
	}
	return ways
}

// activationWays round weights and activations: beside each other stand the
// plain way, and those that mind outliers. The grids of the first are those of
// SmoothQuant, and the weights of the last those of rung(4).
func activationWays() []Way {
	way := func(name, format string, o quant.Options) Way {
		return Way{Name: name, Format: format, Family: FamilyActivations, Options: o, Activations: 8}
	}
	rows := quant.Options{Granularity: quant.PerChannel, Narrow: true}
	return []Way{
		way("W8A8 rounding", "INT8", rows), way("W8A8 SmoothQuant", "SmoothQuant", quant.Options{Bits: 8}), way("W8A8 LLM.int8()", "LLM.int8", quant.Options{Bits: 8}),
		way("W4A8 rounding", "INT4", quant.Options{Granularity: quant.PerGroup, Group: 32, ScaleType: quant.ScaleF16}),
	}
}

// modelWays are all that a model is tried with, in the order that they are
// tried in: those of the table first, then those of the claims.
func (s *State) modelWays() []Way {
	ways := s.allWays()
	rank := func(w *Way) int {
		switch {
		case chosen[w.Name]:
			return 0
		case !w.InTensor():
			return 3 // they take as long as all others
		case w.Now || claimed(w.Name):
			return 1
		}
		return 2
	}
	order(ways, func(a, b *Way) int { return rank(a) - rank(b) })
	return ways
}

// ladder are the widths of integers in groups of 32, the same but for their bits.
var ladder = []int{8, 6, 5, 4, 3, 2}

func rung(bits int) string { return fmt.Sprintf("INT%d g32", bits) }

// sizeWays are those that the smaller demo model is tried with.
func (s *State) sizeWays() []Way {
	return slices.DeleteFunc(s.Ways(), func(w Way) bool {
		return !slices.ContainsFunc(ladder, func(bits int) bool { return w.Name == rung(bits) })
	})
}

// claimed says whether a claim rests on a way.
func claimed(name string) bool {
	if strings.HasSuffix(name, " g32") || slices.Contains(precisionWays, name) {
		return true
	}
	return slices.ContainsFunc(likeSize, func(p pair) bool { return name == p.one || name == p.other })
}

// ModelLoss is what a way lost on a model.
type ModelLoss struct {
	Bits float64 // of a weight of the layers
	metric.Strayed
	Own metric.Estimate // perplexity

	parts []float64 // nats a token of each chunk that it strays by
}

// lossOf is nil where there are no numbers.
func (m *trialModel) lossOf(name string) *ModelLoss {
	v := m.ways[name]
	if v == nil || v.Refused != "" || v.Sums.Scored < 2 {
		return nil
	}
	return &ModelLoss{Bits: v.Bits, Strayed: v.Sums.Strayed(), Own: v.Sums.Perplexity(), parts: v.Parts}
}

// Lost is what a way lost on the model that is measured, nil where that is not known.
func (s *State) Lost(name string) *ModelLoss { return s.Compare.Trials.large.lossOf(name) }

// ShownWays are the rows of the table: what is compared on decides.
func (s *State) ShownWays() []Way {
	if s.Compare.On == "model" {
		return s.allWays()
	}
	return s.Ways()
}

// allWays are those of formats, of methods, and with activations.
func (s *State) allWays() []Way {
	return append(append(s.Ways(), methodWays()...), activationWays()...)
}

// trialRows are all ways on the model with their numbers, unsorted.
func (s *State) trialRows() []WayRow {
	c := &s.Compare
	cache := CacheGB(c.Weights, c.Context)
	var rows []WayRow
	for _, w := range s.allWays() {
		r := WayRow{Way: w, Tried: c.Trials.large.ways[w.Name], Loss: s.Lost(w.Name), nominal: float64(w.Options.Bits)}
		if f := s.Format(w.Format); f != nil && w.Options.Bits == 0 {
			r.nominal = f.BitsPerWeight
		}
		if r.Loss != nil {
			r.File = c.Weights * r.Loss.Bits / 8
			r.Memory = r.File + cache
		}
		r.Listed = !c.Hidden[w.Family] && (c.All || w.Now || chosen[w.Name] || w.Family == FamilyMethod && w.Options.Bits == 4 || w.Activations > 0)
		rows = append(rows, r)
	}
	return rows
}

// TrialPlot is bits against perplexity, or against the divergence from the
// original.
func (s *State) TrialPlot(kl bool) Plot {
	p := Plot{Points: []Point{}, Better: "low", Log: true, YName: "Perplexity, % more than the original's"}
	if kl {
		p.YName = "KL divergence, nats a token"
	}
	for _, r := range s.trialRows() {
		if r.Now {
			p.Current = r.Name
		}
		if r.Loss == nil || s.Compare.Hidden[r.Family] {
			continue
		}
		// On a scale of powers a rise that noise hides stands where it would show.
		y, spread := 100*max(r.Loss.Ratio.Value-1, r.Loss.Ratio.Error), 100*r.Loss.Ratio.Error
		if kl {
			y, spread = r.Loss.KL.Value, r.Loss.KL.Error
		}
		pt := Point{Name: r.Name, Bits: r.Loss.Bits, Family: r.Family, Spread: sure * spread}
		if y > 0 && !math.IsInf(y, 0) {
			pt.Y = &y
		}
		p.Points = append(p.Points, pt)
	}
	return p
}

// Precision is a row of the table of the field's precisions.
type Precision struct {
	Name   string
	Bits   float64
	GB     float64 // of the weights alone
	Way    string  // that stands for it
	Real   float64 // bits of that way, scales included; 0 where not known
	RealGB float64
	Memory float64    // GB, with the cache
	Loss   *ModelLoss // of it on the model
	Best   string     // the way of that width that strays least, "" where it is Way
	Better *ModelLoss // of that
}

// precisions are the field's: bits, and the way that stands for each. What is
// commonly claimed of them stands in the document.
var precisions = []struct {
	name, way string
	bits      float64
}{
	{"FP32", "FP32", 32},
	{"FP16", "FP16", 16},
	{"BF16", "BF16", 16},
	{"INT8", "INT8 per row", 8},
	{"INT4", "INT4 g128", 4},
	{"2-bit", "INT2 g32", 2},
}

var precisionWays = func() (names []string) {
	for _, p := range precisions {
		names = append(names, p.way)
	}
	return names
}()

// Precisions is that table for the number of weights that is set.
func (s *State) Precisions() []Precision {
	c := &s.Compare
	var rows []Precision
	for _, p := range precisions {
		r := Precision{Name: p.name, Bits: p.bits, GB: c.Weights * p.bits / 8, Way: p.way}
		r.Memory = r.GB + CacheGB(c.Weights, c.Context)
		if r.Loss = s.Lost(p.way); r.Loss != nil {
			r.Real, r.RealGB = r.Loss.Bits, c.Weights*r.Loss.Bits/8
			r.Best, r.Better = s.bestOf(int(p.bits), r.Loss)
		}
		rows = append(rows, r)
	}
	return rows
}

// bestOf is the way with codes of so many bits that strays less than l, and least.
func (s *State) bestOf(bits int, l *ModelLoss) (name string, best *ModelLoss) {
	if bits > 8 {
		return "", nil
	}
	for _, w := range s.allWays() {
		have := w.Options.Bits
		if f := s.Format(w.Format); f != nil && w.Family != FamilyMethod {
			have = f.Bits
		}
		v := s.Lost(w.Name)
		if have != bits || w.Activations > 0 || v == nil || v.Bits > float64(bits)+1 || v.KL.Value >= l.KL.Value {
			continue
		}
		name, best, l = w.Name, v, v
	}
	return name, best
}

// refusedOf is why a way has no numbers, "" where it has or is not tried yet.
func refusedOf(r *WayRow) string {
	switch {
	case r.Tried != nil:
		return r.Tried.Refused
	case r.Measured != nil:
		return r.Measured.Refused
	}
	return ""
}
