package page

import (
	"math"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// inside is what is known of the loss that a tensor came with, nil where it
// did not come in blocks.
func (s *State) inside() *wire.Estimate {
	if s.Tensor.Stats == nil {
		return nil
	}
	return s.Tensor.Stats.Inside
}

// storedRow is the format of a tensor as its file has it, nil where it is not
// in blocks.
func (s *State) storedRow() *wire.FormatRow {
	e := s.inside()
	if e == nil {
		return nil
	}
	f := s.Format(e.Type)
	if f == nil { // of another project
		return &wire.FormatRow{Name: wire.AsStored, Title: "As the file has it", Family: quant.FamilyMethod,
			Bits: e.Bits, BlockSize: e.Group, BitsPerWeight: e.Cost,
			Summary: StoredAs(e.Type) + ": codes, scales and zero points of the file itself, nothing quantized anew."}
	}
	row := *f
	row.Name, row.Title, row.Importance = wire.AsStored, "As the file has it", ""
	row.Summary = "The blocks of the file itself, nothing quantized anew. " + f.Summary
	return &row
}

// Choices are the formats that the tensor can be shown in, as they are listed.
func (s *State) Choices() []wire.FormatRow {
	if row := s.storedRow(); row != nil {
		return append([]wire.FormatRow{*row}, s.Formats...)
	}
	return s.Formats
}

// storedLadder is that of the type of the tensor's blocks, where the tensor as
// it is stands in for that type.
func (s *State) storedLadder() Ladder {
	e := s.inside()
	if e == nil {
		return nil
	}
	if e.Bits > 0 {
		return Ladder{{e.Bits, wire.AsStored}}
	}
	l := s.Ladder(e.Type)
	for i := range l {
		if l[i].Name == e.Type {
			l[i].Name = wire.AsStored
		}
	}
	return l
}

// Label is what a format is called on the page: "Q4_K", "As stored (Q4_K)".
func (s *State) Label(name string) string {
	if name != wire.AsStored {
		return name
	}
	if e := s.inside(); e != nil {
		return "As stored (" + e.Type + ")"
	}
	return "As stored"
}

// settleStored chooses what a tensor that was just loaded is shown in: one in
// blocks as it is stored, unless the one before was in blocks too and the
// person looks at something else; and a tensor in no blocks never so.
func (s *State) settleStored(before *wire.TensorStats) {
	t := &s.Tensor
	had, has := before != nil && before.Inside != nil, s.inside() != nil
	switch {
	case has && !had && t.A.Format != wire.AsStored:
		s.remember()
		t.A.Format = wire.AsStored
	case !has && t.A.Format == wire.AsStored:
		d := defaultTensor().A
		t.A.Format, t.A.Options = d.Format, d.Options
		for i := len(t.undo) - 1; i >= 0; i-- {
			if t.undo[i].format != wire.AsStored {
				t.A.Format, t.A.Options = t.undo[i].format, t.undo[i].options
				break
			}
		}
	}
	if !has && t.B.Format == wire.AsStored {
		t.B = Side{Format: defaultTensor().B.Format, since: t.B.since}
	}
}

// undone is the latest setting that can still be gone back to.
func (s *State) undone() (setting, bool) {
	t := &s.Tensor
	for len(t.undo) > 0 {
		last := t.undo[len(t.undo)-1]
		t.undo = t.undo[:len(t.undo)-1]
		if s.Format(last.format) != nil {
			return last, true
		}
	}
	return setting{}, false
}

// Twice is what numbers lost that were quantized twice, as ratios of signal to
// noise in dB: the first time by an estimate, the second measured, and both
// together as far as the two errors have nothing to do with each other.
type Twice struct {
	Type   string  // that the numbers came in
	Before float64 // estimated
	Within float64 // dB that it may be off
	Top    float64 // measured against the numbers as they came
	Both   float64
}

// twice adds a second loss of mean squared error mse to the first. The signal
// is what there was before either: by the estimate Σx̂² plus its noise.
func twice(e *wire.Estimate, mse, top float64) Twice {
	w := Twice{Type: e.Type, Before: decibels(e.Power+e.Noise, e.Noise), Within: e.Within, Top: top}
	w.Both = decibels(e.Power+e.Noise, e.Noise+mse)
	return w
}

// decibels is 10·log10 of a ratio, +Inf where there is no noise.
func decibels(signal, noise float64) float64 {
	if noise <= 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(signal/noise)
}

// Twice is what the tensor lost before, and on top as a side shows it; false
// where it did not come in blocks, or the side shows nothing of it.
func (s *State) Twice(side *Side) (Twice, bool) {
	e, r := s.inside(), side.Result
	if e == nil || r == nil || side.Stale() {
		return Twice{}, false
	}
	return twice(e, r.Metrics.MSE, float64(r.Metrics.SQNR)), true
}
