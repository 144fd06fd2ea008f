package huggingface

import (
	"encoding/binary"
	"fmt"
	"math"

	"fewbits/quant"
)

// ReadRows reads rows [row, row+n) of tensor i as float32 into dst, which
// holds n × Cols values.
func (m *Model) ReadRows(i, row, n int, dst []float32) error {
	t, err := m.tensor(i)
	if err != nil {
		return err
	}
	rows, cols := quant.Rows(t.info.Shape), quant.Cols(t.info.Shape)
	switch {
	case row < 0 || n < 0 || n > rows-row:
		return fmt.Errorf("huggingface: tensor %q: %d rows from row %d are asked for, and it has %d", t.info.Name, n, row, rows)
	case len(dst) != n*cols:
		return &quant.SizeError{What: "values", Format: t.info.Type, Got: len(dst), Want: n * cols}
	case n == 0:
		return nil
	case t.data != nil:
		copy(dst, t.data)
		return nil
	}
	read := func(row, n int, dst []float32) error { return m.weights.ReadRows(t.from, row, n, dst) }
	switch {
	case t.heads > 0 && len(t.info.Shape) == 1: // a bias: its values are what rows are to a matrix
		whole := make([]float32, cols)
		if err := read(0, 1, whole); err != nil {
			return err
		}
		return turned(t.headRows(), 1, 0, cols, dst, func(row, n int, dst []float32) error {
			copy(dst, whole[row:row+n])
			return nil
		})
	case t.heads > 0:
		err = turned(t.headRows(), cols, row, n, dst, read)
	default:
		err = read(row, n, dst)
	}
	if t.plus != 0 && err == nil {
		for i := range dst {
			dst[i] += t.plus
		}
	}
	return err
}

// headRows is how many rows a head has.
func (t *tensor) headRows() int { return t.info.Shape[0] / t.heads }

// turned reads rows [row, row+n) of a matrix whose heads' rows change their
// order. transformers turns row j of a head together with row j + d/2, d rows a
// head; llama.cpp turns rows 2j and 2j + 1. So row 2j + p of a head is its row
// p·d/2 + j in the weights. (LlamaModel.permute in conversion/llama.py)
//
// read reads rows in the weights' order; unit is a row's length in dst.
func turned[T float32 | byte](d, unit, row, n int, dst []T, read func(row, n int, dst []T) error) error {
	var half []T
	for n > 0 {
		head, first := row/d, row%d
		m := min(n, d-first) // rows of this head
		for p := range 2 {
			// Of rows [first, first+m) those that have the parity p.
			from, to := (first-p+1)/2, (first+m-p+1)/2
			if from == to {
				continue
			}
			if need := (to - from) * unit; len(half) < need {
				half = make([]T, need)
			}
			if err := read(head*d+p*d/2+from, to-from, half[:(to-from)*unit]); err != nil {
				return err
			}
			for j := from; j < to; j++ {
				at := (2*j + p - first) * unit
				copy(dst[at:at+unit], half[(j-from)*unit:])
			}
		}
		row, n, dst = row+m, n-m, dst[m*unit:]
	}
	return nil
}

// ReadRaw reads len(dst) bytes from offset off of tensor i's own bytes, which
// are those that a GGUF file would hold.
func (m *Model) ReadRaw(i int, off int64, dst []byte) error {
	t, err := m.tensor(i)
	if err != nil {
		return err
	}
	if off < 0 || int64(len(dst)) > t.info.Bytes-off {
		return fmt.Errorf("huggingface: tensor %q: %d bytes from byte %d are asked for, and it has %d", t.info.Name, len(dst), off, t.info.Bytes)
	}
	if len(dst) == 0 {
		return nil
	}
	if t.same() {
		return m.weights.ReadRaw(t.from, off, dst)
	}
	size := t.info.Bytes / int64(quant.Rows(t.info.Shape)) // of a row
	for len(dst) > 0 {
		row, at := int(off/size), off%size
		n := len(dst) / int(size)
		if at > 0 || n == 0 {
			line := make([]byte, size)
			if err := m.rawRows(i, t, row, 1, line); err != nil {
				return err
			}
			k := copy(dst, line[at:])
			off, dst = off+int64(k), dst[k:]
			continue
		}
		if err := m.rawRows(i, t, row, n, dst[:n*int(size)]); err != nil {
			return err
		}
		off, dst = off+int64(n)*size, dst[n*int(size):]
	}
	return nil
}

// rawRows reads whole rows of a tensor that is not the weights' own.
func (m *Model) rawRows(i int, t *tensor, row, n int, dst []byte) error {
	cols := quant.Cols(t.info.Shape)
	if t.info.Type == t.typ.Name && t.plus == 0 && len(t.info.Shape) > 1 {
		unit := cols * t.typ.Size
		return turned(t.headRows(), unit, row, n, dst, func(row, n int, dst []byte) error {
			return m.weights.ReadRaw(t.from, int64(row)*int64(unit), dst)
		})
	}
	line := make([]float32, cols)
	for k := range n {
		if err := m.ReadRows(i, row+k, 1, line); err != nil {
			return err
		}
		for j, v := range line {
			binary.LittleEndian.PutUint32(dst[4*(k*cols+j):], math.Float32bits(v))
		}
	}
	return nil
}
