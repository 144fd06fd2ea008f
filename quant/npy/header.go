package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"fewbits/quant/container/strided"
)

// Magic is how an npy file begins.
const Magic = "\x93NUMPY"

const (
	maxHeader = 1 << 16 // bytes; NumPy itself stops at 10000
	maxDims   = 64      // as NumPy 2
)

// header is what an npy file says before its data.
type header struct {
	version byte
	descr   string // of the element type, "" where it is not a plain string
	descrAt int    // where it stands, from the start of the header's text
	nested  string // what it is where it is no plain string
	fortran bool
	shape   []int
	count   int   // values
	text    int64 // offset of the header's text
	data    int64 // offset of the first value
}

// readHeader reads the header of an npy file of size bytes.
func readHeader(r io.ReaderAt, size int64) (header, error) {
	b := make([]byte, 12)
	if size < int64(len(b)) {
		return header{}, fmt.Errorf("%d bytes are too few for a header", size)
	}
	if err := readFull(r, b, 0); err != nil {
		return header{}, fmt.Errorf("reading the first %d bytes: %w", len(b), err)
	}
	if string(b[:6]) != Magic {
		return header{}, fmt.Errorf("the file begins with %q, not with %q", b[:6], Magic)
	}
	h := header{version: b[6]}
	var n int64
	switch {
	case b[6] == 1 && b[7] == 0:
		h.text, n = 10, int64(binary.LittleEndian.Uint16(b[8:]))
	case (b[6] == 2 || b[6] == 3) && b[7] == 0:
		h.text, n = 12, int64(binary.LittleEndian.Uint32(b[8:]))
	default:
		return header{}, fmt.Errorf("the file has version %d.%d of the format; 1.0, 2.0 and 3.0 are read", b[6], b[7])
	}
	switch {
	case n > maxHeader:
		return header{}, fmt.Errorf("the header claims %d bytes; at most %d are read", n, maxHeader)
	case n > size-h.text:
		return header{}, fmt.Errorf("%d bytes of the header of %d bytes are missing; get the file again", n-(size-h.text), n)
	}
	text := make([]byte, n)
	if err := readFull(r, text, h.text); err != nil {
		return header{}, fmt.Errorf("reading the header of %d bytes: %w", n, err)
	}
	h.data = h.text + n
	l := literal{b: text}
	if err := l.dict(&h); err != nil {
		return header{}, fmt.Errorf("header at byte %d: %w", h.text+int64(l.i), err)
	}
	var err error
	if h.count, err = strided.Size(h.shape); err != nil {
		return header{}, err
	}
	return h, nil
}

// literal reads the header's text: a Python dict of descr, fortran_order and
// shape, and nothing else that Python has.
type literal struct {
	b []byte
	i int
}

func (l *literal) space() {
	for l.i < len(l.b) && strings.IndexByte(" \t\r\n\f", l.b[l.i]) >= 0 {
		l.i++
	}
}

// take moves past c, after any space; false where something else stands there.
func (l *literal) take(c byte) bool {
	l.space()
	if l.i < len(l.b) && l.b[l.i] == c {
		l.i++
		return true
	}
	return false
}

func (l *literal) dict(h *header) error {
	if !l.take('{') {
		return errors.New("want a Python dict, {'descr': …}")
	}
	seen := map[string]bool{}
	for !l.take('}') {
		l.space()
		start := l.i
		key, err := l.str()
		if err != nil {
			return err
		}
		if seen[key] {
			l.i = start
			return fmt.Errorf("key %q stands there twice", key)
		}
		seen[key] = true
		if !l.take(':') {
			return fmt.Errorf("want : after key %q", key)
		}
		l.space()
		if err := l.value(key, h); err != nil {
			return err
		}
		if !l.take(',') {
			if !l.take('}') {
				return fmt.Errorf("want , or } after %s", key)
			}
			break
		}
	}
	if l.space(); l.i < len(l.b) {
		return errors.New("something follows the dict")
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return fmt.Errorf("key %q is missing", key)
		}
	}
	return nil
}

