package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"fewbits/quant"
	"fewbits/quant/metric"
)

// measured is one format of measure -json.
type measured struct {
	Format  string            `json:"format"`
	Options map[string]string `json:"options"` // as used, those not at their default
	Tensors []report          `json:"tensors"`
	Total   report            `json:"total"`
	Output  *outputError      `json:"outputError,omitempty"` // with -calib
	Skipped []skipped         `json:"skipped,omitempty"`
}

// skipped is a tensor that a format cannot take.
type skipped struct {
	Tensor string `json:"tensor"`
	Why    string `json:"why"`
}

func measureCommand(c *call) error {
	path, err := c.one()
	if err != nil {
		return err
	}
	to, err := c.need("to")
	if err != nil {
		return err
	}
	packers, err := c.packers(to)
	if err != nil {
		return err
	}
	in, err := c.open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	only, values := -1, int64(0)
	if c.flags["tensor"] != "" || len(in.Tensors()) < 2 {
		if only, err = in.choose(c.flags["tensor"]); err != nil {
			return err
		}
	}
	weights, err := c.importance()
	if err != nil {
		return err
	}
	x, err := c.activations()
	if err != nil {
		return err
	}
	if x != nil && only < 0 {
		return usagef("%s goes into one tensor: choose it with -tensor NAME", c.flags["calib"])
	}
	if weights.vector != nil && only < 0 {
		return usagef("%s is the importance of one tensor: choose it with -tensor NAME", weights.path)
	}
	bar := c.progress()
	defer bar.clear()
	for i, info := range in.Tensors() {
		if only < 0 || i == only {
			values += int64(info.Len()) * int64(len(packers))
		}
	}
	bar.expect(values)
	all, refused, err := c.measureEach(in, packers, only, weights, x, bar)
	if err != nil {
		return named(path, err)
	}
	bar.clear()
	if refused != nil {
		return named(path, refused)
	}
	if c.json {
		return c.printJSON(struct {
			File    string     `json:"file"`
			Formats []measured `json:"formats"`
		}{path, all})
	}
	printMeasured(c.out, all)
	return nil
}

// measureEach measures each format. refused is why the first of them takes no
// tensor, where none takes any.
func (c *call) measureEach(in *input, packers []*packer, only int, weights *importance, x *quant.Tensor, bar *progress) (all []measured, refused, err error) {
	taken := 0
	for _, p := range packers {
		p.activations = x
		m, err := c.measure(in, p, only, weights, bar)
		var rows *quant.ShapeError
		switch {
		case err == nil:
			taken++
		case errors.As(err, &rows):
			if refused == nil {
				refused = err
			}
			if len(m.Skipped) == 0 {
				m.Skipped = []skipped{{rows.Tensor, rows.Error()}}
			}
		default:
			return nil, nil, err
		}
		all = append(all, m)
	}
	if taken > 0 {
		refused = nil
	}
	return all, refused, nil
}

// packers are the formats of a list, with their options.
func (c *call) packers(list string) ([]*packer, error) {
	var asked []quant.Format
	for name := range strings.SplitSeq(list, ",") {
		f, err := format(name)
		if err != nil {
			return nil, err
		}
		asked = append(asked, f)
	}
	var all []*packer
	for _, f := range asked {
		o, err := c.optionsFor(f, asked)
		if err != nil {
			return nil, err
		}
		if err := c.calibrates(f.Info()); err != nil {
			return nil, err
		}
		all = append(all, &packer{format: f, options: o})
	}
	return all, nil
}

// measure quantizes every tensor to one format, or the only one. A tensor
// whose rows do not suit the format, or which has no values that can be read,
// is left out and said, unless it is the only one.
func (c *call) measure(in *input, p *packer, only int, weights *importance, bar *progress) (measured, error) {
	m := measured{Format: p.format.Info().Name, Options: map[string]string{}, Tensors: []report{}}
	var total metric.Sums
	var firstRows *quant.ShapeError
	for i, info := range in.Tensors() {
		if only >= 0 && i != only {
			continue
		}
		sums, out, err := c.measureTensor(in, i, p, only >= 0, weights, bar, m.Options)
		var rows *quant.ShapeError
		switch {
		case err == nil:
			m.Tensors = append(m.Tensors, reportOf(sums, m.Format, info.Name))
			m.Output = out
			total.Merge(sums)
		case only < 0 && (errors.As(err, &rows) || !info.Readable || info.Len() == 0):
			m.Skipped = append(m.Skipped, skipped{info.Name, err.Error()})
			if rows != nil && firstRows == nil {
				firstRows = rows
			}
		default:
			return m, err
		}
	}
	if len(m.Tensors) == 0 {
		if firstRows != nil {
			return m, fmt.Errorf("no tensor can be quantized to %s: %w", m.Format, firstRows)
		}
		return m, fmt.Errorf("no tensor can be quantized to %s: %s", m.Format, m.Skipped[0].Why)
	}
	m.Total = reportOf(total, m.Format, "")
	return m, nil
}

func (c *call) measureTensor(in *input, i int, p *packer, only bool, weights *importance, bar *progress, used map[string]string) (metric.Sums, *outputError, error) {
	info := in.Tensors()[i]
	p.weights = nil
	if p.format.Info().Importance != quant.Never {
		find := weights.of
		if only {
			find = weights.must
		}
		var err error
		if p.weights, err = find(info.Name, info.Shape); err != nil {
			return metric.Sums{}, nil, err
		}
	}
	out, err := p.output(c.ctx, info.Shape)
	if err != nil {
		return metric.Sums{}, nil, err
	}
	sums, err := p.stream(c.ctx, in, i, bar, func(s slice) error {
		for k, v := range s.packed.Options.Map() {
			used[k] = v
		}
		return out.add(c.ctx, s)
	})
	return sums, out.result(), err
}

func printMeasured(w io.Writer, all []measured) {
	t := table{right: columns(2, 3, 4, 5, 6, 7, 8)}
	head := []string{"format", "tensor", "bytes", "bits a weight", "MSE", "RMSE", "SQNR, dB", "max error", "cosine"}
	for _, m := range all {
		if m.Output != nil && len(head) == 9 {
			head = append(head, "output error")
		}
	}
	t.row(head...)
	line := func(r report, name string, out *outputError) {
		cells := []string{r.Format, name, count(int64(r.Bytes)), bitsText(r.BitsPerWeight), short(float64(r.MSE)), short(float64(r.RMSE)),
			decibels(float64(r.SQNR)), short(float64(r.MaxAbs)), fmt.Sprintf("%.6f", r.Cosine)}
		if out != nil {
			cells = append(cells, out.text())
		}
		t.row(cells...)
	}
	several := false
	for _, m := range all {
		for _, r := range m.Tensors {
			line(r, clean(r.Tensor), m.Output)
		}
		several = several || len(m.Tensors)+len(m.Skipped) > 1
	}
	if several {
		for _, m := range all {
			if len(m.Tensors) == 0 {
				continue
			}
			line(m.Total, fmt.Sprintf("in all (%d of %s)", len(m.Tensors), plural(len(m.Tensors)+len(m.Skipped), "tensor")), nil)
		}
	}
	t.print(w)
	for _, m := range all {
		if n := len(m.Skipped); n == 1 {
			fmt.Fprintf(w, "left out of %s: %s\n", m.Format, clean(m.Skipped[0].Why))
		} else if n > 1 {
			fmt.Fprintf(w, "left out of %s: %d tensors, the first: %s\n", m.Format, n, clean(m.Skipped[0].Why))
		}
	}
}
