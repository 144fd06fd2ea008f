package page

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// chosen are the ways that the precision table shows at first and whose time
// is taken: from 32 bits to 2, the best known of each width.
var chosen = map[string]bool{
	"FP32": true, "FP16": true, "BF16": true, "FP8_E4M3": true,
	"INT8 g32": true, "Q8_0": true, "Q6_K": true, "Q5_K": true,
	"INT4 g32": true, "Q4_K": true, "NF4": true,
	"Q3_K": true, "Q2_K": true, "INT2 g32": true,
}

// Families are in the order of their check boxes.
var Families = []string{string(quant.FamilyAffine), string(quant.FamilyGGML), string(quant.FamilyCodebook), string(quant.FamilyFloat)}

// WayRow is a way with what is known of it.
type WayRow struct {
	Way
	Measured *Measurement // nil where it is not measured yet
	Tried    *wire.Tried  // on a model; nil where it is not tried yet
	Loss     *ModelLoss   // of that; nil where there are no numbers
	Memory   float64      // GB, of a model with its cache
	File     float64      // GB
	Listed   bool         // in the table

	nominal float64 // bits a weight of the format, for a place in the table until they are measured
}

// known says whether there are numbers.
func (r *WayRow) known() bool { return r.Loss != nil || r.Measured != nil && r.Measured.Refused == "" }

// Bits are those that a weight really takes; 0 where that is not known.
func (r *WayRow) Bits() float64 {
	switch {
	case !r.known():
		return 0
	case r.Loss != nil:
		return r.Loss.Bits
	}
	return r.Measured.BitsPerWeight
}

// shownRows are the rows of what is compared on, unsorted.
func (s *State) shownRows() []WayRow {
	if s.Compare.On == "model" {
		return s.trialRows()
	}
	return s.wayRows()
}

// wayRows are all ways on the tensor with their numbers, unsorted.
func (s *State) wayRows() []WayRow {
	c := &s.Compare
	cache := CacheGB(c.Weights, c.Context)
	var rows []WayRow
	for _, w := range s.Ways() {
		r := WayRow{Way: w, Measured: c.results[w.Name]}
		if f := s.Format(w.Format); f != nil {
			r.nominal = f.BitsPerWeight
		}
		if r.known() {
			r.File = c.Weights * r.Bits() / 8
			r.Memory = r.File + cache
		}
		r.Listed = !c.Hidden[w.Family] && (c.All || w.Now || chosen[w.Name])
		rows = append(rows, r)
	}
	return rows
}

// CacheGB estimates the cache of keys and values in FP16, in GB, of a model of
// so many billion weights, shaped like Llama 2 (Touvron et al. 2023, 7B): L
// layers of width d = 128·L and about 12·L·d² weights, hence
// L = ∛(weights / (12·128²)); a key and a value of d halves each, a layer and
// a token.
func CacheGB(billions float64, tokens int) float64 {
	layers := math.Cbrt(billions * 1e9 / (12 * 128 * 128))
	return 2 * 2 * layers * 128 * layers * float64(tokens) / 1e9
}

// wayColumns say what each column of the table sorts by.
var wayColumns = map[string]func(r *WayRow) float64{
	"bits":   bySize,
	"file":   bySize,
	"memory": bySize,
	"sqnr":   func(r *WayRow) float64 { return float64(r.Measured.SQNR) },
	"max":    func(r *WayRow) float64 { return r.Measured.MaxAbs },
	"rmse":   func(r *WayRow) float64 { return r.Measured.RelRMSE },
	"ppl":    func(r *WayRow) float64 { return r.Loss.Ratio.Value },
	"kl":     func(r *WayRow) float64 { return r.Loss.KL.Value },
	"same":   func(r *WayRow) float64 { return r.Loss.SameTop.Value },
	"acts":   func(r *WayRow) float64 { return float64(r.Activations) },
}

// bySize is the bits of a weight, about those where they are not measured yet.
func bySize(r *WayRow) float64 {
	if r.Measured == nil && r.Tried == nil {
		return r.nominal
	}
	return r.Bits()
}

