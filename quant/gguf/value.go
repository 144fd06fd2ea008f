package gguf

import "fmt"

// valueType is the number that a file gives to a type of value.
type valueType uint32

const (
	typeUint8 valueType = iota
	typeInt8
	typeUint16
	typeInt16
	typeUint32
	typeInt32
	typeFloat32
	typeBool
	typeString
	typeArray
	typeUint64
	typeInt64
	typeFloat64
	typeCount
)

// valueTypes is indexed by valueType. size is the least that a value takes in
// a file: of a string its length, of an array its type and length.
var valueTypes = [typeCount]struct {
	name, array string
	size        int64
}{
	{"u8", "[u8]", 1},
	{"i8", "[i8]", 1},
	{"u16", "[u16]", 2},
	{"i16", "[i16]", 2},
	{"u32", "[u32]", 4},
	{"i32", "[i32]", 4},
	{"f32", "[f32]", 4},
	{"bool", "[bool]", 1},
	{"string", "[string]", 8},
	{"array", "[array]", 12},
	{"u64", "[u64]", 8},
	{"i64", "[i64]", 8},
	{"f64", "[f64]", 8},
}

// Nested is an array of arrays: each element is a slice of one of the types
// that TypeOf knows, or a Nested again. llama.cpp refuses files with any.
type Nested []any

// MaxDepth is how deep arrays may be nested: [u8] is 1, [[u8]] is 2.
const MaxDepth = 4

// TypeOf names the type that a metadata value has in a file. The type of the
// Go value alone decides: uint8 "u8", int8, uint16, int16, uint32, int32,
// uint64, int64, float32 "f32", float64, bool, string, a slice of one of
// those ("[u32]"), or Nested ("[array]"). Other types have no place in a file.
func TypeOf(v any) (string, error) {
	t, array, err := typeOf(v)
	if err != nil {
		return "", err
	}
	if array {
		return valueTypes[t].array, nil
	}
	return valueTypes[t].name, nil
}

// typeOf is the type of v, or of its elements where it is an array.
func typeOf(v any) (t valueType, array bool, err error) {
	switch v.(type) {
	case uint8:
		return typeUint8, false, nil
	case int8:
		return typeInt8, false, nil
	case uint16:
		return typeUint16, false, nil
	case int16:
		return typeInt16, false, nil
	case uint32:
		return typeUint32, false, nil
	case int32:
		return typeInt32, false, nil
	case uint64:
		return typeUint64, false, nil
	case int64:
		return typeInt64, false, nil
	case float32:
		return typeFloat32, false, nil
	case float64:
		return typeFloat64, false, nil
	case bool:
		return typeBool, false, nil
	case string:
		return typeString, false, nil
	}
	t, ok := elementType(v)
	if !ok {
		return 0, false, fmt.Errorf("gguf: a value of Go type %T cannot be stored; use a sized number (uint32, float32), bool, string, a slice of one of those, or gguf.Nested", v)
	}
	return t, true, nil
}

func elementType(v any) (valueType, bool) {
	switch v.(type) {
	case []uint8:
		return typeUint8, true
	case []int8:
		return typeInt8, true
	case []uint16:
		return typeUint16, true
	case []int16:
		return typeInt16, true
	case []uint32:
		return typeUint32, true
	case []int32:
		return typeInt32, true
	case []uint64:
		return typeUint64, true
	case []int64:
		return typeInt64, true
	case []float32:
		return typeFloat32, true
	case []float64:
		return typeFloat64, true
	case []bool:
		return typeBool, true
	case []string:
		return typeString, true
	case Nested:
		return typeArray, true
	}
	return 0, false
}
