package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"fewbits/quant"
	"fewbits/quant/metric"
)

const (
	sliceValues = 1 << 20 // values read and quantized at a time
	partValues  = 1 << 16 // of them, that one core does at a time; sums are by part, whatever the number of cores
)

// packer quantizes tensors with one format.
type packer struct {
	format  quant.Format
	options quant.Options
	// weights are the importance of the tensor at work: one a column, or one
	// a column for each outermost index, one after another; nil for none.
	weights []float32
	// activations go into the tensor at work; nil for none.
	activations *quant.Tensor
}

// slice is rows of a tensor, quantized. Its memory is used again for the next.
type slice struct {
	tensor quant.Tensor
	packed *quant.Packed
	back   []float32 // as the format gives them back
}

// stream quantizes tensor i slice by slice, in order, and says what it lost.
// Formats that need to see the whole tensor get it as one slice.
func (p *packer) stream(ctx context.Context, in *input, i int, bar *progress, visit func(slice) error) (metric.Sums, error) {
	var sums metric.Sums
	if err := in.readable(i); err != nil {
		return sums, err
	}
	info := in.Tensors()[i]
	rows, cols := quant.Rows(info.Shape), quant.Cols(info.Shape)
	step := max(1, sliceValues/cols)
	if !p.format.Info().RowLocal {
		if err := in.fits(i); err != nil {
			return sums, err
		}
		step = rows
	}
	var data, back []float32
	for row, n := 0, 0; row < rows; row += n {
		if err := ctx.Err(); err != nil {
			return sums, err
		}
		bar.show(info.Name, int64(row)*int64(cols))
		var weights []float32
		n, weights = p.next(rows, cols, row, step)
		if len(data) < n*cols {
			data, back = make([]float32, n*cols), make([]float32, n*cols)
		}
		t := quant.Tensor{Name: info.Name, Shape: []int{n, cols}, Data: data[:n*cols]}
		if n == rows {
			t.Shape = info.Shape
		}
		if err := in.read(ctx, i, row, n, t.Data); err != nil {
			return sums, err
		}
		packed, lost, err := p.pack(ctx, t, weights, back[:n*cols])
		if err != nil {
			return sums, locate(ctx, in, i, row, n, err)
		}
		sums.Merge(lost)
		if err := visit(slice{t, packed, back[:n*cols]}); err != nil {
			return sums, err
		}
	}
	bar.finish(int64(info.Len()))
	return sums, nil
}

// next is how many rows from row on go together, at most step, and the
// importance that they share.
func (p *packer) next(rows, cols, row, step int) (int, []float32) {
	n := min(step, rows-row)
	if len(p.weights) <= cols {
		return n, p.weights
	}
	each := max(1, rows*cols/len(p.weights)) // rows of one matrix
	k := row / each
	return min(n, (k+1)*each-row), p.weights[k*cols : (k+1)*cols]
}

// pack quantizes t and writes to back what comes back. Rows of formats that
// take them one by one are shared among the cores.
func (p *packer) pack(ctx context.Context, t quant.Tensor, weights, back []float32) (*quant.Packed, metric.Sums, error) {
	o := p.options
	if p.format.Info().Importance != quant.Never {
		o.Importance = weights
	}
	if p.format.Info().Calibration != quant.Never {
		o.Activations = p.activations
	}
	rows, cols := t.Rows(), t.Cols()
	per := max(1, rows)
	if p.format.Info().RowLocal && cols > 0 {
		per = max(1, partValues/cols)
	}
	parts := make([]part, max(1, (rows+per-1)/per))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(parts)) {
		wg.Go(func() {
			for k := int(next.Add(1)) - 1; k < len(parts); k = int(next.Add(1)) - 1 {
				from, to := k*per, min((k+1)*per, rows)
				x := t
				if len(parts) > 1 {
					x = t.Slice(from, to)
				}
				parts[k] = p.part(ctx, x, o, back[from*cols:to*cols])
			}
		})
	}
	wg.Wait()
	return join(p.format, t, o, parts)
}

// part is what one core made of some rows.
type part struct {
	packed *quant.Packed
	sums   metric.Sums
	err    error
}