// placed says whether a row has a number to be sorted by.
func (r *WayRow) placed(column string) bool {
	switch column {
	case "bits", "file", "memory":
		return r.known() || r.Measured == nil && r.Tried == nil
	case "ppl", "kl", "same":
		return r.Loss != nil
	case "acts":
		return r.Activations > 0 // the others have more than can be counted
	}
	return r.Measured != nil && r.known()
}

func (c *Compare) column() string {
	if c.Sort == "" {
		return "bits"
	}
	return c.Sort
}

// Sorted is the column that the table is sorted by, and its direction as
// aria-sort calls it.
func (c *Compare) Sorted() (column, direction string) {
	if c.Rising {
		return c.column(), "ascending"
	}
	return c.column(), "descending"
}

// TableRows are the rows of the table in their order, those not listed too.
func (s *State) TableRows() []WayRow {
	rows := s.shownRows()
	sign := -1
	if s.Compare.Rising {
		sign = 1
	}
	column := s.Compare.column()
	of, numeric := wayColumns[column]
	order(rows, func(a, b *WayRow) int {
		switch {
		case !numeric:
			return sign * cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		case a.placed(column) != b.placed(column):
			if a.placed(column) {
				return -1
			}
			return 1
		case !a.placed(column):
			return 0
		}
		return sign * cmp.Compare(of(a), of(b))
	})
	return rows
}

// Plot is what the scatter of Compare draws.
type Plot struct {
	Points  []Point `json:"points"`
	Current string  `json:"current"`
	YName   string  `json:"yName,omitempty"` // "" is SQNR in dB
	Better  string  `json:"better"`
	Log     bool    `json:"log"`
}

// Point is one format. Exactly one of SQNR and Y is set where it is finite.
type Point struct {
	Name   string   `json:"name"`
	Bits   float64  `json:"bits"`
	Family string   `json:"family"`
	SQNR   *float64 `json:"sqnr,omitempty"`
	Y      *float64 `json:"y,omitempty"`
	Spread float64  `json:"spread,omitempty"` // of Y: two standard errors
}

// Plot is the plot as it is now.
func (s *State) Plot() Plot {
	m := s.Compare.Shown()
	p := Plot{Points: []Point{}, Better: "low", Log: m.Log}
	if m.Higher {
		p.Better = "high"
	}
	if m.Name != "sqnr" {
		p.YName = m.Title
	}
	for _, r := range s.wayRows() {
		if r.Now {
			p.Current = r.Name
		}
		if !r.known() || s.Compare.Hidden[r.Family] {
			continue
		}
		pt := Point{Name: r.Name, Bits: r.Bits(), Family: r.Family}
		if y := m.of(&r.Measured.Measured); !math.IsInf(y, 0) && !math.IsNaN(y) {
			if p.YName == "" {
				pt.SQNR = &y
			} else {
				pt.Y = &y
			}
		}
		p.Points = append(p.Points, pt)
	}
	return p
}

// SpeedBar is one row of the speeds.
type SpeedBar struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"` // million weights a second; nil where not known
	Now   bool     `json:"now"`
}

// Bars are the speeds, in the order of the formats: the choice of the table
// and what Tensor shows. They are there before they are known.
func (s *State) Bars() []SpeedBar {
	bars := []SpeedBar{}
	for _, r := range s.wayRows() {
		if !r.Now && !chosen[r.Name] || s.Compare.Hidden[r.Family] {
			continue
		}
		b := SpeedBar{Name: r.Name, Now: r.Now}
		if v := r.Measured.Speed(); v > 0 {
			b.Value = &v
		}
		bars = append(bars, b)
	}
	order(bars, func(a, b *SpeedBar) int { return cmp.Compare(s.nominal(b.Name), s.nominal(a.Name)) })
	return bars
}

// nominal are the bits of a way's codes.
func (s *State) nominal(way string) int {
	name, _, _ := strings.Cut(way, " ")
	if f := s.Format(name); f != nil {
		return f.Bits
	}
	return 0
}

