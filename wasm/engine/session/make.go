package session

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"sort"
	"time"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// maker carries out one plan of one file, a part at a time.
type maker struct {
	key  string // the plan that was asked for
	head int64  // where the first tensor begins, as whoever asks has it; 0 for nobody
	plan wire.Plan
	by   *convert.Maker
	lost meter
	out  []byte // reused between parts
}

// maker is the one of the plan that is asked for. The last one is kept: a file
// is made in many parts. To find out where the first tensor begins, head 0,
// takes as much memory as all that comes before it, and again.
func (s *Session) maker(a wire.PlanArgs, head int64) (*maker, error) {
	key, err := wire.Marshal(a)
	if err != nil {
		return nil, err
	}
	if s.made != nil && s.made.key == string(key) && s.made.head == head {
		return s.made, nil
	}
	steps, meta, err := s.steps(a)
	if err != nil {
		return nil, err
	}
	m := &maker{key: string(key), head: head, plan: wire.Plan{Recipe: a.Recipe, Name: outName(s.fileName, cmp.Or(a.Mix, a.Recipe))}}
	m.by, err = convert.NewMaker(s.plain, steps, convert.Options{Formats: m.lost.formats, Meta: meta})
	if err != nil {
		return nil, err
	}
	if err := m.layout(s.plain, steps); err != nil {
		return nil, err
	}
	s.made = m
	return m, nil
}

// layout works out where each tensor of the file to be will stand.
func (m *maker) layout(src quant.Source, steps []convert.Step) error {
	p, at := &m.plan, m.head
	if at == 0 {
		var n counter
		if err := m.by.Header(&n); err != nil {
			return err
		}
		at = int64(n)
	}
	infos, align := src.Tensors(), alignment(src)
	for i, step := range steps {
		p.Steps = append(p.Steps, wire.StepRow{Tensor: step.Tensor, Name: step.Name, From: step.From, To: step.To,
			Asked: step.Asked, Bytes: step.Bytes, Offset: at, Unit: m.by.Unit(i), Why: step.Why})
		p.From += infos[step.Tensor].Bytes
		p.To += step.Bytes
		at += (step.Bytes + align - 1) / align * align
	}
	p.Size = at
	return nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// make makes a part of the file.
func (s *Session) make(a wire.MakeArgs) (Reply, error) {
	m, err := s.maker(a.PlanArgs, max(0, a.Head))
	if err != nil {
		return Reply{}, err
	}
	if a.From < 0 || a.From >= a.To || a.To > m.plan.Size {
		return Reply{}, fmt.Errorf("bytes %d to %d of %s are asked for, and it has %d", a.From, a.To, m.plan.Name, m.plan.Size)
	}
	if a.From < m.plan.Steps[0].Offset {
		head, err := m.header(a.From, a.To)
		return Reply{JSON: wire.Made{}, Arrays: map[string]any{"bytes": head}}, err
	}
	m.out = m.out[:0]
	lost, err := m.tensors(a.From, a.To)
	return Reply{JSON: wire.Made{Lost: lost}, Arrays: map[string]any{"bytes": m.out}}, err
}

// header makes everything before the first tensor, which is asked for alone.
func (m *maker) header(from, to int64) ([]byte, error) {
	if first := m.plan.Steps[0].Offset; from != 0 || to != first {
		return nil, fmt.Errorf("bytes %d to %d of %s are asked for; bytes 0 to %d are made at once", from, to, m.plan.Name, first)
	}
	var out bytes.Buffer
	if err := m.by.Header(&out); err != nil {
		return nil, err
	}
	if n := int64(out.Len()); n != to {
		return nil, fmt.Errorf("what comes before the tensors of %s has %d bytes, not %d", m.plan.Name, n, to)
	}
	return out.Bytes(), nil
}

// tensors makes bytes [at, to), all after the header, and says what each step
// lost in them.
func (m *maker) tensors(at, to int64) (lost []wire.StepSums, err error) {
	steps := m.plan.Steps
	next := func(i int) int64 { // where the step after i begins
		if i+1 < len(steps) {
			return steps[i+1].Offset
		}
		return m.plan.Size
	}
	for i := sort.Search(len(steps), func(i int) bool { return next(i) > at }); at < to; i++ {
		s := steps[i]
		if n := min(to, s.Offset+s.Bytes) - at; n > 0 {
			m.lost.sums = metric.Sums{}
			if m.out, err = m.by.Part(context.Background(), m.out, i, at-s.Offset, n); err != nil {
				return nil, err
			}
			if m.lost.sums.Values > 0 {
				lost = append(lost, wire.StepSums{Step: i, Sums: m.lost.sums})
			}
			at += n
		}
		if pad := min(to, next(i)) - at; pad > 0 {
			m.out = append(m.out, make([]byte, pad)...)
			at += pad
		}
	}
	return lost, nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// meter compares what is quantized with what became of it.
type meter struct {
	sums metric.Sums
	rec  []float32
}

// formats finds a format that measures all that it quantizes.
func (l *meter) formats(name string) (quant.Format, bool) {
	f, ok := formats.Lookup(name)
	return measured{f, l}, ok
}

type measured struct {
	quant.Format
	to *meter
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
	l.sums.Add(t.Data, rec, len(p.Bytes))
	return p, nil
}
