package session

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"fewbits/wasm/wire"
)

// parseNumbers reads pasted text: a line is a row; numbers part at commas,
// semicolons, blanks and brackets. Rows of different length become one row.
func parseNumbers(text string) (values []float32, shape []int, err error) {
	var lengths []int
	for n, line := range strings.Split(text, "\n") {
		count := 0
		for _, w := range strings.FieldsFunc(line, parts) {
			v, err := strconv.ParseFloat(strings.Replace(w, "−", "-", 1), 32)
			if err != nil && !errors.Is(err, strconv.ErrRange) { // what is too large is infinite
				return nil, nil, fmt.Errorf("line %d: %q is not a number; give numbers parted by blanks or commas, a line a row", n+1, cut(w))
			}
			values = append(values, float32(v))
			count++
		}
		if count > 0 {
			lengths = append(lengths, count)
		}
	}
	if len(values) == 0 {
		return nil, nil, fmt.Errorf("there are no numbers in the text")
	}
	for _, l := range lengths {
		if l != lengths[0] {
			return values, []int{1, len(values)}, nil
		}
	}
	return values, []int{len(lengths), lengths[0]}, nil
}

func parts(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;[](){}", r) }

func cut(s string) string {
	if r := []rune(s); len(r) > 24 {
		return string(r[:24]) + "…"
	}
	return s
}

// window sends a part of the tensor and of its reconstruction, for a table.
func (s *Session) window(a wire.RowsArgs) (Reply, error) {
	if !s.loaded {
		return Reply{}, errNoTensor
	}
	rows, cols := s.tensor.Rows(), s.tensor.Cols()
	if a.Row < 0 || a.Col < 0 || a.Rows < 0 || a.Cols < 0 || a.Row > rows-a.Rows || a.Col > cols-a.Cols {
		return Reply{}, fmt.Errorf("rows %d to %d, columns %d to %d lie outside the tensor of %d × %d", a.Row, a.Row+a.Rows, a.Col, a.Col+a.Cols, rows, cols)
	}
	x := make([]float32, 0, a.Rows*a.Cols)
	y := make([]float32, 0, a.Rows*a.Cols)
	var rec []float32
	if s.last.packed != nil && s.last.part == nil {
		var err error
		if rec, err = s.reconstructed(); err != nil {
			return Reply{}, err
		}
	}
	for r := a.Row; r < a.Row+a.Rows; r++ {
		x = append(x, s.tensor.Data[r*cols+a.Col:][:a.Cols]...)
		if rec != nil {
			y = append(y, rec[r*cols+a.Col:][:a.Cols]...)
		}
	}
	return Reply{Arrays: map[string]any{"values": x, "reconstructed": y}}, nil
}

// reconstructed is what the latest result stands for, in memory that the next
// one takes.
func (s *Session) reconstructed() ([]float32, error) {
	r := &s.last
	if r.stored {
		return r.tensor.Data, nil
	}
	rec := scratch(&s.rec, r.tensor.Len())
	return rec, r.format.Dequantize(r.packed, rec)
}
