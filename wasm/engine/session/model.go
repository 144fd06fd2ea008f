package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/metric"
	"fewbits/quant/recipe"
	"fewbits/wasm/wire"
)

// plan says what the open file would become, without writing it.
func (s *Session) plan(a wire.PlanArgs) (Reply, error) {
	steps, err := s.steps(a)
	if err != nil {
		return Reply{}, err
	}
	p, err := s.layout(a, steps)
	return Reply{JSON: p}, err
}

func (s *Session) steps(a wire.PlanArgs) ([]convert.Step, error) {
	if s.file == nil {
		return nil, fmt.Errorf("no file is open")
	}
	if len(s.file.Tensors()) == 0 {
		return nil, fmt.Errorf("%s holds no tensors: there is nothing to quantize", s.fileName)
	}
	if name, ok := s.recipe(a); ok {
		return recipe.Plan(s.file, name, recipe.Options{})
	}
	return convert.PlanPure(s.file, strings.TrimSuffix(a.Recipe, wire.Pure))
}

// recipe is the recipe that is asked for. Where the file does not say what its
// model is, a name that is also a type's means the type.
func (s *Session) recipe(a wire.PlanArgs) (name string, ok bool) {
	r, ok := recipe.Lookup(a.Recipe)
	_, typ := formats.Lookup(a.Recipe)
	return r.Name, ok && (!typ || recipe.Applies(s.file) == nil)
}

// meta are the keys that the output gets beside those that convert gives it.
func (s *Session) meta(a wire.PlanArgs) []quant.Meta {
	if name, ok := s.recipe(a); ok {
		return recipe.Meta(s.file, name)
	}
	return nil
}

// layout works out where each tensor of the file to be will stand. It fails
// where the plan cannot be carried out.
func (s *Session) layout(a wire.PlanArgs, steps []convert.Step) (wire.Plan, error) {
	p := wire.Plan{Recipe: a.Recipe, Name: outName(s.fileName, a.Recipe)}
	at, err := headerSize(s.file, steps, s.meta(a))
	if err != nil {
		return p, err
	}
	infos, align := s.file.Tensors(), alignment(s.file)
	for _, step := range steps {
		p.Steps = append(p.Steps, wire.StepRow{Tensor: step.Tensor, Name: step.Name, From: step.From, To: step.To,
			Asked: step.Asked, Bytes: step.Bytes, Offset: at, Why: step.Why})
		p.From += infos[step.Tensor].Bytes
		p.To += step.Bytes
		at += (step.Bytes + align - 1) / align * align
	}
	p.Size = at
	return p, nil
}

