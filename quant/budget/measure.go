package budget

import (
	"context"
	"errors"
	"fmt"
	"math"

	"fewbits/quant"
)

// SliceValues is how many values a Meter has in memory at a time, unless a row
// has more; twice over, and once more packed.
const SliceValues = 1 << 18

// Meter measures what types lose, with one memory for all slices. It does one
// thing at a time; several may measure parts of a table at once.
type Meter struct {
	table   *Table
	formats func(name string) (quant.Format, bool)
	x, back []float32
}

// NewMeter is a meter for a table, whose Options.Formats it takes.
func NewMeter(t *Table, formats func(name string) (quant.Format, bool)) *Meter {
	return &Meter{table: t, formats: formats}
}

// Errors are what rows of a tensor lose in each of its types; those of several
// parts add up.
type Errors struct {
	Energy float64   // Σ w·x²
	Of     []float64 // Σ w·(x̂ − x)², by the index of the type
}

// Add adds another part of the tensor.
func (e *Errors) Add(o Errors) {
	e.Energy += o.Energy
	if e.Of == nil {
		e.Of = make([]float64, len(o.Of))
	}
	for k, v := range o.Of {
		e.Of[k] += v
	}
}

// Set gives a tensor of the table its errors.
func (t *Table) Set(tensor int, e Errors) error {
	r := &t.Tensors[tensor]
	if len(e.Of) != len(r.Types) {
		return fmt.Errorf("budget: tensor %q has %d types, and %d errors are given", r.Name, len(r.Types), len(e.Of))
	}
	r.Energy = e.Energy
	for k, v := range e.Of {
		r.Types[k].Error = v
	}
	return nil
}

// Rows measures rows [row, row+n) of a tensor of the table, a slice at a time.
func (m *Meter) Rows(ctx context.Context, tensor, row, n int) (Errors, error) {
	t := &m.table.Tensors[tensor]
	sum := Errors{Of: make([]float64, len(t.Types))}
	rows, cols := quant.Rows(t.Shape), quant.Cols(t.Shape)
	if row < 0 || n < 0 || n > rows-row {
		return sum, fmt.Errorf("budget: tensor %q: %d rows from row %d on are asked for; it has %d", t.Name, n, row, rows)
	}
	for end := row + n; row < end; {
		k, w := m.next(tensor, row)
		k = min(k, end-row, max(1, SliceValues/max(1, cols)))
		if len(m.x) < k*cols {
			m.x, m.back = make([]float32, k*cols), make([]float32, k*cols)
		}
		e, err := m.slice(ctx, tensor, row, k, w)
		if err != nil {
			return sum, err
		}
		sum.Add(e)
		row += k
	}
	return sum, nil
}

// next is how many rows from one on share their importance, and that.
func (m *Meter) next(tensor, row int) (int, []float32) {
	t := &m.table.Tensors[tensor]
	rows, cols := quant.Rows(t.Shape), quant.Cols(t.Shape)
	w := m.table.plan[t.step].Options.Importance
	if len(w) <= cols {
		return rows - row, w
	}
	each := max(1, rows*cols/len(w)) // rows of one matrix
	k := row / each
	return (k+1)*each - row, w[k*cols : (k+1)*cols]
}

// slice measures rows that are in memory together, in all types.
func (m *Meter) slice(ctx context.Context, tensor, row, n int, w []float32) (Errors, error) {
	t := &m.table.Tensors[tensor]
	cols := quant.Cols(t.Shape)
	x := quant.Tensor{Name: t.Name, Shape: []int{n, cols}, Data: m.x[:n*cols]}
	e := Errors{Of: make([]float64, len(t.Types))}
	step := m.table.plan[t.step]
	if err := m.table.src.ReadRows(step.Tensor, row, n, x.Data); err != nil {
		return e, err
	}
	e.Energy = weighted(x.Data, nil, w, cols)
	for k, typ := range t.Types {
		if err := ctx.Err(); err != nil {
			return e, err
		}
		if typ.Name == step.From {
			continue // it stays as it is
		}
		f, ok := m.format(typ.Name)
		if !ok {
			return e, fmt.Errorf("budget: there is no quantizer to %s", typ.Name)
		}
		var o quant.Options
		if f.Info().Importance != quant.Never {
			o.Importance = w
		}
		p, err := f.Quantize(x, o)
		if err == nil {
			err = f.Dequantize(p, m.back[:n*cols])
		}
		if err != nil {
			return e, located(err, row)
		}
		e.Of[k] = weighted(x.Data, m.back[:n*cols], w, cols)
	}
	return e, nil
}

// located counts the rows of an error from the tensor's start.
func located(err error, row int) error {
	var bad *quant.NonFiniteError
	var r *quant.RowError
	switch {
	case errors.As(err, &bad):
		bad.Row += row
	case errors.As(err, &r):
		r.Row += row
	}
	return fmt.Errorf("budget: %w", err)
}

// floats are the names that formats have for plain types.
var floats = map[string]string{"F32": "FP32", "F16": "FP16", "BF16": "BF16"}

// format finds a quantizer by a type's name.
func (m *Meter) format(typ string) (quant.Format, bool) {
	if name := floats[typ]; name != "" {
		typ = name
	}
	return m.formats(typ)
}

// weighted is Σ w·(y − x)², or Σ w·x² where y is nil; w is one weight a column,
// or 1 where there are none. What is not finite counts as infinite.
func weighted(x, y, w []float32, cols int) float64 {
	sum := 0.0
	for len(x) > 0 {
		row := 0.0
		for c, v := range x[:cols] {
			d := float64(v)
			if y != nil {
				d -= float64(y[c])
			}
			d = float64(d * d)
			if w != nil {
				d = float64(d * float64(w[c]))
			}
			row += d
		}
		sum += row
		x = x[cols:]
		if y != nil {
			y = y[cols:]
		}
	}
	if math.IsNaN(sum) {
		return math.Inf(1)
	}
	return sum
}

// Measure fills in the errors of all tensors. progress, which may be nil, is
// called before the first tensor and after each slice, with values.
func (t *Table) Measure(ctx context.Context, formats func(name string) (quant.Format, bool), progress func(name string, done, total int64)) error {
	m := NewMeter(t, formats)
	var done, total int64
	for _, r := range t.Tensors {
		n, _ := quant.Count(r.Shape)
		total += int64(n)
	}
	for i, r := range t.Tensors {
		rows, cols := quant.Rows(r.Shape), quant.Cols(r.Shape)
		var sum Errors
		step := max(1, SliceValues/max(1, cols))
		for row := 0; row < rows; row += step {
			if progress != nil {
				progress(r.Name, done, total)
			}
			n := min(step, rows-row)
			e, err := m.Rows(ctx, i, row, n)
			if err != nil {
				return err
			}
			sum.Add(e)
			done += int64(n) * int64(cols)
		}
		if err := t.Set(i, sum); err != nil {
			return err
		}
	}
	if progress != nil {
		progress("", done, total)
	}
	return nil
}
