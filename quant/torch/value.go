package torch

import (
	"fmt"

	"fewbits/quant/dtype"
)

// The values that a pickle builds are nil, bool, int64, float64, string and
// those below. All but tuple are held by pointer where they can change later.
type (
	tuple []any
	list  struct{ items []any }

	// dict keeps its pairs in order. at finds the pair of a plain key.
	dict struct {
		keys, vals []any
		at         map[any]int
	}

	// global is a class or function by name. Naming one does nothing.
	global struct{ module, name string }

	// object is an instance of a TorchScript class: a bag of attributes.
	object struct{ state any }

	// opaque is a value that is only ever shown.
	opaque struct{ kind, text string }

	// storage is a run of values in a member of the archive.
	storage struct {
		key   string
		elem  element // Size 0 where untyped
		bytes int64
	}

	// tensor is a view of a storage.
	tensor struct {
		from    *storage // nil where it has none
		elem    element
		offset  int64 // in values
		shape   []int
		strides []int64
		why     string // it cannot be read, "" where it can
	}
)

func (g global) String() string { return g.module + "." + g.name }

// set puts a pair at the end, or replaces the value of a plain key.
func (d *dict) set(k, v any) {
	switch k.(type) {
	case nil, bool, int64, float64, string:
		if i, ok := d.at[k]; ok {
			d.vals[i] = v
			return
		}
		if d.at == nil {
			d.at = map[any]int{}
		}
		d.at[k] = len(d.keys)
	}
	d.keys = append(d.keys, k)
	d.vals = append(d.vals, v)
}

// element is a type of tensor values.
type element struct {
	name string     // as PyTorch writes it: "float32"
	size int        // bytes
	typ  dtype.Type // the zero Type where it cannot be read
}

// elements are PyTorch's types by name (torch/csrc, c10/core/ScalarType.h).
var elements = func() map[string]element {
	m := map[string]element{}
	for name, t := range map[string]dtype.Type{
		"float64": dtype.F64, "float32": dtype.F32, "float16": dtype.F16, "bfloat16": dtype.BF16,
		"float8_e4m3fn": dtype.F8E4M3, "float8_e5m2": dtype.F8E5M2, "float8_e8m0fnu": dtype.F8E8M0,
		"float8_e4m3fnuz": dtype.F8E4M3FNUZ, "float8_e5m2fnuz": dtype.F8E5M2FNUZ,
		"int64": dtype.I64, "int32": dtype.I32, "int16": dtype.I16, "int8": dtype.I8,
		"uint64": dtype.U64, "uint32": dtype.U32, "uint16": dtype.U16, "uint8": dtype.U8,
		"bool": dtype.Bool,
	} {
		m[name] = element{name, t.Size, t}
	}
	for name, size := range map[string]int{
		"complex32": 4, "complex64": 8, "complex128": 16,
		"qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1,
		"float4_e2m1fn_x2": 1,
	} {
		m[name] = element{name: name, size: size}
	}
	return m
}()

// storages are PyTorch's storage classes and what they hold (torch/storage.py).
var storages = map[string]string{
	"DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
	"LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
	"ByteStorage": "uint8", "BoolStorage": "bool",
	"ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
	"QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
	"QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
	"UntypedStorage": "",
}

// unreadable says why values of e cannot be turned into float32, or "".
func (e element) unreadable() string {
	switch {
	case e.typ.Size > 0:
		return ""
	case e.name[0] == 'c':
		return fmt.Sprintf("holds complex numbers (torch.%s); save its real and imaginary parts by themselves", e.name)
	case e.name[0] == 'q':
		return fmt.Sprintf("is quantized by PyTorch (torch.%s); save its .dequantize()", e.name)
	}
	return fmt.Sprintf("holds values of torch.%s, which are not read; save its .float()", e.name)
}
