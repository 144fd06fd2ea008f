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
	drawn     []float32 // reconstruction with no error where a pair does not count
}

func compare(x, rec []float32, p *quant.Packed) comparison {
	c := comparison{drawn: rec}
	c.Report, c.x, c.y = metric.MeasureFinite(x, rec, p)
	if c.nonFinite = len(x) - len(c.x); c.nonFinite == 0 {
		return c
	}
	c.drawn = make([]float32, len(x))
	for i, v := range x {
		c.drawn[i] = v
		if y := rec[i]; v-v == 0 && y-y == 0 {
			c.drawn[i] = y
		}
	}
	return c
}

// whole turns a sample's report into one of the tensor: its size is what the
// whole would take.
func (s *Session) whole(r metric.Report, rowOf []int) metric.Report {
	if rowOf != nil {
		r.Values = s.tensor.Len()
		r.Bytes = int(r.BitsPerWeight * float64(r.Values) / 8)
	}
	return r
}

// placed names the row of the tensor where err names one of a sample.
func (s *Session) placed(err error, rowOf []int) error {
	if rowOf == nil {
		return err
	}
	var value *quant.NonFiniteError
	if errors.As(err, &value) {
		return quant.CheckFinite(s.tensor)
	}
	var row *quant.RowError
	if errors.As(err, &row) && row.Row < len(rowOf) {
		moved := *row
		moved.Row = rowOf[row.Row]
		return &moved
	}
	return err
}
