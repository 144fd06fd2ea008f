package calibrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/awq"
	"fewbits/quant/calib"
	"fewbits/quant/llama"
	"fewbits/quant/smooth"
)

// fold is the work on one layer with a method that folds scales.
type fold struct {
	*run
	seen    [llama.Stages]*seen
	scales  [llama.Stages][]float32 // nil where nothing is folded
	weights map[string]quant.Tensor // rows divided by the scales of the stage after
	vectors map[string][]float32    // norms and biases, divided
}

// folded quantizes a layer with AWQ or SmoothQuant.
func (r *run) folded(ctx context.Context) error {
	f := &fold{run: r, weights: map[string]quant.Tensor{}, vectors: map[string][]float32{}}
	for s := range f.seen {
		f.seen[s] = &seen{}
	}
	err := r.walk.AllInputs(ctx, func(s llama.Stage, x []float32, _, cols int) error {
		r.report(nil)
		return f.seen[s].add(ctx, x, cols, r.wants())
	})
	if err != nil {
		return err
	}
	for s := range llama.Stages {
		if err := f.seen[s].finish(ctx, r.m.Matrices(r.layer, s)[0]); err != nil {
			return err
		}
		if err := f.search(ctx, s); err != nil {
			return fmt.Errorf("calibrate: %w", err)
		}
	}
	for s := range llama.Stages {
		if err := f.divide(s); err != nil {
			return err
		}
	}
	for s := range llama.Stages {
		for _, name := range r.m.Matrices(r.layer, s) {
			r.report(nil)
			t, err := f.one(ctx, s, f.weights[name])
			if err != nil {
				return fmt.Errorf("calibrate: %w", err)
			}
			if err := r.put(t); err != nil {
				return err
			}
		}
	}
	return f.putVectors()
}

// search loads the matrices of a stage and finds the scales that they share.
func (f *fold) search(ctx context.Context, s llama.Stage) error {
	var all quant.Tensor
	for _, name := range f.m.Matrices(f.layer, s) {
		w, err := f.m.Tensor(name)
		if err != nil {
			return err
		}
		f.weights[name] = w
		if all.Data == nil {
			all = quant.Tensor{Name: name, Shape: []int{0, w.Cols()}}
		}
		all.Shape[0] += w.Rows()
		all.Data = append(all.Data, w.Data...)
	}
	if _, folds := f.m.Origin(f.layer, s); !folds || f.Plain {
		return nil
	}
	f.report(nil)
	var err error
	if f.Method == smooth.Format.Info().Name {
		f.scales[s], err = smooth.Scales(all, f.seen[s].AbsMax(), f.Quant)
		return err
	}
	found, err := awq.Search(ctx, all, f.seen[s].x, f.seen[s].energy, f.Quant)
	if err == nil {
		f.scales[s] = found.InputScales
	}
	return err
}

// divide folds the scales of a stage into where its input comes from.
func (f *fold) divide(s llama.Stage) error {
	t := f.scales[s]
	if t == nil {
		return nil
	}
	from, _ := f.m.Origin(f.layer, s)
	if from.Matrix != "" {
		w := f.weights[from.Matrix]
		for c, t := range t {
			row := w.Data[(from.Row+c)*w.Cols():][:w.Cols()]
			for i := range row {
				row[i] /= t
			}
		}
	}
	vectors := from.Vectors
	if from.Bias != "" {
		vectors = append(slices.Clip(vectors), from.Bias)
	}
	for _, name := range vectors {
		v, err := f.m.Tensor(name)
		if err != nil {
			return err
		}
		at := v.Data
		if name == from.Bias {
			at = at[from.Row:]
		}
		for c, t := range t {
			at[c] /= t
		}
		f.vectors[name] = v.Data
	}
	return nil
}

func (f *fold) putVectors() error {
	for name, v := range f.vectors {
		f.result.Vectors[name] = v
		if err := f.result.Model.Set(name, v); err != nil {
			return err
		}
		if f.Parallel {
			continue
		}
		if err := f.m.Set(name, v); err != nil {
			return err
		}
	}
	return nil
}

// one quantizes w, whose columns are yet to be scaled.
func (f *fold) one(ctx context.Context, s llama.Stage, w quant.Tensor) (*Tensor, error) {
	scales := f.scales[s]
	t := &Tensor{Name: w.Name, Shape: w.Shape, InputScales: scales}
	scaled := w
	if scales != nil {
		scaled.Data = slices.Clone(w.Data)
		for i := range scaled.Data {
			scaled.Data[i] *= scales[i%len(scales)]
		}
	}
	if f.Method == smooth.Format.Info().Name {
		return t, f.smooth(ctx, t, w, scaled, f.seen[s].x)
	}
	return t, f.awq(ctx, t, w, scaled, f.seen[s])
}

// smooth rounds scaled to INT8.
func (f *fold) smooth(ctx context.Context, t *Tensor, w, scaled quant.Tensor, x *quant.Tensor) error {
	rounded, err := smooth.Round(w, f.Quant)
	if err != nil {
		return err
	}
	if t.Values = rounded; !f.Plain {
		found, err := smooth.Apply(scaled, nil, f.Quant)
		if err != nil {
			return err
		}
		if t.Packed, err = smooth.Pack(scaled, found, f.Quant); err != nil {
			return err
		}
		t.Values = make([]float32, len(w.Data))
		if err := smooth.Format.Dequantize(t.Packed, t.Values); err != nil {
			return err
		}
	}
	e, err := calib.Layers(ctx, x, w,
		calib.Layer8{XBack: smooth.Tokens(x, t.InputScales), WBack: t.Values},
		calib.Layer8{XBack: smooth.Tokens(x, nil), WBack: rounded})
	t.Error = Error{true, e.Relative, e.Rounding}
	return err
}

// awq clips scaled and rounds it.
func (f *fold) awq(ctx context.Context, t *Tensor, w, scaled quant.Tensor, in *seen) error {
	rounded, err := awq.Round(w, f.Quant)
	if err != nil {
		return err
	}
	back := rounded
	if t.Values = rounded; !f.Plain {
		if t.Packed, err = f.clipped(ctx, scaled, in.x, t.InputScales); err != nil {
			return err
		}
		t.Values = make([]float32, len(w.Data))
		if err := awq.Format.Dequantize(t.Packed, t.Values); err != nil {
			return err
		}
		if back = t.Values; t.InputScales != nil {
			back = slices.Clone(back)
			for i := range back {
				back[i] /= t.InputScales[i%len(t.InputScales)]
			}
		}
	}
	t.Error, err = lost(ctx, in, w.Data, back, rounded)
	return err
}

// clipped is scaled after AWQ's search for clips, which queries and keys go
// without.
func (f *fold) clipped(ctx context.Context, scaled quant.Tensor, x *quant.Tensor, scales []float32) (*quant.Packed, error) {
	o := f.Quant
	if strings.Contains(scaled.Name, ".attn_q") || strings.Contains(scaled.Name, ".attn_k") {
		o.Clip = quant.Some(false)
	}
	if scales != nil {
		x = &quant.Tensor{Name: x.Name, Shape: x.Shape, Data: slices.Clone(x.Data)}
		for i := range x.Data {
			x.Data[i] /= scales[i%len(scales)]
		}
	}
	found, err := awq.Apply(ctx, scaled, x, nil, o)
	if err != nil {
		return nil, err
	}
	return awq.Pack(scaled, found, o)
}
