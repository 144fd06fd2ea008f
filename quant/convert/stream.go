package convert

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"fewbits/quant"
)

// job carries out steps one after another.
type job struct {
	ctx      context.Context
	plan     []Step // with Bytes as they must be
	src      quant.Source
	o        Options
	progress Progress
	raw      []byte    // of a slice that is copied or widened
	values   []float32 // of a slice that is quantized
}

func newJob(ctx context.Context, src quant.Source, plan []Step, o Options) (*job, error) {
	j := &job{ctx: ctx, src: src, o: o, plan: slices.Clone(plan)}
	if j.o.slice == 0 {
		j.o.slice = SliceValues
	}
	infos := src.Tensors()
	for i := range j.plan {
		s := &j.plan[i]
		if s.Tensor < 0 || s.Tensor >= len(infos) {
			return nil, fmt.Errorf("convert: step %d is about tensor %d, and the source has %d", i, s.Tensor, len(infos))
		}
		info := infos[s.Tensor]
		n, err := quant.Count(s.Shape)
		if err != nil || s.From != info.Type || n != info.Len() || quant.Cols(s.Shape) != quant.Cols(info.Shape) {
			return nil, fmt.Errorf("convert: step %d does not fit tensor %q of the source, %s %v; make the plan anew", i, info.Name, info.Type, info.Shape)
		}
		if err := j.check(s, info); err != nil {
			return nil, fmt.Errorf("convert: tensor %q: %w", info.Name, err)
		}
		j.progress.Total += int64(info.Len())
	}
	j.progress.Steps = len(plan)
	return j, nil
}

// check fails where a step cannot be carried out, before anything is written.
func (j *job) check(s *Step, info quant.TensorInfo) (err error) {
	if s.Copied() {
		s.Bytes = info.Bytes
		return nil
	}
	if s.Bytes, err = size(s.To, s.Shape); err != nil || widened[s.From] == s.To {
		return err
	}
	f, err := j.format(s.To)
	if err != nil {
		return err
	}
	if !info.Readable {
		return fmt.Errorf("it cannot be read: %s", info.Why)
	}
	if len(s.Options.Importance) > 0 || f.Info().Importance != quant.Required {
		return nil
	}
	return fmt.Errorf("%s needs an importance matrix; give one or choose another type", s.To)
}

// format finds the quantizer to a type.
func (j *job) format(typ string) (quant.Format, error) {
	name := typ
	if n, ok := formatNames[typ]; ok {
		name = n
	}
	if j.o.Formats != nil {
		if f, ok := j.o.Formats(name); ok {
			return f, nil
		}
	}
	return nil, fmt.Errorf("there is no quantizer to %s", name)
}

// report says how far the job is, and whether it should go on.
func (j *job) report(values int) error {
	j.progress.Done += int64(values)
	if j.o.Progress != nil {
		j.o.Progress(j.progress)
	}
	return j.ctx.Err()
}

// run carries out all steps; emit takes the bytes of the tensors in order.
func (j *job) run(emit func(step int, p []byte) error) error {
	for i, s := range j.plan {
		j.progress.Step, j.progress.Name = i, s.Name
		if err := j.report(0); err != nil {
			return err
		}
		if err := j.step(s, func(p []byte) error { return emit(i, p) }); err != nil {
			return err
		}
	}
	j.progress.Step, j.progress.Name = len(j.plan), ""
	return j.report(0)
}

func (j *job) step(s Step, emit func([]byte) error) error {
	if j.src.Tensors()[s.Tensor].Len() == 0 {
		return nil
	}
	return j.part(s, 0, s.Bytes, emit)
}

// unit is how many bytes of a step's output are made together at least: one of
// a tensor that is copied, a value of one that is widened, else a row.
func (j *job) unit(s Step) int64 {
	info := j.src.Tensors()[s.Tensor]
	switch {
	case s.Copied():
		return 1
	case widened[s.From] == s.To:
		return s.Bytes / int64(max(1, info.Len()))
	}
	return s.Bytes / int64(max(1, quant.Rows(s.Shape)))
}

// part makes bytes [from, end) of a step's output, which are whole units.
func (j *job) part(s Step, from, end int64, emit func([]byte) error) error {
	switch unit := j.unit(s); {
	case s.Copied():
		return j.pieces(s, 1, from, end, emit)
	case widened[s.From] == s.To:
		return j.widen(s, int(from/unit), int(end/unit), emit)
	default:
		return j.quantize(s, int(from/unit), int(end/unit), emit)
	}
}

// pieces reads bytes [at, end) of the tensor itself, unit by unit, in pieces of
// a modest size, and reports progress after each.
func (j *job) pieces(s Step, unit int, at, end int64, emit func([]byte) error) error {
	info := j.src.Tensors()[s.Tensor]
	piece := int64(j.o.slice / unit * unit)
	if j.raw == nil {
		j.raw = make([]byte, j.o.slice)
	}
	values := func(at int64) int { return int(float64(info.Len()) * (float64(at) / float64(info.Bytes))) }
	for at < end {
		p := j.raw[:min(piece, end-at)]
		if err := j.src.ReadRaw(s.Tensor, at, p); err != nil {
			return err
		}
		if err := emit(p); err != nil {
			return err
		}
		was := values(at)
		at += int64(len(p))
		if err := j.report(values(at) - was); err != nil {
			return err
		}
	}
	return nil
}

