//go:build !first

package session

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"fewbits/quant"
	"fewbits/quant/activation"
	"fewbits/quant/calibrate"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/llama"
	"fewbits/quant/llmint8"
	"fewbits/quant/smooth"
	"fewbits/wasm/wire"
)

// storedAs is how reconstructed weights are written.
const storedAs = "F16"

// method quantizes the layers by a method, and to the same grid by rounding
// alone; holds both against the original; and makes a file of the former.
func (f *flow) method(t *teller, a wire.FlowRunArgs) (Reply, error) {
	method, ok := formats.LookupMethod(a.Format)
	if !ok {
		return Reply{}, fmt.Errorf("there is no method %q", a.Format)
	}
	o, err := optionsFrom(a.Options)
	if err != nil {
		return Reply{}, err
	}
	name := method.Info().Name
	f.decided = nil
	r, err := f.quantized(t, name, o, a.Parallel, false)
	if err != nil {
		return Reply{}, err
	}
	file, err := f.file(r)
	if err != nil {
		return Reply{}, err
	}
	f.decided = r.Codes()
	out := wire.FlowStep{Phase: "Done", Through: true, Name: f.madeName(name), CodeBits: codeBits(r)}
	for _, k := range quant.OptionNames() {
		if v := r.Options.Get(k); v != "" {
			out.Used = append(out.Used, k+"="+v)
		}
	}
	if out.Own, err = f.strays(t, hooked(r), name); err != nil {
		return Reply{}, err
	}
	if r, err = f.quantized(t, name, o, false, true); err != nil {
		return Reply{}, err
	}
	if out.Plain, err = f.strays(t, hooked(r), "rounding"); err != nil {
		return Reply{}, err
	}
	out.Tensors = t.step.Tensors // there may be some that were not told yet
	return Reply{JSON: out, Arrays: map[string]any{"bytes": file}}, nil
}

// quantized has the method at work; of rounding alone no errors are told.
func (f *flow) quantized(t *teller, name string, o quant.Options, parallel, plain bool) (*calibrate.Result, error) {
	phase, sample, chunks := name, 0, f.chunks
	if plain {
		phase, sample, chunks = "Rounding", 1, chunks[:1] // nobody asks what it lost
	}
	return calibrate.Quantize(t, f.model, chunks, calibrate.Options{
		Method: name, Quant: o, Plain: plain, Parallel: parallel, Sample: sample,
		Progress: func(p calibrate.Progress) {
			if x := p.Tensor; x != nil && !plain {
				t.step.Tensors = append(t.step.Tensors, wire.FlowTensor{Name: x.Name, Error: x.Error.Relative, Rounding: x.Error.Rounding})
			}
			t.tell(phase, p.Done, p.Total)
		},
	})
}

// codeBits is what a weight of the layers takes as codes.
func codeBits(r *calibrate.Result) float64 {
	var bytes, weights int64
	for _, x := range r.Tensors {
		bytes, weights = bytes+x.CodeBytes, weights+int64(len(x.Values))
	}
	return 8 * float64(bytes) / float64(max(1, weights))
}

// hooked is the model with what the method does to activations, too.
func hooked(r *calibrate.Result) *llama.Model {
	o := r.Model.Options()
	switch r.Method {
	case smooth.Format.Info().Name:
		if q, err := activation.Dynamic(activation.Scheme{}); err == nil {
			o.Input = q.Input
		}
	case llmint8.Format.Info().Name:
		threshold := r.Options.Threshold.Or(llmint8.DefaultThreshold)
		if r.Plain {
			threshold = 0
		}
		o.Input = (&mixed{threshold: float32(threshold)}).input
	default:
		return r.Model
	}
	return r.Model.With(o)
}

// mixed rounds activations as LLM.int8() does: each token to INT8, but for the
// inputs that reach the threshold in some token at hand. 0 is for none.
type mixed struct {
	threshold float32
	back      []float32
	kept      []bool
}

func (q *mixed) input(name string, x []float32, rows, cols int) []float32 {
	if !activation.Takes(name) {
		return x
	}
	x = x[:rows*cols]
	q.back, q.kept = append(q.back[:0], x...), append(q.kept[:0], make([]bool, cols)...)
	for i, v := range x {
		if q.threshold > 0 && max(v, -v) >= q.threshold {
			q.kept[i%cols] = true
		}
	}
	codes, absmax := llmint8.Rows(x, cols, float64(q.threshold))
	for i, c := range codes {
		if !q.kept[i%cols] {
			q.back[i] = float32(c) * absmax[i/cols] / 127
		}
	}
	return q.back
}

// file is a GGUF file with what the codes stand for, as the command writes it.
func (f *flow) file(r *calibrate.Result) ([]byte, error) {
	src, err := r.Source(f.src)
	if err != nil {
		return nil, err
	}
	plan, err := r.Plan(src, storedAs)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	for _, s := range plan {
		size += s.Bytes
	}
	w := &bytes.Buffer{}
	w.Grow(int(size) + 1<<16)
	err = convert.ToGGUF(context.Background(), w, src, plan, convert.Options{Formats: formats.Lookup, Meta: r.Meta(storedAs)})
	return w.Bytes(), err
}

// madeName is what the file is called.
func (f *flow) madeName(method string) string {
	base := path.Base(f.name)
	return strings.TrimSuffix(base, path.Ext(base)) + "-" + strings.ToLower(method) + ".gguf"
}

// matrix collects an importance matrix, in both its forms.
func (f *flow) matrix(t *teller, _ wire.FlowRunArgs) (Reply, error) {
	m, err := calibrate.Importance(t, f.model, f.chunks, false, func(done, total int) { t.tell("Collecting", int64(done), int64(total)) })
	if err != nil {
		return Reply{}, err
	}
	m.Datasets = []string{f.textName}
	var whole, legacy bytes.Buffer
	if err := m.Write(&whole); err != nil {
		return Reply{}, err
	}
	if err := m.WriteLegacy(&legacy); err != nil {
		return Reply{}, err
	}
	return Reply{
		JSON:   wire.FlowStep{Phase: "Done", Through: true, Name: strings.TrimSuffix(f.madeName("imatrix"), ".gguf")},
		Arrays: map[string]any{"bytes": whole.Bytes(), "legacy": legacy.Bytes()},
	}, nil
}
