//go:build !first

package session

import (
	"bytes"
	"fmt"
	"strings"

	"fewbits/quant/decision"
)

// maxArrays is how many values are written as codes and all that belongs to
// them: they take 20 bytes each, all together.
const maxArrays = 1 << 24

// errNone says why a result has no array of a name.
func (s *Session) errNone(name string) error {
	r := &s.last
	switch {
	case name == "error" && r.stored:
		return fmt.Errorf("what tensor %q was before it became %s is not in the file: there is no error to write", r.tensor.Name, r.packed.Format)
	case name == "zeros" || name == "mins":
		return fmt.Errorf("%s has no %s; codes, scales and reconstruction are all there is", r.packed.Format, map[string]string{"zeros": "zero points", "mins": "minimums"}[name])
	}
	return fmt.Errorf("%s has no %s: each value stands for itself", r.packed.Format, strings.ReplaceAll(name, "_", " "))
}

// exportMore writes arrays for NumPy: "np-codes", "np-scales" …, and "np-all",
// an npz file.
func (s *Session) exportMore(as string) (ending string, b []byte, err error) {
	name, ok := strings.CutPrefix(as, "np-")
	if !ok {
		return "", nil, fmt.Errorf("there is no download of kind %q", as)
	}
	r := &s.last
	codes := name == "all" || name == "codes" || name == "error"
	if codes && r.tensor.Len() > maxArrays {
		return "", nil, fmt.Errorf("tensor %q holds %d values; up to %d are written with their codes here. The fewbits command writes more: -o OUT.npz", r.tensor.Name, r.tensor.Len(), maxArrays)
	}
	d, err := s.decided(codes)
	if err != nil {
		return "", nil, err
	}
	if name == "all" {
		var w bytes.Buffer
		w.Grow(s.room(d.Arrays))
		err := d.WriteNPZ(&w)
		return ".npz", w.Bytes(), err
	}
	a := d.Array(name)
	if name == "offsets" {
		if a = d.Array("zeros"); a == nil {
			a = d.Array("mins")
		}
		name = "zeros"
	}
	if a == nil {
		return "", nil, s.errNone(name)
	}
	var w bytes.Buffer
	w.Grow(s.room([]decision.Array{*a}))
	_, err = a.WriteTo(&w)
	return "-" + a.Name + ".npy", w.Bytes(), err
}

// decided is the latest result, taken apart.
func (s *Session) decided(codes bool) (*decision.Decision, error) {
	r := &s.last
	p, x := *r.packed, r.tensor.Data
	if g, ok := r.format.(guide); ok {
		p.Options.Importance = g.weights
	}
	if r.stored {
		x = nil
	}
	return decision.Of(r.format, &p, x, codes)
}

// room is how many bytes arrays take in a file, and a little more.
func (s *Session) room(arrays []decision.Array) int {
	n := 1 << 14
	for i := range arrays {
		n += int(arrays[i].Size())
	}
	return n
}