func (p *packer) part(ctx context.Context, x quant.Tensor, o quant.Options, back []float32) (r part) {
	if r.packed, r.err = quantizeContext(ctx, p.format, x, o); r.err != nil {
		return r
	}
	if r.err = p.format.Dequantize(r.packed, back); r.err == nil {
		r.sums.Add(x.Data, back, len(r.packed.Bytes))
	}
	return r
}

// join puts the parts of t together.
func join(f quant.Format, t quant.Tensor, o quant.Options, parts []part) (*quant.Packed, metric.Sums, error) {
	var sums metric.Sums
	size := 0
	for _, r := range parts {
		if r.err != nil && len(parts) == 1 {
			return nil, sums, r.err
		}
		if r.err != nil {
			// Where and how often something is wrong is counted in all of t.
			if _, err := f.Quantize(t, o); err != nil {
				return nil, sums, err
			}
			return nil, sums, r.err
		}
		sums.Merge(r.sums)
		size += len(r.packed.Bytes)
	}
	if len(parts) == 1 {
		return parts[0].packed, sums, nil
	}
	whole := *parts[0].packed
	whole.Shape, whole.Bytes = t.Shape, make([]byte, 0, size)
	for _, r := range parts {
		whole.Bytes = append(whole.Bytes, r.packed.Bytes...)
	}
	return &whole, sums, nil
}

// locate corrects an error about rows [row, row+n) of tensor i: rows count
// from the tensor's start, and bad values in all of it.
func locate(ctx context.Context, in *input, i, row, n int, err error) error {
	var bad *quant.NonFiniteError
	var r *quant.RowError
	switch {
	case errors.As(err, &bad):
		bad.Row += row
		countRest(ctx, in, i, row+n, bad)
	case errors.As(err, &r):
		r.Row += row
	}
	return err
}

// countRest adds the bad values from a row on. It stops where reading fails.
func countRest(ctx context.Context, in *input, i, row int, bad *quant.NonFiniteError) {
	_ = in.eachRows(ctx, i, row, func(t quant.Tensor) error {
		var more *quant.NonFiniteError
		if errors.As(quant.CheckFinite(t), &more) {
			bad.NaN += more.NaN
			bad.Inf += more.Inf
		}
		return nil
	})
}

// read reads rows [row, row+n) of tensor i, and stops once ctx is done.
func (in *input) read(ctx context.Context, i, row, n int, dst []float32) error {
	cols := len(dst) / n
	step := max(1, sliceValues/max(1, cols))
	for at := 0; at < n; at += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		k := min(step, n-at)
		if err := in.ReadRows(i, row+at, k, dst[at*cols:(at+k)*cols]); err != nil {
			return err
		}
	}
	return nil
}

// eachRows reads tensor i from a row on, some rows at a time.
func (in *input) eachRows(ctx context.Context, i, row int, visit func(quant.Tensor) error) error {
	info := in.Tensors()[i]
	rows, cols := quant.Rows(info.Shape), quant.Cols(info.Shape)
	step := max(1, sliceValues/max(1, cols))
	data := make([]float32, min(step, max(0, rows-row))*cols)
	for row < rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(step, rows-row)
		t := quant.Tensor{Name: info.Name, Shape: []int{n, cols}, Data: data[:n*cols]}
		if err := in.ReadRows(i, row, n, t.Data); err != nil {
			return err
		}
		if err := visit(t); err != nil {
			return err
		}
		row += n
	}
	return nil
}

// whole collects a tensor that was quantized slice by slice.
type whole struct {
	packed   *quant.Packed
	original bool      // keep what it was made of
	data     []float32 // that
}

func (w *whole) add(s slice, shape []int) error {
	if w.packed == nil {
		p := *s.packed
		p.Shape, p.Bytes = shape, nil
		w.packed = &p
	}
	if int64(len(w.packed.Bytes)) > maxWhole {
		return fmt.Errorf("tensor %q takes more than the %d bytes that are held in memory at once", s.packed.Name, int64(maxWhole))
	}
	w.packed.Bytes = append(w.packed.Bytes, s.packed.Bytes...)
	if w.original {
		w.data = append(w.data, s.tensor.Data...)
	}
	return nil
}
