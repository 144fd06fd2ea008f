package main

import (
	"fmt"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/ggml"
	"fewbits/quant/internal/libggml"
)

// ggmlNames are ggml's names of formats that have another one here.
var ggmlNames = map[string]string{"FP32": "F32", "FP16": "F16"}

// peer times libggml's code for the type of a format.
func peer(lib *libggml.Lib, t quant.Tensor, q request) answer {
	f, ok := formats.Lookup(q.Format)
	if !ok || lib == nil {
		return answer{Refused: "libggml is not to be had"}
	}
	info := f.Info()
	name := info.Name
	if n := ggmlNames[name]; n != "" {
		name = n
	}
	typ, ok := ggml.TypeByName(name)
	if !ok || typ.Block == 0 {
		return answer{Refused: fmt.Sprintf("libggml has no type %q", q.Format)}
	}
	if info.Importance == quant.Required && q.Importance == nil {
		return answer{Refused: name + " needs an importance matrix"} // libggml would end this process
	}
	x := sampled(t, q.Sample)
	packed, err := lib.Quantize(typ.ID, x.Data, x.Rows(), x.Cols(), q.Importance)
	if err != nil {
		return answer{Refused: err.Error()}
	}
	var there, back []float64
	for range max(1, q.Repeat) {
		// No time to spare is a first pass that is not timed, and one that is.
		if r, err := lib.QuantizeRate(typ.ID, x.Data, x.Rows(), x.Cols(), q.Importance, 0); err == nil {
			there = append(there, 1e3*float64(x.Len())/r)
		}
	}
	for range q.readings() {
		if r, err := lib.DequantizeRate(typ.ID, packed, x.Len(), 0); err == nil {
			back = append(back, 1e3*float64(x.Len())/r)
		}
	}
	return answer{QuantizeMs: median(there), DequantizeMs: median(back)}
}
