package calibrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/awq"
	"fewbits/quant/calib"
	"fewbits/quant/gptq"
	"fewbits/quant/hqq"
	"fewbits/quant/llama"
	"fewbits/quant/llmint8"
	"fewbits/quant/smooth"
)

// Options says how to quantize a model.
type Options struct {
	Method   string        // the method's Info.Name: GPTQ, AWQ, HQQ, SMOOTHQUANT or LLM.INT8
	Quant    quant.Options // of the method
	Plain    bool          // only round, to the method's own bits and groups: what it is to be compared with
	Parallel bool          // layers see the inputs that they see in the model as it was
	Sample   int           // tokens kept of each input, for searches and to tell errors by; 0 is 512
	// Progress is called before and after each matrix, and at each chunk that a
	// stage reads; nil is allowed. A program with one thread may let others
	// have their turn there, and more often in the model's own Options.Observe.
	Progress func(Progress)
}

// Progress is how far Quantize is.
type Progress struct {
	Done, Total   int64 // weights
	Layer, Layers int
	Tensor        *Tensor // the one that was finished just now, or nil
}

// Tensor is what became of one matrix.
type Tensor struct {
	Name  string
	Shape []int // rows, columns
	// Packed has codes, scales, zero points, groups, the permutation and the
	// outliers: formats.LookupMethod(Packed.Format).Params takes it apart. It
	// stands for Values exactly: scales that were folded are not in it. nil
	// with Options.Plain.
	Packed *quant.Packed
	// CodeBytes is what codes, scales and the like take: Packed.Bytes without
	// the input scales, which are all 1 there where they are folded.
	CodeBytes int64
	Values    []float32 // rows × columns, as they are in the new model
	// InputScales are what columns were multiplied by, and what the layer's
	// inputs are divided by: that is folded into what comes before. nil for none.
	InputScales []float32
	Error       Error
}

// Error is what was lost: ‖Y−Ŷ‖² / ‖Y‖² of the layer's output Y = X·Wᵀ, on the
// inputs that it sees; with SmoothQuant and LLM.int8() for X rounded to INT8,
// too. Where there was no text it is of the weights, and Output is false.
type Error struct {
	Output   bool
	Relative float64 // with the method
	Rounding float64 // with rounding alone to the same bits and groups
}

// Result is a quantized model.
type Result struct {
	Method  string
	Options quant.Options // as used
	Plain   bool
	Tensors []*Tensor
	// Vectors are the norms and biases that scales were folded into, by name.
	Vectors map[string][]float32
	// Model is the new one, ready to run; it shares the memory of Values.
	Model *llama.Model
}

const defaultSample = 512

// methods by name, whose scales are folded and those that go by stages.
var folding = map[string]bool{
	awq.Format.Info().Name: true, smooth.Format.Info().Name: true,
	gptq.Format.Info().Name: false, hqq.Format.Info().Name: false, llmint8.Format.Info().Name: false,
}

// Quantize quantizes the matrices of m's layers by what they see while the
// model reads chunks of tokens (see Chunks). HQQ and LLM.int8() go without, but
// then the latter knows no outliers. m itself stays as it is. Memory: the new weights as
// float32, two times Width values a token, and sums of one layer at a time. Once
// ctx is done it returns ctx.Err(). Errors name the matrix.
func Quantize(ctx context.Context, m *llama.Model, chunks [][]int32, o Options) (*Result, error) {
	o.Method = strings.TrimSuffix(strings.ToUpper(o.Method), "()")
	folds, known := folding[o.Method]
	if !known {
		return nil, fmt.Errorf("calibrate: there is no method %q; there are %s", o.Method, strings.Join(slices.Sorted(maps.Keys(folding)), ", "))
	}
	optional := o.Method == hqq.Format.Info().Name || o.Method == llmint8.Format.Info().Name
	if len(chunks) == 0 && !optional {
		return nil, fmt.Errorf("calibrate: %s needs a text to calibrate on", o.Method)
	}
	if o.Sample <= 0 {
		o.Sample = defaultSample
	}
	r := &run{Options: o, m: m.With(m.Options()), layers: m.Config().Layers}
	r.result = &Result{Method: o.Method, Plain: o.Plain, Vectors: map[string][]float32{}, Model: m.With(m.Options())}
	if err := r.count(); err != nil {
		return nil, err
	}
	if len(chunks) > 0 {
		var err error
		if r.walk, err = r.m.NewWalk(chunks); err != nil {
			return nil, err
		}
	}
	step := r.stages
	if folds {
		step = r.folded
	}
	for r.layer = range r.layers {
		if err := step(ctx); err != nil {
			return nil, err
		}
		if r.walk == nil {
			continue
		}
		if err := r.walk.Next(ctx); err != nil {
			return nil, err
		}
	}
	r.result.Options = o.Quant
	if last := r.result.Tensors[len(r.result.Tensors)-1]; last.Packed != nil {
		r.result.Options = last.Packed.Options
	}
	return r.result, nil
}

// run is a model at work.
type run struct {
	Options
	m           *llama.Model // as the layers see it
	walk        *llama.Walk  // nil without a text
	layer       int
	layers      int
	done, total int64
	result      *Result
}

// count sets total, and checks that all matrices are there.
func (r *run) count() error {
	for layer := range r.layers {
		for s := range llama.Stages {
			for _, name := range r.m.Matrices(layer, s) {
				n, err := r.m.Len(name)
				if err != nil {
					return err
				}
				r.total += int64(n)
			}
		}
	}
	if r.total == 0 {
		return errors.New("calibrate: the model has no layers")
	}
	return nil
}

func (r *run) report(t *Tensor) {
	if r.Progress != nil {
		r.Progress(Progress{Done: r.done, Total: r.total, Layer: r.layer, Layers: r.layers, Tensor: t})
	}
}

// wants is what the method asks of a layer's inputs.
func (r *run) wants() calib.Wants {
	w := calib.Wants{Sample: r.Sample}
	if r.Method == gptq.Format.Info().Name && !r.Plain {
		w = calib.Wants{Gram: true}
	}
	return w
}

// put takes a matrix into the result, and into the model that later layers see.
func (r *run) put(t *Tensor) error {
	if err := r.result.Model.Set(t.Name, t.Values); err != nil {
		return err
	}
	if !r.Parallel {
		if err := r.m.Set(t.Name, t.Values); err != nil {
			return err
		}
	}
	if t.Packed != nil {
		t.CodeBytes = int64(len(t.Packed.Bytes))
		if folding[r.Method] {
			t.CodeBytes -= 4 * int64(quant.Cols(t.Shape))
		}
	}
	r.result.Tensors = append(r.result.Tensors, t)
	r.done += int64(len(t.Values))
	r.report(t)
	return nil
}
