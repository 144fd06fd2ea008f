package checkpoint

import (
	"context"
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/floats"
)

// nvfp4 is nvfp4-pack-quantized (compressors/quantized_compressors/fp4_quantized.py
// and calculate_qparams, generate_gparam in quantization/utils/helpers.py):
//
//	weight_packed        U8 [out, in/2]        even columns in the low half
//	weight_scale         F8_E4M3 [out, in/16]
//	weight_global_scale  F32 [1]               448·6 / max|W|
//
// A block's scale is E4M3(global · max|w| / 6), 0.125 where that is 0; what
// values are divided by is scale / global.
type nvfp4 struct{}

// e2m1 is what codes stand for; bit 3 is the sign.
var e2m1 = [16]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, float32(math.Copysign(0, -1)), -0.5, -1, -1.5, -2, -3, -4, -6}

const (
	nvBlock = 16
	maxE2M1 = 6
)

func (nvfp4) Name(Scheme) string { return "compressed-tensors NVFP4" }

func (nvfp4) Parts(s Scheme, rows, cols int) (Parts, error) {
	if cols%nvBlock != 0 {
		return nil, fmt.Errorf("rows of %d values do not divide into NVFP4's blocks of 16", cols)
	}
	return Parts{
		{Suffix: ".weight_packed", Type: "U8", Shape: []int{rows, cols / 2}},
		{Suffix: ".weight_scale", Type: "F8_E4M3", Shape: []int{rows, cols / nvBlock}},
		{Suffix: ".weight_global_scale", Type: "F32", Shape: []int{1}, Floats: true, Free: true},
	}, nil
}

func (nvfp4) Find(s Scheme, has Parts) (Scheme, int, int, bool) {
	w, global := has.get(".weight_packed"), has.get(".weight_global_scale")
	if w == nil || global == nil || w.Type != "U8" || !matrix(w) || size(global.Type, global.Shape) < 4 {
		return s, 0, 0, false
	}
	s.Bits, s.Group, s.Symmetric = 4, nvBlock, true
	return s, w.Shape[0], 2 * w.Shape[1], true
}

// fourBits is the code of a value within ±6: to nearest, ties to the even code.
// The sign is that of the value, of 0 too.
func fourBits(x float32) uint8 {
	code := uint8(0)
	if math.Signbit(float64(x)) {
		code, x = 8, -x
	}
	for q := uint8(0); q < 7; q++ {
		half := (e2m1[q] + e2m1[q+1]) / 2
		if x < half || x == half && q%2 == 0 {
			return code | q
		}
	}
	return code | 7
}

func (nvfp4) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	if err := quant.CheckFinite(w); err != nil {
		return err
	}
	global := float32(1)
	if top := largest(w.Data); top > 0 {
		global = min(maxE4M3*maxE2M1/top, math.MaxFloat32)
	}
	if err := parts.get(".weight_global_scale").set(0, []float32{global}); err != nil {
		return err
	}
	codes, scales := parts.get(".weight_packed").Data, parts.get(".weight_scale").Data
	for i := 0; i < len(w.Data); i += nvBlock {
		if i%sliceValues == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		x := w.Data[i : i+nvBlock]
		code := floats.E4M3Bits(float32(global * float32(largest(x)/maxE2M1)))
		if code == 0 {
			code = floats.E4M3Bits(0.125)
		}
		scales[i/nvBlock] = code
		by := floats.E4M3Value(code) / global
		for j := 0; j < nvBlock; j += 2 {
			codes[(i+j)/2] = fourBits(x[j]/by) | fourBits(x[j+1]/by)<<4
		}
	}
	return nil
}

func (nvfp4) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	m := &Matrix{Rows: n, Cols: cols, Bits: 4, Groups: cols / nvBlock, Index: along(cols, nvBlock), Levels: e2m1[:], Codes: make([]uint8, n*cols)}
	packed := parts.get(".weight_packed").Data
	for i := range m.Codes {
		b := packed[(row*cols+i)/2]
		m.Codes[i] = b >> (4 * (i % 2)) & 15
	}
	global, err := parts.get(".weight_global_scale").floats(0, 1)
	if err != nil {
		return nil, err
	}
	m.Scales, err = parts.get(".weight_scale").floats(row*m.Groups, n*m.Groups)
	for i := range m.Scales {
		m.Scales[i] /= global[0]
	}
	return m, err
}

func (nvfp4) Config(s Scheme, skipped []string) object {
	return compressedConfig("nvfp4-pack-quantized", args(4, "float", true, "tensor_group", nvBlock, false), nil, skipped)
}
