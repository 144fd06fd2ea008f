package dtype

import (
	"fmt"
	"math"

	"fewbits/quant/floats"
)

// Encode writes src to dst as little-endian values of t. It fails where dst
// is not len(src) values long, and for the FNUZ floats and E8M0.
//
// Floats round to nearest even: past their range F16 and BF16 become
// infinite, F8_E4M3 and F8_E5M2 stop at their largest number. Integers round
// to nearest even and stop at the ends of their range, infinities included;
// NaN has no integer and is an error. BOOL is 0 for ±0, else 1.
func (t Type) Encode(dst []byte, src []float32) error {
	if err := t.check(len(src), len(dst)); err != nil {
		return err
	}
	switch t.kind {
	case f64:
		for i, v := range src {
			le.PutUint64(dst[8*i:], math.Float64bits(float64(v)))
		}
	case f32:
		floats.F32ToBytes(dst, src)
	case f16:
		floats.F32ToF16(dst, src)
	case bf16:
		floats.F32ToBF16(dst, src)
	case e4m3:
		floats.F32ToE4M3(dst, src)
	case e5m2:
		floats.F32ToE5M2(dst, src)
	case boolean:
		for i, v := range src {
			dst[i] = 0
			if v != 0 {
				dst[i] = 1
			}
		}
	case i64, i32, i16, i8, u64, u32, u16, u8:
		return t.encodeInts(dst, src)
	default:
		return fmt.Errorf("dtype: %s can be read, but not written; choose F8_E4M3, F16 or F32", t.Name)
	}
	return nil
}

func (t Type) encodeInts(dst []byte, src []float32) error {
	signed := t.kind >= i64 && t.kind <= i8
	bits := uint(8 * t.Size)
	for i, v := range src {
		if v != v {
			return fmt.Errorf("dtype: value %d is NaN, which %s cannot hold", i, t.Name)
		}
		r := math.RoundToEven(float64(v))
		var u uint64
		if signed {
			u = uint64(clampSigned(r, bits))
		} else {
			u = clampUnsigned(r, bits)
		}
		switch t.Size {
		case 1:
			dst[i] = byte(u)
		case 2:
			le.PutUint16(dst[2*i:], uint16(u))
		case 4:
			le.PutUint32(dst[4*i:], uint32(u))
		case 8:
			le.PutUint64(dst[8*i:], u)
		}
	}
	return nil
}

// clampSigned is r between −2^(bits−1) and 2^(bits−1)−1.
func clampSigned(r float64, bits uint) int64 {
	limit := math.Ldexp(1, int(bits)-1)
	switch {
	case r >= limit:
		return int64(1)<<(bits-1) - 1
	case r <= -limit:
		return int64(-1) << (bits - 1)
	}
	return int64(r)
}

// clampUnsigned is r between 0 and 2^bits−1.
func clampUnsigned(r float64, bits uint) uint64 {
	switch {
	case r >= math.Ldexp(1, int(bits)):
		return math.MaxUint64 >> (64 - bits)
	case r <= 0:
		return 0
	}
	return uint64(r)
}
