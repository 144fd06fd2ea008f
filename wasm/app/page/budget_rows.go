package page

import (
	"fmt"

	"fewbits/wasm/wire"
)

// How much of a tensor is quantized to every type: spans of rows, evenly over
// the tensor.
const (
	budgetSample = 1 << 16 // values of a tensor
	budgetSpan   = 1 << 14 // of a task
)

// spans are the rows of a tensor that are quantized: all of a small one.
func spans(tensor, rows, cols int) (list []wire.BudgetRowsArgs) {
	each := min(rows, max(1, budgetSpan/max(1, cols)))
	want := min(rows, max(1, budgetSample/max(1, cols)))
	n := (want + each - 1) / max(1, each)
	if want == rows {
		for row := 0; row < rows; row += each {
			list = append(list, wire.BudgetRowsArgs{Tensor: tensor, Row: row, Rows: min(each, rows-row)})
		}
		return list
	}
	for i := range n {
		// In the middle of each of n parts.
		list = append(list, wire.BudgetRowsArgs{Tensor: tensor, Row: (2*i+1)*rows/(2*n) - each/2, Rows: each})
	}
	return list
}

// weighed sums the errors up, in the order of the file whoever measured what,
// and goes on to sizes.
func (s *State) weighed() []Effect {
	m := &s.Model
	b := &m.Budget
	r := b.run
	sums := make([]wire.BudgetErrors, len(b.Table.Tensors))
	rows := make([]int, len(sums))
	seen := int64(0)
	for i, a := range r.rows {
		addLost(&sums[a.Tensor], r.lost[i])
		rows[a.Tensor] += a.Rows
		seen += int64(a.Rows) * int64(b.Table.Tensors[a.Tensor].Cols)
	}
	for i := range sums { // as if all rows had been seen
		scaleLost(&sums[i], float64(b.Table.Tensors[i].Rows)/float64(max(1, rows[i])))
	}
	b.errors, b.Part = sums, float64(seen)/float64(max(1, r.values))
	took := (r.now - r.started) / 1000
	out := s.endWorkers()
	b.run = nil
	b.Status = fmt.Sprintf("Measured in %.1f s", took)
	return append(out, s.wake()...)
}

// addLost adds a part; −1 is what is not finite.
func addLost(sum, part *wire.BudgetErrors) {
	add := func(x, y float64) float64 {
		if x < 0 || y < 0 {
			return -1
		}
		return x + y
	}
	sum.Energy = add(sum.Energy, part.Energy)
	if sum.Of == nil {
		sum.Of = make([]float64, len(part.Of))
	}
	for i := range min(len(sum.Of), len(part.Of)) {
		sum.Of[i] = add(sum.Of[i], part.Of[i])
	}
}

func scaleLost(e *wire.BudgetErrors, by float64) {
	if e.Energy > 0 {
		e.Energy *= by
	}
	for i, v := range e.Of {
		if v > 0 {
			e.Of[i] = v * by
		}
	}
}