// widen lengthens little-endian values [i, end) with zero bytes.
func (j *job) widen(s Step, i, end int, emit func([]byte) error) error {
	info := j.src.Tensors()[s.Tensor]
	from, to := int(info.Bytes)/max(1, info.Len()), int(s.Bytes)/max(1, info.Len())
	var out []byte
	return j.pieces(s, from, int64(i)*int64(from), int64(end)*int64(from), func(p []byte) error {
		if from == to {
			return emit(p)
		}
		if out == nil {
			out = make([]byte, len(p)/from*to)
		}
		wide := out[:len(p)/from*to]
		for i := range len(p) / from {
			copy(wide[i*to:], p[i*from:(i+1)*from])
		}
		return emit(wide)
	})
}

// quantize reads rows [row, end) as float32 and packs them, a slice at a time.
func (j *job) quantize(s Step, row, end int, emit func([]byte) error) error {
	cols := quant.Cols(s.Shape)
	step := max(1, j.o.slice/max(1, cols))
	for row < end {
		n := min(step, end-row, s.untilNext(row))
		if need := n * cols; len(j.values) < need {
			j.values = make([]float32, max(need, min(j.o.slice, (end-row)*cols)))
		}
		p, err := j.rows(s, row, n)
		if err != nil {
			return err
		}
		if err := emit(p); err != nil {
			return err
		}
		if err := j.report(n * cols); err != nil {
			return err
		}
		row += n
	}
	return nil
}

// matrices is how many importance vectors a step has: one, or one for each
// outermost index.
func (s Step) matrices() int {
	if cols := quant.Cols(s.Shape); cols > 0 && len(s.Options.Importance) > cols && len(s.Shape) > 2 {
		return len(s.Options.Importance) / cols
	}
	return 1
}

// untilNext is how many rows from row on share their importance.
func (s Step) untilNext(row int) int {
	each := max(1, quant.Rows(s.Shape)/s.matrices())
	return each - row%each
}

// rows quantizes rows [row, row+n), which share their importance.
func (j *job) rows(s Step, row, n int) ([]byte, error) {
	f, err := j.format(s.To)
	if err != nil {
		return nil, fmt.Errorf("convert: tensor %q: %w", s.Name, err)
	}
	cols := quant.Cols(s.Shape)
	t := quant.Tensor{Name: s.Name, Shape: []int{n, cols}, Data: j.values[:n*cols]}
	if err := j.src.ReadRows(s.Tensor, row, n, t.Data); err != nil {
		return nil, err
	}
	o := s.Options
	if m := s.matrices(); m > 1 {
		k := row / max(1, quant.Rows(s.Shape)/m)
		o.Importance = o.Importance[k*cols : (k+1)*cols]
	}
	p, err := f.Quantize(t, o)
	if err != nil {
		return nil, j.locate(s, row, n, err)
	}
	if want := s.Bytes / int64(max(1, quant.Rows(s.Shape))) * int64(n); int64(len(p.Bytes)) != want {
		return nil, fmt.Errorf("convert: tensor %q: %d rows took %d bytes as %s where %d belong", s.Name, n, len(p.Bytes), s.To, want)
	}
	return p.Bytes, overflow(s, row, t.Data, p.Bytes)
}

// locate corrects an error about the slice [row, row+n): rows count from the
// start of the tensor, and bad values in all of it.
func (j *job) locate(s Step, row, n int, err error) error {
	var bad *quant.NonFiniteError
	var r *quant.RowError
	switch {
	case errors.As(err, &bad):
		bad.Row += row
		j.countRest(s, row+n, bad)
	case errors.As(err, &r):
		r.Row += row
	}
	return fmt.Errorf("convert: %w", err)
}

// countRest adds the bad values from a row on. It stops where reading fails.
func (j *job) countRest(s Step, row int, bad *quant.NonFiniteError) {
	rows, cols := quant.Rows(s.Shape), quant.Cols(s.Shape)
	for row < rows && j.ctx.Err() == nil {
		n := min(max(1, len(j.values)/cols), rows-row)
		t := quant.Tensor{Shape: []int{n, cols}, Data: j.values[:n*cols]}
		if j.src.ReadRows(s.Tensor, row, n, t.Data) != nil {
			return
		}
		var more *quant.NonFiniteError
		if errors.As(quant.CheckFinite(t), &more) {
			bad.NaN += more.NaN
			bad.Inf += more.Inf
		}
		row += n
	}
}

// overflow fails where a finite value became infinite on its way to F16 or
// BF16. (FP8 stops at its largest value instead.)
func overflow(s Step, row int, x []float32, packed []byte) error {
	var mask uint16
	switch s.To {
	case "F16":
		mask = 0x7c00
	case "BF16":
		mask = 0x7f80
	default:
		return nil
	}
	for i, v := range x {
		h := uint16(packed[2*i]) | uint16(packed[2*i+1])<<8
		if h&mask == mask && math.Float32bits(v)&0x7f800000 != 0x7f800000 {
			cols := quant.Cols(s.Shape)
			return fmt.Errorf("convert: tensor %q: row %d, column %d is %v, which does not fit %s; choose F32, or BF16 where that is large enough", s.Name, row+i/cols, i%cols, v, s.To)
		}
	}
	return nil
}
