package ggml

import (
	"fmt"
	"strings"

	"fewbits/quant"
)

// Type is one of ggml's tensor types, as GGUF files number them.
type Type struct {
	ID      uint32
	Name    string // in capitals: "Q4_K"
	Block   int    // values in a block; 0 where the type was removed
	Bytes   int    // of a block
	Removed string // what to use instead, where ggml no longer has the type
}

// types is ordered by id. Source: enum ggml_type in include/ggml.h and the
// block structures in src/ggml-common.h.
var types = []Type{
	{ID: 0, Name: "F32", Block: 1, Bytes: 4},
	{ID: 1, Name: "F16", Block: 1, Bytes: 2},
	{ID: 2, Name: "Q4_0", Block: 32, Bytes: 18},
	{ID: 3, Name: "Q4_1", Block: 32, Bytes: 20},
	{ID: 4, Name: "Q4_2", Removed: "Q4_0"},
	{ID: 5, Name: "Q4_3", Removed: "Q4_1"},
	{ID: 6, Name: "Q5_0", Block: 32, Bytes: 22},
	{ID: 7, Name: "Q5_1", Block: 32, Bytes: 24},
	{ID: 8, Name: "Q8_0", Block: 32, Bytes: 34},
	{ID: 9, Name: "Q8_1", Block: 32, Bytes: 36},
	{ID: 10, Name: "Q2_K", Block: 256, Bytes: 84},
	{ID: 11, Name: "Q3_K", Block: 256, Bytes: 110},
	{ID: 12, Name: "Q4_K", Block: 256, Bytes: 144},
	{ID: 13, Name: "Q5_K", Block: 256, Bytes: 176},
	{ID: 14, Name: "Q6_K", Block: 256, Bytes: 210},
	{ID: 15, Name: "Q8_K", Block: 256, Bytes: 292},
	{ID: 16, Name: "IQ2_XXS", Block: 256, Bytes: 66},
	{ID: 17, Name: "IQ2_XS", Block: 256, Bytes: 74},
	{ID: 18, Name: "IQ3_XXS", Block: 256, Bytes: 98},
	{ID: 19, Name: "IQ1_S", Block: 256, Bytes: 50},
	{ID: 20, Name: "IQ4_NL", Block: 32, Bytes: 18},
	{ID: 21, Name: "IQ3_S", Block: 256, Bytes: 110},
	{ID: 22, Name: "IQ2_S", Block: 256, Bytes: 82},
	{ID: 23, Name: "IQ4_XS", Block: 256, Bytes: 136},
	{ID: 24, Name: "I8", Block: 1, Bytes: 1},
	{ID: 25, Name: "I16", Block: 1, Bytes: 2},
	{ID: 26, Name: "I32", Block: 1, Bytes: 4},
	{ID: 27, Name: "I64", Block: 1, Bytes: 8},
	{ID: 28, Name: "F64", Block: 1, Bytes: 8},
	{ID: 29, Name: "IQ1_M", Block: 256, Bytes: 56},
	{ID: 30, Name: "BF16", Block: 1, Bytes: 2},
	{ID: 31, Name: "Q4_0_4_4", Removed: "Q4_0"},
	{ID: 32, Name: "Q4_0_4_8", Removed: "Q4_0"},
	{ID: 33, Name: "Q4_0_8_8", Removed: "Q4_0"},
	{ID: 34, Name: "TQ1_0", Block: 256, Bytes: 54},
	{ID: 35, Name: "TQ2_0", Block: 256, Bytes: 66},
	{ID: 36, Name: "IQ4_NL_4_4", Removed: "IQ4_NL"},
	{ID: 37, Name: "IQ4_NL_4_8", Removed: "IQ4_NL"},
	{ID: 38, Name: "IQ4_NL_8_8", Removed: "IQ4_NL"},
	{ID: 39, Name: "MXFP4", Block: 32, Bytes: 17},
	{ID: 40, Name: "NVFP4", Block: 64, Bytes: 36},
	{ID: 41, Name: "Q1_0", Block: 128, Bytes: 18},
	{ID: 42, Name: "Q2_0", Block: 64, Bytes: 18},
}

// Types lists every type by id, those that were removed included.
func Types() []Type { return append([]Type(nil), types...) }

// TypeByID finds a type by the number that a GGUF file gives it.
func TypeByID(id uint32) (Type, bool) {
	if id >= uint32(len(types)) {
		return Type{}, false
	}
	return types[id], true
}

// TypeByName finds a type by its name, in any case.
func TypeByName(name string) (Type, bool) {
	for _, t := range types {
		if strings.EqualFold(t.Name, name) {
			return t, true
		}
	}
	return Type{}, false
}

// RowSize is the number of bytes that a row of cols values takes. It fails
// where cols does not fill whole blocks, and for a type that was removed.
func (t Type) RowSize(cols int) (int, error) {
	switch {
	case t.Removed != "":
		return 0, fmt.Errorf("ggml: type %s is no longer supported by ggml; convert the model anew, to %s", t.Name, t.Removed)
	case t.Block == 0:
		return 0, fmt.Errorf("ggml: no type given")
	case cols < 0 || cols%t.Block != 0:
		return 0, fmt.Errorf("ggml: rows of %d values are not a multiple of the %d that a block of %s holds", cols, t.Block, t.Name)
	}
	return cols / t.Block * t.Bytes, nil
}

// size is the number of bytes that a tensor takes. It fails with a
// *quant.ShapeError where the rows do not fill whole blocks.
func (t Type) size(name string, shape []int) (values, bytes int, err error) {
	n, err := quant.Count(shape)
	if err != nil {
		return 0, 0, fmt.Errorf("ggml: tensor %q: %w", name, err)
	}
	if cols := quant.Cols(shape); cols%t.Block != 0 {
		return 0, 0, &quant.ShapeError{Tensor: name, Format: t.Name, Cols: cols, Block: t.Block}
	}
	return n, n / t.Block * t.Bytes, nil
}
