//go:build !first

package session

import (
	"fewbits/quant"
	"fewbits/quant/checkpoint"
	"fewbits/quant/huggingface"
	"fewbits/wasm/wire"
)

// shelved is a matrix of another project's checkpoint as it is stored.
type shelved struct {
	name, tensor string
	bytes        int64 // that it takes in its file
	matrix       *checkpoint.Matrix
}

// shelf is the tensor of the file that holds the matrix of tensor i of the open
// one, and the order of its rows; nil where that is no such matrix.
func (s *Session) shelf(i int) (c *checkpoint.Source, at int, row func(int) int) {
	src, at, row := s.file, i, func(r int) int { return r }
	if h, ok := src.(*huggingface.Model); ok {
		if at, _ = h.Row(i, 0); at < 0 {
			return nil, 0, nil
		}
		src, row = h.Weights(), func(r int) int { _, r = h.Row(i, r); return r }
	}
	c, ok := src.(*checkpoint.Source)
	if !ok || c.Tensors()[at].Stored == "" {
		return nil, 0, nil
	}
	return c, at, row
}

// shelve takes the matrix that v names apart; nil where it is none.
func (s *Session) shelve(v wire.Source) (*shelved, *wire.Estimate, error) {
	if v.Kind != "file" {
		return nil, nil, nil
	}
	c, at, row := s.shelf(v.Index)
	if c == nil {
		return nil, nil, nil
	}
	info := s.file.Tensors()[v.Index]
	m, err := c.Matrix(at, 0, quant.Rows(info.Shape))
	if err != nil {
		return nil, nil, err
	}
	rows := make([]int, m.Rows)
	for r := range rows {
		rows[r] = row(r)
	}
	m = m.Part(rows, [][2]int{{0, m.Cols}})
	e, err := noiseOf(m, info, v.Index)
	return &shelved{info.Stored, info.Name, info.StoredBytes, m}, e, err
}

// cut is the matrix, or what of it belongs to a sample, as a format has it.
func (h *shelved) cut(of *part) (quant.Format, *quant.Packed) {
	if of == nil {
		return h.matrix.Stored(h.name, h.tensor)
	}
	return h.matrix.Part(of.rows, of.pieces).Stored(h.name, h.tensor)
}

// noiseOf is what a matrix, or some of its rows, lost before it came here.
func noiseOf(m *checkpoint.Matrix, info quant.TensorInfo, tensor int) (*wire.Estimate, error) {
	y := make([]float32, m.Rows*m.Cols)
	if err := m.Dequantize(y); err != nil {
		return nil, err
	}
	n := float64(max(1, len(y)))
	e := &wire.Estimate{Tensor: tensor, Type: info.Stored, Values: info.Len(), Noise: m.Noise() / n, Within: m.NoiseWithin(),
		Bits: m.Bits, Group: m.Cols / max(1, m.Groups), Cost: 8 * float64(info.StoredBytes) / float64(max(1, info.Len()))}
	for _, v := range y {
		if v-v == 0 {
			e.Power += float64(v) * float64(v) / n
		}
	}
	return e, nil
}

// shelfNoise estimates that of tensor i from some of its rows; nil where it is
// no such matrix.
func (s *Session) shelfNoise(i int) (*wire.Estimate, error) {
	c, at, _ := s.shelf(i)
	if c == nil {
		return nil, nil
	}
	info := c.Tensors()[at]
	rows, cols := quant.Rows(info.Shape), quant.Cols(info.Shape)
	k := max(1, min(rows, insideValues/max(1, cols)))
	m, err := c.Matrix(at, (rows-k)/2, k)
	if err != nil {
		return nil, err
	}
	return noiseOf(m, info, i)
}
