package npy

import (
	"fmt"
	"strings"

	"fewbits/quant/dtype"
)

// plain are NumPy's types by kind and size. V2 is how a bfloat16 array of
// ml_dtypes is saved, and f1 a float8_e5m2: the kinds that
// ml_dtypes/_src/floats.cc registers.
var plain = map[string]dtype.Type{
	"f2": dtype.F16, "f4": dtype.F32, "f8": dtype.F64,
	"i1": dtype.I8, "i2": dtype.I16, "i4": dtype.I32, "i8": dtype.I64,
	"u1": dtype.U8, "u2": dtype.U16, "u4": dtype.U32, "u8": dtype.U64,
	"b1": dtype.Bool, "?": dtype.Bool,
	"V2": dtype.BF16, "f1": dtype.F8E5M2,
}

// named are the types that other writers spell out.
var named = map[string]dtype.Type{
	"float16": dtype.F16, "float32": dtype.F32, "float64": dtype.F64, "bfloat16": dtype.BF16,
	"int8": dtype.I8, "int16": dtype.I16, "int32": dtype.I32, "int64": dtype.I64,
	"uint8": dtype.U8, "uint16": dtype.U16, "uint32": dtype.U32, "uint64": dtype.U64,
	"bool": dtype.Bool,
}

// elements says what the values of an array are, or why they cannot be read.
func (h *header) elements() (t dtype.Type, big bool, err error) {
	at := h.text + int64(h.descrAt)
	if h.nested != "" {
		return t, false, fmt.Errorf("byte %d: the array has %s; save each field by itself, as arr['name'].astype('float32')", at, h.nested)
	}
	if t, ok := named[h.descr]; ok {
		return t, false, nil
	}
	order, kind := byte('='), h.descr
	if kind != "" && strings.IndexByte("<>|=", kind[0]) >= 0 {
		order, kind = kind[0], kind[1:]
	}
	t, ok := plain[kind]
	if ok && !(kind == "V2" && order == '|') {
		return t, order == '>', nil
	}
	return dtype.Type{}, false, fmt.Errorf("byte %d: the array %s", at, refusal(h.descr, kind))
}

// refusal says what a type that is not read is, and what to do.
func refusal(descr, kind string) string {
	const save = "save it with dtype=float32"
	first := byte(0)
	if kind != "" {
		first = kind[0]
	}
	switch {
	case first == 'O':
		return "holds Python objects (a pickle), which Fewbits never runs; " + save
	case first == 'c':
		return fmt.Sprintf("holds complex numbers (%q); save its real and imaginary parts by themselves", descr)
	case strings.IndexByte("SaU", first) >= 0 && first != 0:
		return fmt.Sprintf("holds text (%q), which is no tensor", descr)
	case first == 'M' || first == 'm':
		return fmt.Sprintf("holds dates or times (%q); %s", descr, save)
	case first == 'f':
		return fmt.Sprintf("holds floats of a width (%q) that differs between machines; %s", descr, save)
	case kind == "V1":
		return fmt.Sprintf("holds single bytes without a meaning (%q): ml_dtypes saves several float8 and integer types so, and the file does not say which; %s", descr, save)
	case kind == "V2":
		return fmt.Sprintf("holds pairs of bytes without a meaning (%q); if they are bfloat16, save arr.view(ml_dtypes.bfloat16), or %s", descr, save)
	case first == 'V':
		return fmt.Sprintf("holds raw bytes (%q) without a meaning; %s", descr, save)
	}
	return fmt.Sprintf("has type %q, which NumPy does not know; %s", descr, save)
}
