package page

import (
	"fewbits/quant"
	"fewbits/wasm/wire"
)

// A slider's answer is of the whole tensor where that is quick, and where it is
// not of a fair sample, which the whole follows once the slider rests.
const (
	liveValues   = 512 << 10 // values that are quantized whole at most
	liveMillis   = 60        // that a worker may be at it
	sampleValues = 256 << 10 // of a sample
	settleMillis = 100       // from a sample's answer to asking for the whole
)

// analyze asks for everything that a side shows.
func (s *State) analyze(name string) []Effect {
	t := &s.Tensor
	if t.Stats == nil {
		return nil
	}
	t.Fault = ""
	if t.Stats.Values == 0 {
		t.Fault = "tensor \"" + t.Stats.Name + "\" is empty: there is nothing to quantize"
		return nil
	}
	sample := 0
	if !s.quick(s.side(name)) {
		sample = sampleValues
	}
	return []Effect{s.analyzeCall(name, sample)}
}

// quick says whether the whole tensor can follow a slider. How long a format
// takes is known once it was asked for; before that, searches count as slow.
func (s *State) quick(side *Side) bool {
	values := s.Tensor.Stats.Values
	if values > liveValues {
		return false
	}
	if rate, ok := s.rates[side.pace()]; ok {
		return rate*float64(values) <= liveMillis
	}
	f := s.Format(side.Format)
	searches := f != nil && f.Family == quant.FamilyGGML || side.Options.Range == quant.RangeMSE || side.Options.Range == quant.RangeEntropy
	return !searches || values <= sampleValues
}

// pace names what decides how long a value takes.
func (s *Side) pace() string { return s.Format + " " + string(s.Options.Range) }

// paced keeps how long a side's answer took.
func (s *State) paced(side *Side, a *wire.Analysis) {
	values := a.Rows * a.Cols
	if a.Sampled {
		values = min(values, sampleValues)
	}
	if values >= sampleValues/4 && a.Stored == "" { // of fewer, it says little
		s.rates[side.pace()] = a.Elapsed / float64(values)
	}
}

// settled asks for the whole, where it is still a sample of it that shows.
func (s *State) settled(want int) []Effect {
	for _, name := range []string{"a", "b"} {
		if side := s.side(name); side.Want == want && side.Result != nil && side.Result.Sampled && side.Format != "" {
			return []Effect{s.analyzeCall(name, 0)}
		}
	}
	return nil
}

// resettle asks for the whole again: loading another tensor, which failed, has
// stopped it.
func (s *State) resettle() (out []Effect) {
	for _, name := range []string{"a", "b"} {
		if side := s.side(name); side.Result != nil && side.Result.Sampled && !side.Stale() {
			out = append(out, s.analyzeCall(name, 0))
		}
	}
	return out
}

// analyzeCall asks for a side's answer. The whole of what was sampled is
// dropped even while it is worked out, once the slider has moved on.
func (s *State) analyzeCall(name string, sample int) Effect {
	side := s.side(name)
	drop := sample == 0 && (s.Tensor.Stats.Values > liveValues || !s.quick(side))
	c := s.call("analyze", name, Call{Lane: name, Op: wire.OpAnalyze, Latest: true, Drop: drop, Remember: true, Args: wire.AnalyzeArgs{
		Format: side.Format, Options: s.used(side), Row: s.Tensor.Row, Col: s.Tensor.Col, Sample: sample,
		Importance: s.importanceOf(side.Format),
	}})
	side.Want = c.ID
	return c
}
