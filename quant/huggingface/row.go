package huggingface

import "fewbits/quant"

// Row is where a row of tensor i comes from: which tensor of Weights, and which
// row of it; −1 where none. See turned.
func (m *Model) Row(i, row int) (tensor, at int) {
	t, err := m.tensor(i)
	switch {
	case err != nil || t.data != nil || t.plus != 0 || len(t.info.Shape) != 2 || row < 0 || row >= quant.Rows(t.info.Shape):
		return -1, -1
	case t.heads == 0:
		return t.from, row
	}
	d := t.headRows()
	head, r := row/d, row%d
	return t.from, head*d + r%2*d/2 + r/2
}