// headerSize is the bytes before the first tensor. A conversion that is
// cancelled before it begins has checked everything and written just those.
func headerSize(src quant.Source, steps []convert.Step, meta []quant.Meta) (int64, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var n counter
	err := convert.ToGGUF(ctx, &n, src, steps, convert.Options{Formats: formats.Lookup, Meta: meta})
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return int64(n), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// alignment is that of the tensors in the file to be: a GGUF file keeps its own.
func alignment(src quant.Source) int64 {
	if src.Container() == "gguf" {
		for _, m := range src.Metadata() {
			if n, ok := m.Value.(uint32); ok && m.Key == "general.alignment" && n > 0 {
				return int64(n)
			}
		}
	}
	return 32
}

// outName is "model-q4_k.gguf" for model.safetensors and Q4_K.
func outName(file, recipe string) string {
	if typ, pure := strings.CutSuffix(recipe, wire.Pure); pure {
		recipe = typ + "-pure"
	}
	stem := strings.TrimSuffix(file, path.Ext(file))
	if stem == "" {
		stem = "model"
	}
	return stem + "-" + strings.ToLower(recipe) + ".gguf"
}

// convert makes the file. What is made goes out in parts as it is written, so
// that no more than a part and a slice are in memory.
func (s *Session) convert(a wire.PlanArgs, emit func(Reply)) (Reply, error) {
	if emit == nil {
		emit = func(Reply) {}
	}
	steps, err := s.steps(a)
	if err != nil {
		return Reply{}, err
	}
	p, err := s.layout(a, steps)
	if err != nil {
		return Reply{}, err
	}
	start := time.Now()
	out := &splitter{emit: emit}
	lost := losses{of: make([]metric.Sums, len(steps))}
	pace := pacer{every: progressEvery}
	options := convert.Options{Formats: lost.formats, Meta: s.meta(a), Progress: func(c convert.Progress) {
		lost.step = c.Step
		if now := time.Now(); pace.due(now) || c.Step == c.Steps {
			emit(Reply{JSON: wire.Progress{Tensor: c.Name, Index: c.Step, Count: c.Steps, Done: c.Done, Total: c.Total,
				Written: out.written, Size: p.Size, Elapsed: millis(now.Sub(start))}})
		}
	}}
	if err := convert.ToGGUF(context.Background(), out, s.file, steps, options); err != nil {
		return Reply{}, err
	}
	out.flush()
	if out.written != p.Size {
		return Reply{}, fmt.Errorf("%s took %d bytes where %d were planned", p.Name, out.written, p.Size)
	}
	done := wire.Converted{Name: p.Name, Size: out.written, Tensors: len(steps), Elapsed: millis(time.Since(start))}
	done.Losses, done.Total = lost.report(p)
	return Reply{JSON: done}, nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// progressEvery is the least time between two reports of progress.
const progressEvery = 50 * time.Millisecond

// pacer lets something happen at most so often.
type pacer struct {
	every time.Duration
	last  time.Time
}

func (p *pacer) due(now time.Time) bool {
	if !p.last.IsZero() && now.Sub(p.last) < p.every {
		return false
	}
	p.last = now
	return true
}

// partSize is how much of a file is sent at a time.
const partSize = 4 << 20

// splitter is an io.Writer that sends what it is given on, in arrays called
// "part". It uses their memory again: emit copies.
type splitter struct {
	emit    func(Reply)
	held    []byte
	written int64
}

func (w *splitter) Write(p []byte) (int, error) {
	n := len(p)
	w.written += int64(n)
	for len(p) > 0 {
		if w.held == nil {
			w.held = make([]byte, 0, partSize)
		}
		k := min(len(p), partSize-len(w.held))
		w.held = append(w.held, p[:k]...)
		if p = p[k:]; len(w.held) == partSize {
			w.flush()
		}
	}
	return n, nil
}

// flush sends what is held.
func (w *splitter) flush() {
	if len(w.held) > 0 {
		w.emit(Reply{Arrays: map[string]any{"part": w.held}})
	}
	w.held = w.held[:0]
}

// losses compares what a conversion writes with what it read.
type losses struct {
	step int
	of   []metric.Sums // one a step
	rec  []float32
}

// formats finds a format that measures all that it quantizes.
func (l *losses) formats(name string) (quant.Format, bool) {
	f, ok := formats.Lookup(name)
	return measured{f, l}, ok
}

type measured struct {
	quant.Format
	to *losses
}

func (m measured) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	p, err := m.Format.Quantize(t, o)
	if err != nil {
		return nil, err
	}
	l := m.to
	if cap(l.rec) < t.Len() {
		l.rec = make([]float32, t.Len())
	}
	rec := l.rec[:t.Len()]
	if err := m.Format.Dequantize(p, rec); err != nil {
		return nil, err
	}
	l.of[l.step].Add(t.Data, rec, len(p.Bytes))
	return p, nil
}

// report is what each step lost, and all together whose values are finite.
func (l *losses) report(p wire.Plan) ([]wire.TensorErr, metric.Report) {
	var total metric.Sums
	each := make([]wire.TensorErr, len(l.of))
	for i := range l.of {
		s := &l.of[i]
		r := s.Report(p.Steps[i].To, p.Steps[i].Name)
		each[i] = wire.TensorErr{Name: p.Steps[i].Name, RelRMSE: r.RelRMSE, SQNR: r.SQNR}
		if e := s.ErrSq + s.XSq; math.IsNaN(e) || math.IsInf(e, 0) {
			each[i].RelRMSE = -1
			continue
		}
		total.Merge(*s)
	}
	return each, total.Report(p.Recipe, "")
}
