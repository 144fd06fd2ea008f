package main

import (
	"context"
	"fmt"
	"io"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/imatrix"
	"fewbits/quant/metric"
)

// quantizeModel writes a file with all tensors of in.
func (c *call) quantizeModel(in *input, mix *mixture, weights *importance, bar *progress, q *quantized) error {
	src, write := convert.Plain(in.Source), convert.ToGGUF
	var plan []convert.Step
	var meta []quant.Meta
	var err error
	switch {
	case q.Container == "safetensors":
		write = convert.ToSafetensors
		plan, err = convert.PlanCast(src, q.Format)
	case mix.uses(src):
		meta = mix.meta(src)
		plan, err = mix.plan(src, weights)
	default:
		plan, err = convert.PlanPure(src, q.Format)
	}
	if err != nil {
		return err
	}
	if len(plan) == 0 {
		return in.empty()
	}
	m := &meter{sums: map[string]*metric.Sums{}}
	o := convert.Options{
		Formats: m.lookup, Meta: meta,
		Progress: func(p convert.Progress) { bar.expect(p.Total); bar.show(p.Name, p.Done) },
	}
	used, could, err := weigh(plan, weights, m)
	switch {
	case err != nil:
		return err
	case could > 0 && used == 0 && !weights.none():
		return fmt.Errorf("%s has no weights for any of the %s of %s that take some; is it of another model?", weights.path, plural(could, "tensor"), in.path)
	case used > 0:
		o.Meta = append(meta, weights.matrix.Meta(or(c.matrixName, weights.path))...)
		c.note("%s has weights for %d of the %s that take some", weights.path, used, plural(could, "tensor"))
	}
	if mix.uses(src) {
		if err := mix.check(plan); err != nil {
			return err
		}
	}
	err = create(c.ctx, q.Out, func(w io.Writer) error { return write(c.ctx, w, src, plan, o) })
	if err != nil {
		return err
	}
	q.add(in, plan, m)
	return nil
}

// weigh gives the steps that quantize their importance. It says how many there
// is some for, of how many that could take it.
func weigh(plan []convert.Step, weights *importance, m *meter) (used, could int, err error) {
	if weights.vector != nil && len(plan) > 1 {
		return 0, 0, usagef("%s is the importance of one tensor, and the file holds %d; give an importance matrix", weights.path, len(plan))
	}
	return imatrix.Put(plan, weights.of, m.lookup)
}

// add takes the outcome of a plan into q.
func (q *quantized) add(in *input, plan []convert.Step, m *meter) {
	var total metric.Sums
	infos := in.Tensors()
	for _, s := range plan {
		n, _ := quant.Count(s.Shape)
		q.Values += int64(n)
		q.Bytes += s.Bytes
		t := quantizedTensor{Name: s.Name, Shape: append([]int{}, s.Shape...), From: infos[s.Tensor].Type, To: s.To, Bytes: s.Bytes, Why: s.Why}
		if sums := m.sums[s.Name]; sums != nil {
			r := reportOf(*sums, s.To, s.Name)
			t.Metrics = &r
			total.Merge(*sums)
		}
		q.Tensors = append(q.Tensors, t)
	}
	q.Metrics = reportOf(total, q.Format, "")
}

// meter lends formats that share their work among the cores and keep count of
// what each tensor lost. Its formats are used by one goroutine.
type meter struct {
	sums map[string]*metric.Sums // by the tensor's name
	back []float32
}

func (m *meter) lookup(name string) (quant.Format, bool) {
	f, ok := formats.Lookup(name)
	if !ok {
		return nil, false
	}
	return metered{f, m}, true
}

type metered struct {
	quant.Format
	m *meter
}

// Quantize packs as the format does, and keeps count.
func (f metered) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	if len(f.m.back) < t.Len() {
		f.m.back = make([]float32, t.Len())
	}
	p := packer{format: f.Format, options: o}
	packed, lost, err := p.pack(context.Background(), t, o.Importance, f.m.back[:t.Len()])
	if err != nil {
		return nil, err
	}
	sums := f.m.sums[t.Name]
	if sums == nil {
		sums = &metric.Sums{}
		f.m.sums[t.Name] = sums
	}
	sums.Merge(lost)
	return packed, nil
}
