package dtype

import (
	"errors"
	"fmt"
)

// Type is a plain number type. The zero Type is none: its methods fail.
type Type struct {
	Name string // as safetensors writes it: "F32", "BF16", "F8_E4M3", "BOOL"
	Size int    // bytes of one value
	kind kind
}

type kind uint8

const (
	none kind = iota
	f64
	f32
	f16
	bf16
	e4m3
	e5m2
	e4m3fnuz
	e5m2fnuz
	e8m0
	i64
	i32
	i16
	i8
	u64
	u32
	u16
	u8
	boolean
)

// The types. The 8-bit floats are E4M3 with no infinity and E5M2 (OCP 8-bit
// floating point, revision 1.0), their variants without a negative zero and
// with one NaN (FNUZ), and the power-of-two scale E8M0 (OCP microscaling 1.0).
var (
	F64        = Type{"F64", 8, f64}
	F32        = Type{"F32", 4, f32}
	F16        = Type{"F16", 2, f16}
	BF16       = Type{"BF16", 2, bf16}
	F8E4M3     = Type{"F8_E4M3", 1, e4m3}
	F8E5M2     = Type{"F8_E5M2", 1, e5m2}
	F8E4M3FNUZ = Type{"F8_E4M3FNUZ", 1, e4m3fnuz}
	F8E5M2FNUZ = Type{"F8_E5M2FNUZ", 1, e5m2fnuz}
	F8E8M0     = Type{"F8_E8M0", 1, e8m0}
	I64        = Type{"I64", 8, i64}
	I32        = Type{"I32", 4, i32}
	I16        = Type{"I16", 2, i16}
	I8         = Type{"I8", 1, i8}
	U64        = Type{"U64", 8, u64}
	U32        = Type{"U32", 4, u32}
	U16        = Type{"U16", 2, u16}
	U8         = Type{"U8", 1, u8}
	Bool       = Type{"BOOL", 1, boolean}
)

// All lists every type: floats from wide to narrow, then integers, then BOOL.
func All() []Type {
	return []Type{
		F64, F32, F16, BF16, F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ, F8E8M0,
		I64, I32, I16, I8, U64, U32, U16, U8, Bool,
	}
}

// Lookup finds a type by the name that safetensors gives it, in capitals.
func Lookup(name string) (Type, bool) {
	for _, t := range All() {
		if t.Name == name {
			return t, true
		}
	}
	return Type{}, false
}

// Exact says whether float32 holds every value of t.
func (t Type) Exact() bool {
	switch t.kind {
	case none, f64, i64, i32, u64, u32:
		return false
	}
	return true
}

// Float says whether t is a floating-point type.
func (t Type) Float() bool { return t.kind >= f64 && t.kind <= e8m0 }

// Decode turns the little-endian values in src into float32. It fails where
// src is not len(dst) values long. Doubles and wide integers are rounded to
// nearest even (a double past float32's range becomes infinity); of a boolean
// every byte but 0 is 1. A half that is NaN is made quiet.
func (t Type) Decode(dst []float32, src []byte) error {
	if err := t.check(len(dst), len(src)); err != nil {
		return err
	}
	if t.Float() {
		t.decodeFloats(dst, src)
	} else {
		t.decodeInts(dst, src)
	}
	return nil
}

// DecodeBig is Decode for big-endian values.
func (t Type) DecodeBig(dst []float32, src []byte) error {
	if err := t.check(len(dst), len(src)); err != nil {
		return err
	}
	var turned [1 << 12]byte
	for len(dst) > 0 {
		n := min(len(dst), len(turned)/t.Size)
		b := turned[:n*t.Size]
		for i := 0; i < len(b); i += t.Size {
			for k := range t.Size {
				b[i+k] = src[i+t.Size-1-k]
			}
		}
		if err := t.Decode(dst[:n], b); err != nil {
			return err
		}
		dst, src = dst[n:], src[len(b):]
	}
	return nil
}

func (t Type) check(values, bytes int) error {
	switch {
	case t.kind == none:
		return errors.New("dtype: no type given")
	case bytes%t.Size != 0 || bytes/t.Size != values:
		return fmt.Errorf("dtype: %d values of %s take %d bytes each, but %d bytes are given", values, t.Name, t.Size, bytes)
	}
	return nil
}
