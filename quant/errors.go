package quant

import (
	"fmt"
	"math"

	"fewbits/kernels"
)

// NonFiniteError says where a tensor holds NaN or infinity that the format
// asked for cannot hold.
type NonFiniteError struct {
	Tensor   string
	Row, Col int     // of the first such value
	Value    float32 // of the first
	NaN, Inf int     // how many there are in all
}

func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("tensor %q: row %d, column %d is %v; there are %d NaN and %d infinite values: replace them, or choose a float format that can hold them",
		e.Tensor, e.Row, e.Col, e.Value, e.NaN, e.Inf)
}

// CheckFinite returns a *NonFiniteError where t holds NaN or infinity, else nil.
func CheckFinite(t Tensor) error {
	first := kernels.CheckFinite(t.Data)
	if first < 0 {
		return nil
	}
	nan, inf := 0, 0
	for _, v := range t.Data[first:] {
		// The exponent is all ones for NaN and infinity alike.
		if b := math.Float32bits(v); b&0x7f800000 == 0x7f800000 {
			if b&0x007fffff != 0 {
				nan++
			} else {
				inf++
			}
		}
	}
	c := t.Cols()
	return &NonFiniteError{Tensor: t.Name, Row: first / c, Col: first % c, Value: t.Data[first], NaN: nan, Inf: inf}
}

// RowError says which row of a tensor a format cannot take, and why.
type RowError struct {
	Tensor string
	Row    int
	Format string
	Reason string
}

func (e *RowError) Error() string {
	return fmt.Sprintf("tensor %q: row %d cannot be quantized to %s: %s", e.Tensor, e.Row, e.Format, e.Reason)
}

// ShapeError says that rows of a length do not suit the blocks of a format.
type ShapeError struct {
	Tensor string
	Format string
	Cols   int
	Block  int
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("tensor %q: rows of %d values are not a multiple of the %d that a block of %s holds; choose a format with smaller blocks",
		e.Tensor, e.Cols, e.Block, e.Format)
}

// SizeError says that a buffer has the wrong length.
type SizeError struct {
	What      string // "bytes", "values"
	Format    string
	Got, Want int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s: %d %s given where %d belong", e.Format, e.Got, e.What, e.Want)
}