// Progress is how many ways are measured, of how many, in how many ms.
func (s *State) Progress() (done, all int, millis float64) {
	ways := s.Ways()
	for _, w := range ways {
		if m := s.Compare.results[w.Name]; m != nil {
			done++
			millis += m.Elapsed
		}
	}
	return done, len(ways), millis
}

// SampleSize is how many values of the tensor were measured, 0 where all were.
func (s *State) SampleSize() int {
	for _, m := range s.Compare.results {
		if m.Refused == "" && m.Sampled {
			return m.Values
		}
	}
	return 0
}

// FamilySize is how many ways of a family are measured or will be.
func (s *State) FamilySize(family string) int {
	n := 0
	for _, w := range s.Ways() {
		if w.Family == family {
			n++
		}
	}
	return n
}

// Refusal is why some ways cannot hold the tensor.
type Refusal struct {
	Reason string
	Names  []string
}

// Refusals groups the ways that were refused by why.
func (s *State) Refusals() []Refusal {
	var out []Refusal
	for _, r := range s.shownRows() {
		refused := refusedOf(&r)
		if refused == "" {
			continue
		}
		reason := reasonOf(refused, r.Format)
		i := slices.IndexFunc(out, func(o Refusal) bool { return o.Reason == reason })
		if i < 0 {
			i = len(out)
			out = append(out, Refusal{Reason: reason})
		}
		out[i].Names = append(out[i].Names, r.Name)
	}
	return out
}

// reasonOf is an error without what differs from format to format, so that
// the formats refused alike stand together.
func reasonOf(message, format string) string {
	if strings.HasPrefix(message, "tensor ") {
		if _, rest, ok := strings.Cut(message, `": `); ok {
			message = rest
		}
	}
	return strings.ReplaceAll(message, " "+format, " this format")
}

// CompareCSV is everything that was measured, a line a way.
func (s *State) CompareCSV() string {
	var b strings.Builder
	b.WriteString("name,format,options,family,bits per weight,sqnr dB,rmse over rms,max error,cosine,best ms,million weights per second,refused,model bits per weight,perplexity,perplexity ratio,kl,same top token,model refused,activation bits,perplexity error,perplexity ratio error,kl error,same top token error\r\n")
	tried := map[string]*WayRow{}
	rows := s.wayRows()
	for _, r := range s.trialRows() {
		if tried[r.Name] = &r; !r.InTensor() && r.Tried != nil {
			rows = append(rows, WayRow{Way: r.Way})
		}
	}
	for _, r := range rows {
		var options []string
		for k, v := range r.Options.Map() {
			options = append(options, k+"="+v)
		}
		slices.Sort(options)
		line := []string{r.Name, r.Format, strings.Join(options, " "), r.Family, "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", ""}
		if r.Activations > 0 {
			line[18] = strconv.Itoa(r.Activations)
		}
		switch m := r.Measured; {
		case r.known():
			for i, v := range []float64{m.BitsPerWeight, float64(m.SQNR), m.RelRMSE, m.MaxAbs, m.Cosine, m.Best, m.Speed()} {
				line[4+i] = strconv.FormatFloat(v, 'g', -1, 64)
			}
		case m != nil:
			line[11] = m.Refused
		}
		if l := tried[r.Name].Loss; l != nil {
			for i, v := range []float64{l.Bits, l.Own.Value, l.Ratio.Value, l.KL.Value, l.SameTop.Value, l.Own.Error, l.Ratio.Error, l.KL.Error, l.SameTop.Error} {
				if i > 4 {
					i += 2 // why not, and bits of activations
				}
				line[12+i] = strconv.FormatFloat(v, 'g', -1, 64)
			}
		} else if v := tried[r.Name].Tried; v != nil {
			line[17] = v.Refused
		}
		for i, v := range line {
			if strings.ContainsAny(v, ",\"\r\n") {
				line[i] = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
		}
		b.WriteString(strings.Join(line, ",") + "\r\n")
	}
	return b.String()
}
