//go:build !first

package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fewbits/quant"
	"fewbits/quant/activation"
	"fewbits/quant/calibrate"
	"fewbits/quant/eval"
	"fewbits/quant/formats"
	"fewbits/quant/imatrix"
	"fewbits/quant/llama"
	"fewbits/quant/tales"
	"fewbits/wasm/engine/products"
	"fewbits/wasm/wire"
)

// trial is a model on which ways to quantize are tried, and the memory that
// products are timed in.
type trial struct {
	model  *llama.Model
	recall *eval.Recall
	seen   [][]int32       // what methods that calibrate may see
	weigh  *imatrix.Matrix // of that; nil until it is asked for
	speed  products.Bench
}

const (
	// trialWork bounds multiplications and additions of a reading, where nothing
	// else is asked for: about a second in a browser.
	trialWork               = 4e9
	leastTokens, mostTokens = 512, 4096

	calibrationStories = 60 // about 4,500 words; of these
	calibrationTokens  = 2048
)

func (s *Session) try(op string, args []byte, a Attachment) (Reply, error) {
	switch op {
	case wire.OpTrialOpen:
		return call(args, func(v wire.TrialOpenArgs) (Reply, error) { return s.trialOpen(v, a) })
	case wire.OpTrial:
		return call(args, s.tryWay)
	}
	v, err := s.trial.speed.Call(op, args)
	return Reply{JSON: v}, err
}

// trialOpen loads a model and lets it read the built-in text.
func (s *Session) trialOpen(v wire.TrialOpenArgs, a Attachment) (Reply, error) {
	s.trial = trial{}
	var all int64 // of the weights are held
	m, err := openModel(a.files(v.Name), v.Name, &all)
	if err != nil {
		return Reply{}, err
	}
	weights, err := layerWeights(m)
	if err != nil {
		return Reply{}, err
	}
	tokens := v.Tokens
	if tokens <= 0 {
		tokens = max(leastTokens, min(mostTokens, int(trialWork/float64(weights))))
	}
	start := time.Now()
	r, err := eval.Remember(context.Background(), m, tales.Text(tales.Measuring, taleStories), eval.Options{Shorter: true, Tokens: tokens})
	if err != nil {
		return Reply{}, err
	}
	read := millis(time.Since(start))
	// Methods see another text, in chunks of the same length.
	seen, err := calibrate.Chunks(m, tales.Text(tales.Calibration, calibrationStories), calibrate.Text{Context: r.Context, Chunks: max(1, calibrationTokens/r.Context)})
	if err != nil {
		return Reply{}, err
	}
	s.trial = trial{model: m, recall: r, seen: seen}
	out := wire.Trial{Weights: weights, Context: r.Context, Chunks: r.Chunks, Sums: r.Alone, Elapsed: read}
	for _, p := range r.Parts {
		out.Parts = append(out.Parts, p.Own.One/float64(p.Scored))
	}
	return Reply{JSON: out}, nil
}

// layerWeights is how many weights the matrices of the layers have.
func layerWeights(m *llama.Model) (n int, err error) {
	err = eachMatrix(m, func(name string) error {
		k, err := m.Len(name)
		n += k
		return err
	})
	return n, err
}

func eachMatrix(m *llama.Model, f func(name string) error) error {
	for layer := range m.Config().Layers {
		for s := range llama.Stages {
			for _, name := range m.Matrices(layer, s) {
				if err := f(name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tryWay quantizes the matrices of the layers in a way, and has what came of
// the model read the text. A way that does not suit the model is no fault.
func (s *Session) tryWay(a wire.TrialArgs) (Reply, error) {
	t := &s.trial
	if t.model == nil {
		return Reply{}, errors.New("no model is open on which ways to quantize could be tried")
	}
	start := time.Now()
	m, out, err := t.quantized(a)
	if err != nil {
		return Reply{JSON: wire.Tried{Refused: err.Error()}}, nil
	}
	read := time.Now()
	parts, err := t.recall.CompareParts(context.Background(), m)
	if err != nil {
		return Reply{}, err
	}
	for _, p := range parts {
		out.Sums.Merge(p)
		out.Parts = append(out.Parts, p.KL.One/float64(p.Scored))
	}
	if all := out.Sums.Own.One + out.Sums.KL.One; all-all != 0 {
		out.Refused, out.Parts = "what the model says then is not finite", nil
	}
	out.Read, out.Elapsed = millis(time.Since(read)), millis(time.Since(start))
	return Reply{JSON: out}, nil
}

func (t *trial) quantized(a wire.TrialArgs) (*llama.Model, wire.Tried, error) {
	method, ok := formats.LookupMethod(a.Format)
	if !ok {
		return t.rounded(a)
	}
	o, err := optionsFrom(a.Options)
	if err != nil {
		return nil, wire.Tried{}, err
	}
	info := method.Info()
	r, err := calibrate.Quantize(context.Background(), t.model, t.seen, calibrate.Options{Method: info.Name, Quant: o, Plain: a.Plain})
	if err != nil {
		return nil, wire.Tried{}, err
	}
	out := wire.Tried{Bits: codeBits(r)}
	if a.Plain { // codes that are not packed take what the method's take
		group := info.BlockSize
		if o.Group > 0 {
			group = o.Group
		}
		out.Bits = float64(o.Bits) + (info.BitsPerWeight-float64(info.Bits))*float64(info.BlockSize)/float64(group)
	}
	return hooked(r), out, nil
}

// rounded is the model with the matrices of its layers as they come back from
// a format.
func (t *trial) rounded(a wire.TrialArgs) (*llama.Model, wire.Tried, error) {
	f, o, err := lookup(a.Format, a.Options)
	if err != nil {
		return nil, wire.Tried{}, err
	}
	out := wire.Tried{Importance: f.Info().Importance == quant.Required}
	if out.Importance && t.weigh == nil {
		if t.weigh, err = calibrate.Importance(context.Background(), t.model, t.seen, false, nil); err != nil {
			return nil, out, err
		}
	}
	m := t.model.With(llama.Options{Workers: 1})
	var bytes, weights int
	err = eachMatrix(m, func(name string) error {
		w, err := m.Tensor(name)
		if err != nil {
			return err
		}
		if out.Importance {
			if o.Importance, err = t.weigh.Of(name, w.Shape); err != nil {
				return err
			}
		}
		p, err := f.Quantize(w, o)
		if err != nil {
			return err
		}
		bytes, weights = bytes+len(p.Bytes), weights+w.Len()
		if err := f.Dequantize(p, w.Data); err != nil { // w is a copy
			return err
		}
		return m.Set(name, w.Data)
	})
	if err != nil {
		return nil, out, err
	}
	if weights == 0 {
		return nil, out, fmt.Errorf("the model has no layers")
	}
	out.Bits = 8 * float64(bytes) / float64(weights)
	if a.Activations > 0 {
		q, err := activation.Dynamic(activation.Scheme{Bits: a.Activations})
		if err != nil {
			return nil, out, err
		}
		o := m.Options()
		o.Input = q.Input
		m = m.With(o)
	}
	return m, out, nil
}
