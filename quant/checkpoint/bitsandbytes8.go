package checkpoint

import (
	"context"

	"fewbits/quant"
	"fewbits/quant/llmint8"
)

// bnb8 is the layout of bitsandbytes' Linear8bitLt (nn/modules.py):
//
//	weight         I8 [out, in]
//	SCB            F32 [out]   the largest magnitude of each row
//	weight_format  U8          0: rows
//
// with ŵ = q·SCB/127. Which inputs are outliers is found anew at each product.
type bnb8 struct{}

func (bnb8) Name(Scheme) string { return "bitsandbytes INT8" }

func (bnb8) Parts(s Scheme, rows, cols int) (Parts, error) {
	return Parts{
		{Suffix: ".weight", Type: "I8", Shape: []int{rows, cols}},
		{Suffix: ".SCB", Type: "F32", Shape: []int{rows}},
		{Suffix: ".weight_format", Type: "U8", Shape: []int{}, Optional: true},
	}, nil
}

func (bnb8) Find(s Scheme, has Parts) (Scheme, int, int, bool) {
	w := has.get(".weight")
	if w == nil || has.get(".SCB") == nil || !matrix(w) || w.Type != "I8" {
		return s, 0, 0, false
	}
	s.Bits, s.Group, s.Symmetric = 8, -1, true
	return s, w.Shape[0], w.Shape[1], true
}

func (bnb8) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	return bands(ctx, w, func(row int, t quant.Tensor) error {
		if err := quant.CheckFinite(t); err != nil {
			return err
		}
		codes, absmax := llmint8.Rows(t.Data, t.Cols(), 0)
		out := parts.get(".weight").Data[row*t.Cols():]
		for i, q := range codes {
			out[i] = uint8(q)
		}
		return parts.get(".SCB").set(row, absmax)
	})
}

func (bnb8) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	absmax, err := parts.get(".SCB").floats(row, n)
	for i := range absmax {
		absmax[i] /= 127
	}
	return signedRows(parts.get(".weight"), absmax, cols, row, n), err
}

// signedRows is a matrix of 8-bit codes, a scale a row.
func signedRows(w *Part, scales []float32, cols, row, n int) *Matrix {
	return &Matrix{Rows: n, Cols: cols, Bits: 8, Signed: true, Groups: 1, Index: make([]int32, cols), Scales: scales,
		Codes: append([]uint8(nil), w.Data[row*cols:(row+n)*cols]...)}
}

func (bnb8) Config(s Scheme, skipped []string) object { return bnbConfig(s, false, skipped) }