func (l *literal) value(key string, h *header) (err error) {
	switch key {
	case "descr":
		h.descrAt = l.i
		switch {
		case l.i < len(l.b) && l.b[l.i] == '[':
			h.nested = "a structured type"
			return l.nested()
		case l.i < len(l.b) && l.b[l.i] == '(':
			h.nested = "a subarray type"
			return l.nested()
		}
		h.descr, err = l.str()
	case "fortran_order":
		h.fortran, err = l.boolean()
	case "shape":
		h.shape, err = l.tuple(h.version <= 2)
	default:
		err = fmt.Errorf("key %q is none of descr, fortran_order and shape", key)
	}
	return err
}

// nested moves past a list or tuple of whatever, to its closing bracket.
func (l *literal) nested() error {
	var open []byte
	for l.i < len(l.b) {
		switch c := l.b[l.i]; c {
		case '\'', '"':
			if _, err := l.str(); err != nil {
				return err
			}
			continue
		case '[':
			open = append(open, ']')
		case '(':
			open = append(open, ')')
		case ']', ')':
			if c != open[len(open)-1] {
				return errors.New("brackets do not match")
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				l.i++
				return nil
			}
		}
		l.i++
	}
	return errors.New("a bracket is not closed")
}

// str is a quoted string; u, of Python 2, may stand before it.
func (l *literal) str() (string, error) {
	if l.i+1 < len(l.b) && l.b[l.i] == 'u' && (l.b[l.i+1] == '\'' || l.b[l.i+1] == '"') {
		l.i++
	}
	if l.i >= len(l.b) || l.b[l.i] != '\'' && l.b[l.i] != '"' {
		return "", errors.New("want a string in quotes")
	}
	quote, start := l.b[l.i], l.i+1
	for i := start; i < len(l.b); i++ {
		switch l.b[i] {
		case quote:
			l.i = i + 1
			return string(l.b[start:i]), nil
		case '\\':
			i++
		case '\n':
			return "", errors.New("a string is not closed")
		}
	}
	return "", errors.New("a string is not closed")
}

func (l *literal) boolean() (bool, error) {
	for _, v := range []string{"True", "False"} {
		if strings.HasPrefix(string(l.b[l.i:]), v) {
			l.i += len(v)
			return v == "True", nil
		}
	}
	return false, errors.New("want True or False for fortran_order")
}

// tuple is a tuple of whole numbers; L, of Python 2, may stand after each
// where long is set.
func (l *literal) tuple(long bool) ([]int, error) {
	if !l.take('(') {
		return nil, errors.New("want a tuple, (…), for shape")
	}
	shape := []int{}
	for {
		if l.take(')') {
			return shape, nil
		}
		n, err := l.number()
		if err != nil {
			return nil, err
		}
		if long && l.i < len(l.b) && l.b[l.i] == 'L' {
			l.i++
		}
		if shape = append(shape, n); len(shape) > maxDims {
			return nil, fmt.Errorf("more than %d dimensions", maxDims)
		}
		if l.take(',') {
			continue
		}
		if !l.take(')') {
			return nil, errors.New("want , or ) after a dimension")
		}
		if len(shape) == 1 {
			return nil, fmt.Errorf("shape (%d) is a number to Python; a tuple of one is (%d,)", n, n)
		}
		return shape, nil
	}
}

func (l *literal) number() (int, error) {
	l.space()
	start, n := l.i, 0
	for ; l.i < len(l.b) && l.b[l.i] >= '0' && l.b[l.i] <= '9'; l.i++ {
		if n > (math.MaxInt-9)/10 {
			return 0, errors.New("a dimension is larger than this machine can count")
		}
		n = 10*n + int(l.b[l.i]-'0')
	}
	if l.i == start {
		return 0, errors.New("want a whole number ≥ 0 for a dimension")
	}
	return n, nil
}

func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
