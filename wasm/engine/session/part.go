package session

import (
	"slices"
	"sort"

	"fewbits/quant"
	"fewbits/quant/ggml"
)

// part says which values of a tensor a sample of it holds: of each of rows
// the same columns.
type part struct {
	rows   []int
	pieces [][2]int // columns [from, to), rising; one piece is the whole row
}

// A sample is of whole rows as long as fewRows of them fit, or all; of longer
// rows it is of pieces of pieceCols columns, which hold whole blocks and
// groups of any usual size.
const (
	fewRows   = 8
	pieceCols = 4096
)

// sampled is the session's tensor, or a fair sample of about n of its values,
// at even distances, with row and column keep among them. n = 0 asks for all.
// There is no part where it is the whole.
func (s *Session) sampled(n, keepRow, keepCol int) (quant.Tensor, *part) {
	t := s.tensor
	rows, cols := t.Rows(), t.Cols()
	if n <= 0 || t.Len() <= n {
		return t, nil
	}
	k, pieces := max(1, min(rows, n/cols)), [][2]int{{0, cols}}
	if few := min(rows, fewRows); n/cols < few && cols >= 2*pieceCols {
		k, pieces = few, piecesOf(cols, n/few, max(0, min(keepCol, cols-1)))
	}
	if k == rows && pieces[0] == [2]int{0, cols} {
		return t, nil
	}
	p := &part{rows: make([]int, k), pieces: pieces}
	keepRow = max(0, min(keepRow, rows-1))
	for i := range p.rows {
		p.rows[i] = i * rows / k
		if next := (i + 1) * rows / k; keepRow >= p.rows[i] && keepRow < next {
			p.rows[i] = keepRow
		}
	}
	x := quant.Tensor{Name: t.Name, Shape: []int{k, p.cols()}, Data: make([]float32, 0, k*p.cols())}
	for _, r := range p.rows {
		for _, c := range p.pieces {
			x.Data = append(x.Data, t.Data[r*cols+c[0]:r*cols+c[1]]...)
		}
	}
	return x, p
}

// piecesOf are pieces of about n columns together, with column keep among
// them. What follows the last whole piece of the row is always there, so that
// a format that cannot take the row cannot take the sample.
func piecesOf(cols, n, keep int) [][2]int {
	count := max(1, n/pieceCols)
	whole := cols / pieceCols
	var pieces [][2]int
	for i := range min(count, whole) {
		from, next := i*whole/count, (i+1)*whole/count
		if at := keep / pieceCols; at >= from && at < next {
			from = at
		}
		pieces = append(pieces, [2]int{from * pieceCols, (from + 1) * pieceCols})
	}
	if rest := whole * pieceCols; rest < cols {
		pieces = append(pieces, [2]int{rest, cols})
	}
	return pieces
}

// cols is how many columns the sample has.
func (p *part) cols() int {
	n := 0
	for _, c := range p.pieces {
		n += c[1] - c[0]
	}
	return n
}

// row is the row of the whole that a row of the sample is. A nil part is the
// whole, here and below.
func (p *part) row(at int) int {
	if p == nil {
		return at
	}
	return p.rows[at]
}

// rowAt is the row of the sample that is nearest to a row of the whole.
func (p *part) rowAt(row int) int {
	if p == nil {
		return row
	}
	i := sort.SearchInts(p.rows, row)
	if i == len(p.rows) || i > 0 && row-p.rows[i-1] < p.rows[i]-row {
		i--
	}
	return i
}

// col is the column of the whole that a column of the sample is.
func (p *part) col(at int) int {
	if p == nil {
		return at
	}
	for _, c := range p.pieces {
		if n := c[1] - c[0]; at >= n {
			at -= n
			continue
		}
		return c[0] + at
	}
	return p.pieces[len(p.pieces)-1][1]
}

// colAt is the column of the sample that is nearest to a column of the whole.
func (p *part) colAt(col int) int {
	if p == nil {
		return col
	}
	best, far, before := 0, -1, 0
	for _, c := range p.pieces {
		near := max(c[0], min(col, c[1]-1))
		if d := max(near-col, col-near); far < 0 || d < far {
			best, far = before+near-c[0], d
		}
		before += c[1] - c[0]
	}
	return best
}

// weights are those of the sample's columns, of weights for the whole's
// columns, once or once for each of several matrices.
func (p *part) weights(w []float32, cols int) []float32 {
	if p == nil {
		return w
	}
	var out []float32
	for ; len(w) > 0; w = w[cols:] {
		for _, c := range p.pieces {
			out = append(out, w[c[0]:c[1]]...)
		}
	}
	return out
}

// cut is what of a packed tensor in blocks belongs to the sample t.
func (p *part) cut(whole *quant.Packed, t quant.Tensor, typ ggml.Type) *quant.Packed {
	if p == nil {
		return whole
	}
	out := *whole
	out.Shape, out.Bytes = slices.Clone(t.Shape), nil
	at := func(row, col int) int { return (row*quant.Cols(whole.Shape) + col) / typ.Block * typ.Bytes }
	for _, r := range p.rows {
		for _, c := range p.pieces {
			out.Bytes = append(out.Bytes, whole.Bytes[at(r, c[0]):at(r, c[1])]...)
		}
	}
	return &out
}
