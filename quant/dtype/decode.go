package dtype

import (
	"encoding/binary"
	"math"
	"sync"

	"fewbits/quant/floats"
)

var le = binary.LittleEndian

func (t Type) decodeInts(dst []float32, src []byte) {
	switch t.kind {
	case i64:
		for i := range dst {
			dst[i] = float32(int64(le.Uint64(src[8*i:])))
		}
	case u64:
		for i := range dst {
			dst[i] = float32(le.Uint64(src[8*i:]))
		}
	case i32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(src[4*i:])))
		}
	case u32:
		for i := range dst {
			dst[i] = float32(le.Uint32(src[4*i:]))
		}
	case i16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(src[2*i:])))
		}
	case u16:
		for i := range dst {
			dst[i] = float32(le.Uint16(src[2*i:]))
		}
	case i8:
		for i, b := range src {
			dst[i] = float32(int8(b))
		}
	case u8:
		for i, b := range src {
			dst[i] = float32(b)
		}
	case boolean:
		for i, b := range src {
			dst[i] = 0
			if b != 0 {
				dst[i] = 1
			}
		}
	}
}

func (t Type) decodeFloats(dst []float32, src []byte) {
	switch t.kind {
	case f64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case f32:
		floats.BytesToF32(dst, src)
	case f16:
		floats.F16ToF32(dst, src)
	case bf16:
		floats.BF16ToF32(dst, src)
	case e4m3:
		floats.E4M3ToF32(dst, src)
	case e5m2:
		floats.E5M2ToF32(dst, src)
	case e4m3fnuz:
		lookUp(dst, src, e4m3fnuzValues())
	case e5m2fnuz:
		lookUp(dst, src, e5m2fnuzValues())
	case e8m0:
		lookUp(dst, src, e8m0Values())
	}
}

func lookUp(dst []float32, src []byte, values *[256]float32) {
	for i, b := range src {
		dst[i] = values[b]
	}
}

var (
	e4m3fnuzValues = sync.OnceValue(func() *[256]float32 { return fnuz(3, 8) })
	e5m2fnuzValues = sync.OnceValue(func() *[256]float32 { return fnuz(2, 16) })

	// 2^(b−127); 255 is NaN.
	e8m0Values = sync.OnceValue(func() *[256]float32 {
		var values [256]float32
		for b := range values {
			values[b] = float32(math.Ldexp(1, b-127))
		}
		values[255] = float32(math.NaN())
		return &values
	})
)

// fnuz is the value of each byte of an 8-bit float in which −0 is NaN and
// every other pattern is finite: (−1)^s · 2^(e−bias) · 1.m, or
// (−1)^s · 2^(1−bias) · 0.m where e is 0 (Noune et al. 2022, §3).
func fnuz(mantissa, bias int) *[256]float32 {
	var values [256]float32
	for b := range values {
		e, m := b&0x7f>>mantissa, b&(1<<mantissa-1)
		v := math.Ldexp(float64(m), 1-bias-mantissa)
		if e > 0 {
			v = math.Ldexp(float64(m+1<<mantissa), e-bias-mantissa)
		}
		if b >= 0x80 {
			v = -v
		}
		values[b] = float32(v)
	}
	values[0x80] = float32(math.NaN())
	return &values
}
