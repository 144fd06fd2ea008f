package ggml

import (
	"fmt"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// plain are the types that are not blocks.
var plain = map[string]dtype.Type{
	"F32": dtype.F32, "F16": dtype.F16, "BF16": dtype.BF16, "F64": dtype.F64,
	"I8": dtype.I8, "I16": dtype.I16, "I32": dtype.I32, "I64": dtype.I64,
}

// Readable says whether Dequantize can read t.
func (t Type) Readable() bool {
	_, ok := plain[t.Name]
	return ok || formatOf(t) != nil
}

// Dequantize reconstructs the values of whole blocks of t: F32, F16, BF16,
// F64, I8 … I64 and every type of Formats. Doubles and wide integers are
// rounded to float32. It fails where src is not what len(dst) values take.
func Dequantize(t Type, src []byte, dst []float32) error {
	size, err := t.RowSize(len(dst))
	if err != nil {
		return err
	}
	if len(src) != size {
		return &quant.SizeError{What: "bytes", Format: t.Name, Got: len(src), Want: size}
	}
	if d, ok := plain[t.Name]; ok {
		return d.Decode(dst, src)
	}
	f := formatOf(t)
	if f == nil {
		return fmt.Errorf("ggml: values of type %s are not readable yet", t.Name)
	}
	f.read(dst, src)
	return nil
}

func formatOf(t Type) *format {
	for _, f := range all {
		if f.id == t.ID && f.typ() == t {
			return f
		}
	}
	return nil
}
