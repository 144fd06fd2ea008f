package convert

import (
	"fmt"
	"strings"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/ggml"
)

// Step says what becomes of one tensor.
type Step struct {
	Tensor int    // in the source's list
	Name   string // in the output
	Shape  []int  // outermost first
	From   string // its type, as the source names it
	Asked  string // the type that it should take; "" where it should keep its own
	To     string // its type in the output, as that container names it
	Bytes  int64  // that it takes in the output
	Why    string // why To is not the type that the others take, or what else to know; "" for nothing

	// Options of the quantization. Importance has one weight a column; or,
	// for a tensor of three dimensions, as many for each outermost index
	// (the experts), one after another.
	Options quant.Options
}

// Copied says whether the tensor's bytes go into the output as they are.
func (s Step) Copied() bool { return s.From == s.To }

// SliceValues is how many values are read, quantized and written at a time.
const SliceValues = 1 << 20

// Options are for carrying out a plan.
type Options struct {
	// Formats finds the quantizer of a format by the name in its Info.
	Formats func(name string) (quant.Format, bool)
	// Progress is called before the first slice and after each; nil is allowed.
	Progress func(Progress)
	// Meta are keys to set in the output, over what the source has.
	Meta []quant.Meta

	slice int // SliceValues where 0; tests take less
}

// Progress is how far a conversion is.
type Progress struct {
	Step, Steps int    // the step at work; Steps is also what Step is at the end
	Name        string // of its tensor; "" at the end
	Done, Total int64  // values
}

// widened are the types that GGUF does not have, with a signed integer type
// that holds all their values. Such a value is lengthened with zero bytes.
var widened = map[string]string{"BOOL": "I8", "U8": "I16", "U16": "I32", "U32": "I64"}

// formatNames are the names that fewbits/quant/floats gives to types.
var formatNames = map[string]string{
	"F32": "FP32", "F16": "FP16", "BF16": "BF16", "F8_E4M3": "FP8_E4M3", "F8_E5M2": "FP8_E5M2",
}

// typeName is the container's name of a type that may be given by its name as
// a format: FP16 is F16, FP8_E4M3 is F8_E4M3. Case does not matter.
func typeName(format string) string {
	for typ, name := range formatNames {
		if strings.EqualFold(format, name) || strings.EqualFold(format, typ) {
			return typ
		}
	}
	if t, ok := ggml.TypeByName(format); ok {
		return t.Name
	}
	return format
}

// quantized says whether a type is one of ggml's block types.
func quantized(typ string) bool {
	t, ok := ggml.TypeByName(typ)
	return ok && t.Block > 1
}

// float says whether a type is a plain floating-point type that holds weights.
func float(typ string) bool {
	t, ok := dtype.Lookup(typ)
	return ok && t.Float() && typ != "F8_E8M0" // which holds scales only
}

// size is the bytes of a tensor of a type of either container.
func size(typ string, shape []int) (int64, error) {
	n, err := quant.Count(shape)
	if err != nil {
		return 0, err
	}
	if t, ok := dtype.Lookup(typ); ok {
		return int64(n) * int64(t.Size), nil
	}
	t, ok := ggml.TypeByName(typ)
	if !ok {
		return 0, fmt.Errorf("there is no type %q", typ)
	}
	if _, err := t.RowSize(quant.Cols(shape)); err != nil {
		return 0, err
	}
	return int64(n) / int64(t.Block) * int64(t.Bytes), nil
}
