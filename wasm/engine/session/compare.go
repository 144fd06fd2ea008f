package session

import (
	"errors"

	"fewbits/quant"
	"fewbits/quant/metric"
)

var errNoTensor = errors.New("no tensor is loaded: choose one first")

// comparison is a tensor against its reconstruction. Weights that are NaN or
// infinite before or after are counted and left out of every number.
type comparison struct {
	metric.Report
	nonFinite int
	x, y      []float32 // the pairs that count
}

func compare(x, rec []float32, p *quant.Packed) (c comparison) {
	c.Report, c.x, c.y = metric.MeasureFinite(x, rec, p)
	c.nonFinite = len(x) - len(c.x)
	return c
}

// whole turns a sample's report into one of the tensor: its size is what the
// whole would take.
func (s *Session) whole(r metric.Report, of *part) metric.Report {
	if of != nil {
		r.Values = s.tensor.Len()
		r.Bytes = int(r.BitsPerWeight * float64(r.Values) / 8)
	}
	return r
}

// placed speaks of the tensor where err speaks of the sample that is of of it.
func (s *Session) placed(err error, of *part) error {
	if of == nil {
		return err
	}
	var value *quant.NonFiniteError
	if errors.As(err, &value) {
		return quant.CheckFinite(s.tensor)
	}
	var row *quant.RowError
	if errors.As(err, &row) && row.Row < len(of.rows) {
		moved := *row
		moved.Row = of.rows[row.Row]
		return &moved
	}
	var shape *quant.ShapeError
	if errors.As(err, &shape) {
		moved := *shape
		moved.Cols = s.tensor.Cols()
		return &moved
	}
	return err
}

// placedAt names the row of a tensor where err names one of a slice of it.
func placedAt(err error, from int) error {
	var value *quant.NonFiniteError
	if errors.As(err, &value) {
		moved := *value
		moved.Row += from
		return &moved
	}
	var row *quant.RowError
	if errors.As(err, &row) {
		moved := *row
		moved.Row += from
		return &moved
	}
	return err
}
