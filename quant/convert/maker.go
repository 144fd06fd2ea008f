package convert

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"fewbits/quant"
)

// Maker carries out a plan in parts, in any order: for callers that share one
// among several workers. The header and then the parts of each step, padded to
// the file's alignment, are what ToGGUF writes. Options.Progress is not called.
//
// A Maker uses its memory again from part to part, and so does one thing at a
// time; several of one plan may work at once.
type Maker struct{ j *job }

// NewMaker checks a plan, except for what Header finds wrong with names.
func NewMaker(src quant.Source, plan []Step, o Options) (*Maker, error) {
	o.Progress = nil
	j, err := newJob(context.Background(), src, plan, o)
	return &Maker{j}, err
}

// Header writes what comes before the first tensor's bytes in a GGUF file.
func (m *Maker) Header(w io.Writer) error {
	_, err := m.j.begin(w)
	return err
}

// Unit is how many bytes of step i are made together at least: one of a tensor
// that is copied, a value of one whose whole numbers are lengthened, else a row.
func (m *Maker) Unit(i int) int64 { return m.j.unit(m.j.plan[i]) }

// Part appends n bytes, from a byte on, of what step i becomes to dst. Both are
// multiples of Unit. Quantized are SliceValues at a time, and all of dst is in
// memory: a caller that wants little asks for no more at once.
func (m *Maker) Part(ctx context.Context, dst []byte, i int, from, n int64) ([]byte, error) {
	if i < 0 || i >= len(m.j.plan) {
		return dst, fmt.Errorf("convert: step %d is asked for, and there are %d", i, len(m.j.plan))
	}
	s := m.j.plan[i]
	if unit := m.j.unit(s); from < 0 || n < 0 || n > s.Bytes-from || unit > 0 && (from%unit != 0 || n%unit != 0) {
		return dst, fmt.Errorf("convert: tensor %q: %d bytes from byte %d on are asked for; it has %d, in pieces of %d", s.Name, n, from, s.Bytes, unit)
	}
	if n == 0 {
		return dst, nil
	}
	m.j.ctx = ctx
	out := bytes.NewBuffer(dst)
	err := m.j.part(s, from, from+n, func(p []byte) error { _, err := out.Write(p); return err })
	return out.Bytes(), err
}
