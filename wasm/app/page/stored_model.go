package page

import (
	"math"
	"slices"

	"fewbits/quant/ggml"
	"fewbits/wasm/wire"
)

// Inside is what a model lost before it came here.
type Inside struct {
	Types   []string // of its tensors in blocks, those of most values first
	Tensors int
	Loss    Twice // of these tensors
	Done    bool  // Top and Both are measured
}

// askInside asks for the estimates of a file that holds tensors in blocks, if
// it is at hand: they are made from rows all over it, and each of a file at a
// URL would be a request, thousands in all, that a plan had to wait for.
func (s *State) askInside() []Effect {
	m := &s.Model
	m.inside, m.insideID, m.quantized = nil, 0, m.File != nil && (inBlocks(m.File) || m.StoredAs() != "")
	if !m.quantized || m.Far() {
		return nil
	}
	c := s.call("model", "inside", Call{Lane: "job", Op: wire.OpInside})
	m.insideID = c.ID
	return []Effect{c}
}

// Quantized says whether some of the file's tensors came in blocks.
func (m *Model) Quantized() bool { return m.File != nil && m.quantized }

// inBlocks says whether some of a file's tensors are in ggml's blocks.
func inBlocks(f *wire.FileInfo) bool {
	return slices.ContainsFunc(f.Tensors, func(t wire.TensorRow) bool {
		typ, ok := ggml.TypeByName(t.Type)
		return ok && typ.Block > 1 && t.Values > 0
	})
}

func (s *State) insideKnown(e Reply) []Effect {
	m := &s.Model
	var in wire.Inside
	if m.insideID != e.ID {
		return nil
	}
	if err := wire.Unmarshal(e.JSON, &in); err != nil {
		return s.modelBroken(err)
	}
	m.inside = in.Tensors
	m.renewed()
	return nil
}

// Inside sums up the estimates; false where none of the file's tensors came in
// blocks, or they are not there yet.
func (m *Model) Inside() (Inside, bool) {
	if m.File == nil || len(m.inside) == 0 {
		return Inside{}, false
	}
	var sum wire.Estimate
	values := map[string]int{}
	in := Inside{Tensors: len(m.inside)}
	for _, e := range m.inside {
		n := float64(e.Values)
		sum.Noise, sum.Power, sum.Within = sum.Noise+n*e.Noise, sum.Power+n*e.Power, max(sum.Within, e.Within)
		if values[e.Type] == 0 {
			in.Types = append(in.Types, e.Type)
		}
		values[e.Type] += e.Values
	}
	order(in.Types, func(a, b *string) int { return values[*b] - values[*a] })
	in.Loss = twice(&sum, 0, 0)
	if m.Made != nil && m.Plan != nil {
		errSq := m.lostOnTop()
		in.Done = true
		in.Loss = twice(&sum, errSq, decibels(sum.Power, errSq))
	}
	return in, true
}

// lostOnTop is Σ(x̂ − x)² over the tensors that came in blocks, measured.
func (m *Model) lostOnTop() float64 {
	of := map[int]*wire.Estimate{}
	for i := range m.inside {
		of[m.inside[i].Tensor] = &m.inside[i]
	}
	sum := 0.0
	for i, step := range m.Plan.Steps {
		e := of[step.Tensor]
		if e == nil || i >= len(m.Made.Losses) {
			continue
		}
		if r := m.Made.Losses[i].RelRMSE; r > 0 && !math.IsInf(r, 0) {
			sum += r * r * e.Power * float64(e.Values)
		}
	}
	return sum
}
