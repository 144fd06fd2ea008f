package main

import (
	"errors"
	"fmt"
	"strings"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/formats"
)

func formatsCommand(c *call) error {
	if len(c.files)+len(c.options) > 0 {
		return usagef("formats takes neither files nor options")
	}
	rows := append(formats.Infos(), formats.MethodInfos()...)
	if c.json {
		return c.printJSON(rows)
	}
	t := table{right: columns(2, 3, 4)}
	t.row("name", "family", "bits a weight", "block", "block bytes", "needs", "options")
	for _, r := range rows {
		t.row(r.Name, string(r.Family), bitsText(r.BitsPerWeight), number(r.BlockSize, "tensor"), number(r.BlockBytes, "-"),
			or(needs(r), "-"), or(strings.Join(r.Options, " "), "-"))
	}
	t.print(c.out)
	_, err := fmt.Fprintf(c.out, "\nkernels: %s\n", kernels.Active())
	return err
}

// needs says what a format takes beside the tensor.
func needs(r quant.Info) string {
	var list []string
	add := func(need quant.Need, what string) {
		switch need {
		case quant.Required:
			list = append(list, what)
		case quant.Optional:
			list = append(list, what+" (optional)")
		}
	}
	add(r.Importance, "importance matrix")
	add(r.Calibration, "calibration")
	return strings.Join(list, ", ")
}

func number(n int, zero string) string {
	if n == 0 {
		return zero
	}
	return count(int64(n))
}

func or(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}

// format finds a format by name.
func format(name string) (quant.Format, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return nil, usagef("-to has an empty name")
	}
	f, ok := formats.Lookup(name)
	if m, method := formats.LookupMethod(name); method {
		f, ok = m, true
	}
	if !ok {
		return nil, usagef("there is no format %q; did you mean %s? fewbits formats lists them all", name, formats.Nearest(name))
	}
	return f, nil
}

// optionsFor are the options given, as far as f takes them. One that none of
// the formats asked for takes is wrong usage, and so is a value that f refuses.
func (c *call) optionsFor(f quant.Format, asked []quant.Format) (quant.Options, error) {
	var o quant.Options
	given := false
	for _, kv := range c.options {
		switch {
		case has(f.Info().Options, kv[0]):
		case takenByAny(asked, kv[0]):
			continue
		default:
			return o, usagef("%s has no option %q; it has %s", f.Info().Name, kv[0], or(strings.Join(f.Info().Options, ", "), "none"))
		}
		if err := o.Set(kv[0], kv[1]); err != nil {
			return o, usageError{err.Error()}
		}
		given = true
	}
	if !given {
		return o, nil
	}
	// What options mean together only the format knows: let it have no values.
	if _, err := f.Quantize(quant.Tensor{Shape: []int{0}}, o); err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // without the name of a tensor
		}
		return o, usagef("%s", err)
	}
	return o, nil
}

func takenByAny(asked []quant.Format, option string) bool {
	for _, f := range asked {
		if has(f.Info().Options, option) {
			return true
		}
	}
	return false
}
