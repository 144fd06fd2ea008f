package session

import (
	"encoding/hex"
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// maxDrawn bounds the levels that are drawn.
const maxDrawn = 1024

func (s *Session) pick(a wire.PickArgs) (Reply, error) {
	if a.Value != nil && s.last.packed != nil {
		i := nearest(s.last.tensor.Data, float32(*a.Value))
		cols := s.last.tensor.Cols()
		a.Row, a.Col = s.last.part.row(i/cols), s.last.part.col(i%cols)
	}
	p, arrays, err := s.opened(a.Row, a.Col)
	if err != nil {
		return Reply{}, err
	}
	return Reply{JSON: p, Arrays: arrays}, nil
}

// nearest is the index of the first value nearest to v.
func nearest(x []float32, v float32) int {
	best, at := float32(math.Inf(1)), 0
	for i, y := range x {
		d := y - v
		if d < 0 {
			d = -d
		}
		if d < best {
			best, at = d, i
		}
	}
	return at
}

// opened takes apart the block around one weight of the latest result. A row
// or column outside the tensor is moved to its edge.
func (s *Session) opened(row, col int) (wire.Picked, map[string]any, error) {
	var out wire.Picked
	r := &s.last
	if r.packed == nil {
		return out, nil, fmt.Errorf("nothing is quantized yet")
	}
	cols := r.tensor.Cols()
	at := r.part.rowAt(max(0, min(row, s.tensor.Rows()-1)))
	col = r.part.colAt(max(0, min(col, s.tensor.Cols()-1)))
	i := at*cols + col
	o, err := r.format.Open(r.packed, i)
	if err != nil {
		return out, nil, err
	}
	m, at, err := r.paramsOf(at)
	if err != nil {
		return out, nil, err
	}
	out.Opened = wire.Opened{
		Row: r.part.row(i / cols), Col: r.part.col(col), X: float64(r.tensor.Data[i]), XHat: float64(o.Value), Code: o.Code,
		Block: o.Block, Offset: o.Offset, Hex: hex.EncodeToString(o.Bytes),
		Fields: fields(o.Fields), Formula: terms(o.Formula), Rule: terms(o.Rule),
	}
	arrays := map[string]any{}
	group, lo, hi := groupOf(m, at, col, cols)
	out.Opened.Group, out.Opened.Lo, out.Opened.Hi = group, r.part.col(lo), r.part.col(hi-1)+1
	if m.Scales != nil && !m.Table {
		k := out.Opened.Group
		if !m.Flat {
			k += at * m.Groups
		}
		out.Opened.Step = math.Abs(float64(m.Scales[k]))
	}
	out.Scale = wire.BlockMeta{Kind: "scale", Flat: m.Flat}
	if r.format.Info().Family == quant.FamilyCodebook {
		out.Scale.Kind = "absmax"
	}
	if m.Scales != nil {
		out.Scale.Groups = m.Groups
	}
	arrays["scaleRow"] = line(m, m.Scales, at)
	zeros := m.Zeros
	out.Zero = wire.BlockMeta{Flat: m.Flat}
	switch {
	case m.Zeros != nil:
		out.Zero.Kind, out.Zero.Groups = "zero", m.Groups
	case m.Mins != nil:
		out.Zero.Kind, out.Zero.Groups, zeros = "min", m.Groups, m.Mins
	}
	arrays["zeroRow"] = line(m, zeros, at)
	levels := o.Levels
	out.Levels.Count = len(levels)
	if len(levels) > maxDrawn {
		levels = nil
	}
	out.Levels.Drawn = len(levels)
	arrays["levels"] = append([]float32{}, levels...)
	return out, arrays, nil
}

// paramsOf are the parameters that a row meets, and which row of them it is.
func (r *result) paramsOf(row int) (*quant.Params, int, error) {
	p := *r.packed
	switch {
	case r.params != nil:
		return r.params, row, nil
	case r.how == cutBlocks && r.cols%r.block != 0:
		m := &quant.Params{Rows: 1, Cols: r.cols, Groups: len(r.scales), Flat: true, Table: true, Scales: r.scales, GroupIndex: make([]int32, r.cols)}
		for c := range m.GroupIndex {
			m.GroupIndex[c] = int32((row*r.cols + c) / r.block)
		}
		return m, 0, nil
	case r.how == cutRange: // any codes will do: one scale is for all
		p.Bytes = append(make([]byte, 0, r.size(1)), p.Bytes[:r.header]...)[:r.size(1)]
	default:
		p.Bytes = r.take(new([]byte), p.Bytes, r.rows, row, 1)
	}
	p.Shape = []int{1, r.cols}
	m, err := r.format.Params(&p, false)
	return m, 0, err
}

// line is one row of one number a group.
func line(m *quant.Params, x []float32, row int) []float32 {
	switch {
	case x == nil:
		return []float32{}
	case m.Flat:
		return append([]float32{}, x...)
	}
	return append([]float32{}, x[row*m.Groups:][:m.Groups]...)
}

// groupOf is the group of a weight and the columns of its row that share it.
func groupOf(m *quant.Params, row, col, cols int) (group, lo, hi int) {
	index, at := m.GroupIndex, col
	if m.Flat {
		at += row * cols
		index = index[row*cols:][:cols]
	}
	if len(index) <= col {
		return 0, col, col + 1 // each value by itself
	}
	g := m.GroupIndex[at]
	lo, hi = col, col+1
	for lo > 0 && index[lo-1] == g {
		lo--
	}
	for hi < cols && index[hi] == g {
		hi++
	}
	return int(g), lo, hi
}

func fields(in []quant.Field) []wire.Field {
	out := make([]wire.Field, len(in))
	for i, f := range in {
		out[i] = wire.Field{Name: f.Name, Role: string(f.Role), Spans: spans(f.Spans), Mine: spans(f.Mine), Text: f.Text}
	}
	return out
}

func spans(in []quant.Span) [][2]int {
	var out [][2]int
	for _, s := range in {
		out = append(out, [2]int{s.First, s.Bits})
	}
	return out
}

func terms(in []quant.Term) []wire.Term {
	var out []wire.Term
	for _, t := range in {
		out = append(out, wire.Term{Text: t.Text, Role: string(t.Role)})
	}
	return out
}
