package main

import (
	"strings"

	"fewbits/quant"
	"fewbits/quant/activation"
	"fewbits/quant/calibrate"
	"fewbits/quant/eval"
	"fewbits/quant/llama"
)

// rounding is what eval does to a model before it measures it.
type rounding struct {
	weights     quant.Format // nil for none
	options     quant.Options
	activations bool
	scheme      activation.Scheme
	calib       string // path of a text for static scales; "" is dynamic ones
}

// rounding reads the flags, before any file is looked at.
func (c *call) rounding() (*rounding, error) {
	r := &rounding{calib: c.flags["calib"]}
	if name := c.flags["weights"]; name != "" {
		f, err := format(name)
		if err != nil {
			return nil, err
		}
		if f.Info().Calibration == quant.Required || f.Info().Importance == quant.Required {
			return nil, usagef("%s takes more than the weights: make a file with quantize and measure that", f.Info().Name)
		}
		if r.options, err = c.optionsFor(f, []quant.Format{f}); err != nil {
			return nil, err
		}
		r.weights = f
	} else if len(c.options) > 0 {
		return nil, usagef("option %s= goes with -weights", c.options[0][0])
	}
	return r, c.activationFlags(r)
}

func (c *call) activationFlags(r *rounding) error {
	kind := strings.ToLower(c.flags["activations"])
	if kind == "" {
		for _, flag := range []string{"granularity", "range", "calib"} {
			if c.flags[flag] != "" {
				return usagef("-%s goes with -activations", flag)
			}
		}
		if c.bools["asymmetric"] || c.bools["dynamic"] {
			return usagef("-asymmetric and -dynamic go with -activations")
		}
		return nil
	}
	bits := map[string]int{"int2": 2, "int3": 3, "int4": 4, "int5": 5, "int6": 6, "int7": 7, "int8": 8}[kind]
	if bits == 0 {
		return usagef("-activations is int8, int4 or another of 2 to 8 bits, and %q is none", c.flags["activations"])
	}
	r.activations = true
	r.scheme = activation.Scheme{
		Bits: bits, Asymmetric: c.bools["asymmetric"],
		Granularity: quant.Granularity(strings.ToLower(c.flags["granularity"])), Range: quant.Range(strings.ToLower(c.flags["range"])),
	}
	switch {
	case c.bools["dynamic"] && r.calib != "":
		return usagef("-calib is for static scales, and -dynamic asks for others")
	case c.flags["range"] != "" && r.calib == "":
		return usagef("-range goes with -calib TEXT: dynamic scales cover all that they see")
	}
	var err error
	if r.calib != "" {
		_, err = activation.NewCalibrator(r.scheme)
	} else {
		_, err = activation.Dynamic(r.scheme)
	}
	if err != nil {
		return usageError{strings.TrimPrefix(err.Error(), "activation: ")}
	}
	return nil
}

// apply is m with weights and activations rounded.
func (r *rounding) apply(c *call, m *llama.Model, o eval.Options, bar *progress) (*llama.Model, error) {
	var q *activation.Quantizer
	var err error
	if r.activations && r.calib == "" {
		if q, err = activation.Dynamic(r.scheme); err != nil {
			return nil, err
		}
	}
	if r.calib != "" {
		if q, err = r.calibrate(c, m, o, bar); err != nil {
			return nil, err
		}
	}
	if r.weights != nil {
		m, err = calibrate.Round(c.ctx, m, r.weights, r.options, func(done, total int64) {
			bar.expect(total)
			bar.show("weights", done)
		})
		if err != nil {
			return nil, err
		}
	}
	if q != nil {
		hooked := m.Options()
		hooked.Input = q.Input
		m = m.With(hooked)
	}
	return m, nil
}

// calibrate finds static scales, on a text and the model's own weights.
func (r *rounding) calibrate(c *call, m *llama.Model, o eval.Options, bar *progress) (*activation.Quantizer, error) {
	text, err := readText(r.calib)
	if err != nil {
		return nil, err
	}
	chunks, err := calibrate.Chunks(m, text, calibrate.Text{Context: max(16, o.Context), Chunks: defaultChunks})
	if err != nil {
		return nil, named(r.calib, err)
	}
	return calibrate.Activations(c.ctx, m, chunks, r.scheme, func(done, total int) {
		bar.expect(int64(total))
		bar.show("calibrating", int64(done))
	})
}

// texts are what was rounded, as a person reads it.
func (r *rounding) texts() (weights, activations string) {
	if r.weights != nil {
		weights = r.weights.Info().Name + optionsText(r.options.Map())
	}
	if r.activations {
		activations = r.scheme.String() + ", found for each product"
		if r.calib != "" {
			how := string(r.scheme.Range)
			activations = r.scheme.String() + ", found beforehand by " + or(how, string(quant.RangeMinMax))
		}
	}
	return weights, activations
}
