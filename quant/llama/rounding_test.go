package llama

import (
	"math"

	"fewbits/quant/dtype"
)

// half rounds values to F16 or BF16.
func half(d dtype.Type, x []float32) []float32 {
	b, out := make([]byte, 2*len(x)), make([]float32, len(x))
	if err := d.Encode(b, x); err != nil {
		panic(err)
	}
	if err := d.Decode(out, b); err != nil {
		panic(err)
	}
	return out
}

// geluTable makes a model look GELU up in a table of 16 bits, as ggml's CPU
// backend does (ggml_table_gelu_f16).
func geluTable(m *Model) {
	m.activation = func(x float32) float32 {
		switch {
		case x <= -10:
			return 0
		case x >= 10:
			return x
		}
		return half(dtype.F16, []float32{gelu(half(dtype.F16, []float32{x})[0])})[0]
	}
}

// rounded makes a model round the input of each product to the type that
// ggml's CPU backend multiplies a weight with (type_traits_cpu, vec_dot_type).
func rounded(m *Model) {
	m.input = func(w *weight, x []float32) []float32 {
		switch w.typ.Name {
		case "F32":
			return x
		case "F16":
			return half(dtype.F16, x)
		case "BF16":
			return half(dtype.BF16, x)
		}
		if w.typ.Block == 256 {
			return inBlocks(x, 256, toQ8K)
		}
		return inBlocks(x, 32, toQ80)
	}
}

func inBlocks(x []float32, n int, one func(dst, x []float32)) []float32 {
	out := make([]float32, len(x))
	for i := 0; i < len(x); i += n {
		one(out[i:i+n], x[i:i+n])
	}
	return out
}

// toQ80 rounds to codes of 8 bits with an F16 scale, max|x| / 127.
func toQ80(dst, x []float32) {
	top := float32(0)
	for _, v := range x {
		top = max(top, float32(math.Abs(float64(v))))
	}
	d := top / 127
	if d == 0 {
		return
	}
	stored := half(dtype.F16, []float32{d})[0]
	for i, v := range x {
		dst[i] = stored * float32(math.RoundToEven(float64(v*(1/d))))
	}
}

// toQ8K rounds to codes of 8 bits with a float32 scale; the largest becomes
// −127.
func toQ8K(dst, x []float32) {
	top := float32(0)
	for _, v := range x {
		if math.Abs(float64(v)) > math.Abs(float64(top)) {
			top = v
		}
	}
	if top == 0 {
		return
	}
	scale := -127 / top
	for i, v := range x {
		dst[i] = 1 / scale * float32(min(127, math.RoundToEven(float64(scale*v))))
	}
}
