package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"fewbits/quant"
	"fewbits/quant/decision"
	"fewbits/quant/dtype"
	"fewbits/quant/metric"
	"fewbits/quant/npy"
)

func quantizeCommand(c *call) error {
	if c.flags["as"] != "" {
		return c.exportCommand()
	}
	if c.flags["shard"] != "" {
		return usagef("-shard goes with -as")
	}
	q, p, m, err := c.quantizeArguments()
	if err == nil {
		err = c.onlyMethods(q, p)
	}
	if err != nil {
		return err
	}
	if err := c.reportable(q, p); err != nil {
		return err
	}
	if err := checkOutput(q.Out); err != nil {
		return err
	}
	in, err := c.open(q.In)
	if err != nil {
		return err
	}
	defer in.Close()
	weights, err := c.importance()
	if err != nil {
		return err
	}
	if p != nil && !q.method(p) {
		if p.activations, err = c.activations(); err != nil {
			return err
		}
		c.noteCalibration(p)
	}
	if m.uses(in) {
		q.Format = m.name
	}
	if !weights.none() && m.importance(p, in) == quant.Never {
		c.note("%s takes no importance matrix; -imatrix changes nothing", q.Format)
	}
	bar, r := c.progress(), c.recorder(q)
	if q.method(p) {
		err = c.quantizeMethod(in, p, bar, q)
	} else if q.whole() {
		if err = c.quantizeModel(in, m, weights, bar, q); err == nil {
			err = c.modelReport(r, in, m, q)
		}
	} else {
		err = c.quantizeTensor(in, p, weights, bar, q, r)
	}
	if err == nil {
		err = c.report(r)
	}
	bar.clear()
	if err != nil {
		return named(q.In, err)
	}
	if st, err := os.Stat(q.Out); err == nil {
		q.FileBytes = st.Size()
	}
	q.BitsPerWeight = float64(q.Bytes) * 8 / float64(max(1, q.Values))
	if c.json {
		return c.printJSON(q)
	}
	q.print(c.out, in)
	return nil
}

// quantizeArguments are what is asked for, before any file is looked at.
// The packer is nil for a recipe that is no format.
func (c *call) quantizeArguments() (*quantized, *packer, *mixture, error) {
	path, err := c.one()
	if err != nil {
		return nil, nil, nil, err
	}
	to, err := c.need("to")
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := c.need("o")
	if err != nil {
		return nil, nil, nil, err
	}
	if strings.Contains(to, ",") {
		return nil, nil, nil, usagef("-to names one format, and %q is several; measure compares them", to)
	}
	q := &quantized{
		In: path, Out: out, Container: strings.TrimPrefix(strings.ToLower(filepath.Ext(out)), "."), Options: map[string]string{},
	}
	m, err := c.mixture(to, q.Container)
	if err != nil {
		return nil, nil, nil, err
	}
	if m.only {
		q.Format = m.name
		return q, nil, m, c.suits(q.Container, out, quant.Info{Name: m.name, Family: quant.FamilyGGML})
	}
	packers, err := c.packers(to)
	if err != nil {
		return nil, nil, nil, err
	}
	p := packers[0]
	q.Format = p.format.Info().Name
	return q, p, m, c.suits(q.Container, out, p.format.Info())
}

// suits fails where a kind of file has no place for a format or a flag.
func (c *call) suits(kind, out string, f quant.Info) error {
	switch kind {
	case "bin", "json", "npy", "npz":
		return nil
	case "gguf":
		if f.Family == quant.FamilyMethod {
			return c.suitsMethod()
		}
		if f.Family != quant.FamilyGGML && f.Name != "FP32" && f.Name != "FP16" && f.Name != "BF16" {
			return usagef("a .gguf file has ggml's types, FP32, FP16 and BF16, and no %s; one tensor of it goes into a .bin, .json, .npy or .npz file", f.Name)
		}
	case "safetensors":
		if f.Family != quant.FamilyFloat {
			return usagef("a .safetensors file takes casts to FP32, FP16, BF16, FP8_E4M3 and FP8_E5M2, and no %s; write .gguf, or one tensor as .bin, .json, .npy or .npz", f.Name)
		}
	default:
		return usagef("OUT ends in .bin, .json, .npy, .npz, .gguf or .safetensors, and %q does not", out)
	}
	if c.flags["calib"] != "" {
		return usagef("-calib goes with .bin, .json, .npy and .npz, which hold one tensor; a .%s file holds all of IN", kind)
	}
	if c.flags["tensor"] != "" {
		return usagef("-tensor goes with .bin, .json, .npy and .npz; a .%s file holds all tensors of IN", kind)
	}
	return nil
}

// quantizeTensor writes one tensor: its bytes, its decisions or its values.
func (c *call) quantizeTensor(in *input, p *packer, weights *importance, bar *progress, q *quantized, r *record) error {
	i, err := in.choose(c.flags["tensor"])
	if err != nil {
		return err
	}
	info := in.Tensors()[i]
	bar.expect(int64(info.Len()))
	if p.format.Info().Importance != quant.Never {
		if p.weights, err = weights.must(info.Name, info.Shape); err != nil {
			return err
		}
	}
	lost, err := p.output(c.ctx, info.Shape)
	if err != nil {
		return err
	}
	var sums metric.Sums
	var used quant.Options
	err = create(c.ctx, q.Out, func(w io.Writer) error {
		all := whole{original: q.Container == "npz"}
		visit := func(s slice) error {
			q.Options, used = s.packed.Options.Map(), s.packed.Options
			r.add(s)
			if err := lost.add(c.ctx, s); err != nil {
				return err
			}
			switch q.Container {
			case "bin":
				_, err := w.Write(s.packed.Bytes)
				return err
			case "npy":
				return writeFloats(w, s.back)
			}
			return all.add(s, info.Shape)
		}
		if q.Container == "npy" {
			if err := npy.WriteHeader(w, info.Shape); err != nil {
				return err
			}
		}
		var err error
		if sums, err = p.stream(c.ctx, in, i, bar, visit); err != nil || all.packed == nil {
			return err
		}
		all.packed.Options.Importance = p.weights
		if q.Container == "npz" {
			return writeArrays(w, p, &all)
		}
		return decision.Write(w, p.format, all.packed)
	})
	if err != nil {
		return err
	}
	m := reportOf(sums, q.Format, info.Name)
	q.Values, q.Bytes, q.Metrics, q.Output = int64(m.Values), int64(m.Bytes), m, lost.result()
	q.Tensors = []quantizedTensor{{
		Name: info.Name, Shape: append([]int{}, info.Shape...), From: info.Type, To: q.Format, Bytes: q.Bytes, Metrics: &m,
	}}
	c.tensorReport(r, in, i, p, used, q)
	return nil
}

// writeFloats writes little-endian float32 values.
func writeFloats(w io.Writer, x []float32) error {
	var buf [1 << 14]byte
	for len(x) > 0 {
		n := min(len(x), len(buf)/4)
		if err := dtype.F32.Encode(buf[:4*n], x[:n]); err != nil {
			return err
		}
		if _, err := w.Write(buf[:4*n]); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}
