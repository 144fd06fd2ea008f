package checkpoint

import (
	"context"
	"fmt"
	"math"

	"fewbits/quant"
)

// mlx is the affine layout of MLX (mlx/backend/cpu/quantized.cpp, quantize; mlx_lm/utils.py):
//
//	weight  U32 [out, in·b/32]   codes along a row, a stream of bits from the low end
//	scales  [out, groups]
//	biases  [out, groups]
//
// with ŵ = q·s + b. The end of the range that is larger in magnitude is a code
// exactly: s = ±(max − min)/(2^b − 1) is changed so that it is a whole number
// of steps from 0, and b is that end.
type mlx struct{}

func (mlx) Name(s Scheme) string { return named("MLX", s) }

func (mlx) Parts(s Scheme, rows, cols int) (Parts, error) {
	switch {
	case s.Bits != 2 && s.Bits != 3 && s.Bits != 4 && s.Bits != 5 && s.Bits != 6 && s.Bits != 8:
		return nil, fmt.Errorf("MLX has codes of 2, 3, 4, 5, 6 and 8 bits, not of %d", s.Bits)
	case s.Group != 32 && s.Group != 64 && s.Group != 128:
		return nil, fmt.Errorf("MLX has groups of 32, 64 and 128 values, not of %d", s.Group)
	case cols%s.Group != 0:
		return nil, fmt.Errorf("rows of %d values do not divide into groups of %d; choose another group=", cols, s.Group)
	}
	n := cols / s.Group
	return Parts{
		{Suffix: ".weight", Type: "U32", Shape: []int{rows, cols / 32 * s.Bits}},
		{Suffix: ".scales", Type: s.Type, Shape: []int{rows, n}, Floats: true},
		{Suffix: ".biases", Type: s.Type, Shape: []int{rows, n}, Floats: true},
	}, nil
}

// Find needs the bits or the group from config.json: of both only the product
// shows in the shapes.
func (mlx) Find(s Scheme, has Parts) (Scheme, int, int, bool) {
	w, sc, b := has.get(".weight"), has.get(".scales"), has.get(".biases")
	if w == nil || sc == nil || b == nil || w.Type != "U32" || !matrix(w, sc, b) {
		return s, 0, 0, false
	}
	if s.Group != 32 && s.Group != 64 && s.Group != 128 {
		s.Group = 64
	}
	cols := sc.Shape[1] * s.Group
	s.Bits, s.Type = w.Shape[1]*32/cols, sc.Type
	return s, w.Shape[0], cols, true
}

func (l mlx) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	codes, scales, biases := parts.get(".weight"), parts.get(".scales"), parts.get(".biases")
	groups, group := w.Cols()/s.Group, make([]uint8, s.Group)
	return bands(ctx, w, func(row int, t quant.Tensor) error {
		if err := quant.CheckFinite(t); err != nil {
			return err
		}
		for r := range t.Rows() {
			line := line(codes.Data, row+r, codes.Shape[1])
			for k := range groups {
				x := t.Data[r*t.Cols()+k*s.Group:][:s.Group]
				scale, bias := mlxGrid(x, s.Bits)
				pair, err := stored(s.Type, []float32{scale, bias})
				if err != nil {
					return err
				}
				if math.IsInf(float64(pair[0]), 0) || math.IsInf(float64(pair[1]), 0) {
					return &quant.RowError{Tensor: t.Name, Row: row + r, Format: s.Type + " scales", Reason: "a value is past the largest that the type holds"}
				}
				at := (row+r)*groups + k
				if err := scales.set(at, pair[:1]); err != nil {
					return err
				}
				if err := biases.set(at, pair[1:]); err != nil {
					return err
				}
				for c, v := range x {
					group[c] = mlxCode(v, scale, bias, s.Bits)
				}
				line.fill(0, k*s.Group*s.Bits, s.Bits, group)
			}
		}
		return nil
	})
}

// mlxGrid is scale and bias of a group.
func mlxGrid(x []float32, bits int) (scale, bias float32) {
	lo, hi := x[0], x[0]
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	scale = max((hi-lo)/float32(int(1)<<bits-1), 1e-7)
	edge := lo
	if math.Abs(float64(lo)) <= math.Abs(float64(hi)) {
		scale, edge = -scale, hi
	}
	q := float32(math.RoundToEven(float64(edge / scale)))
	if q == 0 {
		return scale, 0
	}
	return edge / q, edge
}

// mlxCode is the code of a value, found as there with scale and bias as they
// are before they are stored.
func mlxCode(v, scale, bias float32, bits int) uint8 {
	q := math.RoundToEven(float64((v - bias) / scale))
	return uint8(min(max(q, 0), float64(int(1)<<bits-1)))
}

func (mlx) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	m := &Matrix{Rows: n, Cols: cols, Bits: s.Bits, Groups: cols / s.Group, Index: along(cols, s.Group), Codes: make([]uint8, n*cols)}
	codes := parts.get(".weight")
	for r := range n {
		line(codes.Data, row+r, codes.Shape[1]).take(m.Codes[r*cols:(r+1)*cols], 0, s.Bits)
	}
	var err error
	if m.Scales, err = parts.get(".scales").floats(row*m.Groups, n*m.Groups); err != nil {
		return nil, err
	}
	m.Biases, err = parts.get(".biases").floats(row*m.Groups, n*m.Groups)
	return m, err
}

// Config is read by mlx-lm, which takes as quantized what has scales.
func (mlx) Config(s Scheme, skipped []string) object {
	o := object{{"group_size", s.Group}, {"bits", s.Bits}, {"mode", "affine"}}
	return object{{"quantization", o}, {"quantization_config", o}}
}
