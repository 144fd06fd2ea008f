package main

import (
	"strings"

	"fewbits/quant"
	"fewbits/quant/checkpoint"
	"fewbits/quant/formats"
)

// decide lets a method that calibrates decide on the matrices of a model, by a
// text.
func (c *call) decide(in *input, t *checkpoint.Target, o *checkpoint.Options, bar *progress, q *quantized) error {
	name := "GPTQ"
	if strings.EqualFold(q.Format, "AWQ") || t.As == "awq" {
		name = "AWQ"
	}
	method, _ := formats.LookupMethod(name)
	options := quant.Options{Bits: t.Scheme.Bits, Group: t.Scheme.Group, Symmetric: t.Scheme.Symmetric}
	for _, kv := range c.options {
		if has(t.Method, kv[0]) {
			if err := options.Set(kv[0], kv[1]); err != nil {
				return usageError{err.Error()}
			}
		}
	}
	r, chunks, err := c.calibrateModel(in, &packer{format: method, options: options}, bar)
	if err != nil {
		return err
	}
	if err := r.Decide(in.Source, t, o); err != nil {
		return err
	}
	q.Options = r.Options.Map()
	q.Calibrated = &calibrated{Text: c.flags["calib"], Chunks: len(chunks), Stored: t.As, Tensors: []calibratedError{}}
	if len(chunks) > 0 {
		q.Calibrated.Context = len(chunks[0])
	}
	values := int64(0)
	for _, x := range r.Tensors {
		q.Calibrated.CodeBytes += x.CodeBytes
		values += int64(len(x.Values))
		q.Calibrated.Tensors = append(q.Calibrated.Tensors, calibratedError{x.Name, "output", real(x.Error.Relative), real(x.Error.Rounding)})
	}
	q.Calibrated.CodeBitsPerWeight = float64(q.Calibrated.CodeBytes) * 8 / float64(max(1, values))
	return nil
}
