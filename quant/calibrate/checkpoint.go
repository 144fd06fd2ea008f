package calibrate

import (
	"fmt"

	"fewbits/quant"
	"fewbits/quant/checkpoint"
	"fewbits/quant/formats"
)

// Decide has a checkpoint written with what the result decided, of the model in
// src, in place of rounding: it sets Decided, Values and Folded of o. The scheme
// of t is that of the result's options. It needs no Values of the result's
// tensors, and no Model.
func (r *Result) Decide(src quant.Source, t *checkpoint.Target, o *checkpoint.Options) error {
	method, ok := formats.LookupMethod(r.Method)
	if !ok {
		return fmt.Errorf("calibrate: there is no method %q", r.Method)
	}
	byName := map[string]*Tensor{}
	for _, x := range r.Tensors {
		byName[x.Name] = x
		o.Folded = o.Folded || x.InputScales != nil
	}
	names := checkpoint.NamesOf(src)
	// AWQ's symmetric codes are signed.
	bits, signed := t.Scheme.Bits, method.Info().Name == "AWQ" && t.Scheme.Symmetric
	o.Decided = func(module string) (*checkpoint.Matrix, error) {
		x := byName[names.Of(module+".weight")]
		if x == nil || x.Packed == nil {
			return nil, fmt.Errorf("%s decided on no matrix of that name", r.Method)
		}
		p, err := method.Params(x.Packed, true)
		if err != nil {
			return nil, err
		}
		m, err := checkpoint.Decided(p, bits, signed)
		if err != nil {
			return nil, err
		}
		return names.Matrix(module+".weight", m), nil
	}
	o.Values = func(name string) []float32 {
		if v, ok := r.Vectors[names.Of(name)]; ok {
			return names.Vector(name, v)
		}
		return nil
	}
	return nil
}

// Codes is the result without the values that its codes stand for, and without
// the model, which take most of the memory. Decide needs no more.
func (r *Result) Codes() *Result {
	out := *r
	out.Model, out.Tensors = nil, make([]*Tensor, len(r.Tensors))
	for i, t := range r.Tensors {
		x := *t
		x.Values = nil
		out.Tensors[i] = &x
	}
	return &out
}
