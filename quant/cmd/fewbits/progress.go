package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress draws one line on a terminal. On anything else, and where it is
// nil, it draws nothing.
type progress struct {
	w     io.Writer
	start time.Time
	last  time.Time // that it was drawn
	base  int64     // values of the tensors that are through
	total int64     // values in all
}

const (
	firstDrawn = 300 * time.Millisecond // what is done sooner needs no line
	redrawn    = 100 * time.Millisecond
)

// progress is where a long command says how far it is.
func (c *call) progress() *progress {
	f, ok := c.err.(*os.File)
	if !ok {
		return nil
	}
	if st, err := f.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return newProgress(f, time.Now())
}

func newProgress(w io.Writer, now time.Time) *progress { return &progress{w: w, start: now} }

// expect says how many values there are to do.
func (p *progress) expect(total int64) {
	if p != nil {
		p.total = total
	}
}

// show says how many values of the tensor at work are through.
func (p *progress) show(tensor string, done int64) {
	if p != nil {
		p.at(time.Now(), tensor, done)
	}
}

// finish says that a tensor is through.
func (p *progress) finish(values int64) {
	if p != nil {
		p.base += values
	}
}

func (p *progress) at(now time.Time, tensor string, done int64) {
	spent := now.Sub(p.start)
	if spent < firstDrawn || now.Sub(p.last) < redrawn || p.total <= 0 {
		return
	}
	p.last = now
	done += p.base
	left := ""
	if done > 0 {
		t := time.Duration(float64(spent) * float64(p.total-done) / float64(done))
		left = "  " + t.Round(time.Second).String() + " left"
	}
	fmt.Fprintf(p.w, "\r\x1b[K%3d%%%s  %s", done*100/p.total, left, clip(clean(tensor)))
}

// clear takes the line away.
func (p *progress) clear() {
	if p != nil && !p.last.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.last = time.Time{}
	}
}
