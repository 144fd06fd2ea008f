package safetensors

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads the little JSON that a header may consist of: objects with
// string keys, strings, lists of whole numbers. Unlike encoding/json it knows
// where it is and sees a key that comes twice.
type scanner struct {
	r     *bufio.Reader
	off   int64  // of the next byte, in the file
	place string // what is being read, for messages
	buf   []byte // of the string being read
	index bool   // it is the index of a model in several files, not a header
}

func (s *scanner) fail(f Fault, format string, args ...any) error {
	return &Error{Fault: f, Offset: s.off, Place: s.place, Reason: fmt.Sprintf(format, args...)}
}

// next takes a byte. At the end of the header it fails, naming what it wanted.
func (s *scanner) next(want string) (byte, error) {
	b, err := s.r.ReadByte()
	if errors.Is(err, io.EOF) {
		what := "header"
		if s.index {
			what = "index"
		}
		return 0, s.fail(Damaged, "the %s ends where %s should stand; the file is damaged", what, want)
	}
	if err != nil {
		return 0, fmt.Errorf("safetensors: reading byte %d of the file: %w", s.off, err)
	}
	s.off++
	return b, nil
}

// back gives the last byte back.
func (s *scanner) back() {
	_ = s.r.UnreadByte() // it was just read
	s.off--
}

// token takes the next byte that is not white space.
func (s *scanner) token(want string) (byte, error) {
	for {
		b, err := s.next(want)
		if err != nil || b != ' ' && b != '\n' && b != '\t' && b != '\r' {
			return b, err
		}
	}
}

// expect takes the byte c.
func (s *scanner) expect(c byte) error {
	b, err := s.token(marks[c])
	if err != nil {
		return err
	}
	if b != c {
		s.off--
		return s.fail(Damaged, "%q stands where %s should; the file is damaged", b, marks[c])
	}
	return nil
}

// marks names the punctuation of JSON, for messages.
var marks = [256]string{'{': "'{'", '}': "',' or '}'", '[': "'['", ']': "',' or ']'", ':': "':'", '"': "a string"}

// end is true where the list or object that closes with c is over, and false
// after a comma, which there is before every item but the first.
func (s *scanner) end(c byte, first bool) (bool, error) {
	b, err := s.token(marks[c])
	switch {
	case err != nil:
		return false, err
	case b == c:
		return true, nil
	case first:
		s.back()
		return false, nil
	case b == ',':
		return false, nil
	}
	s.off--
	return false, s.fail(Damaged, "%q stands where %s should; the file is damaged", b, marks[c])
}

// text takes a string.
func (s *scanner) text() (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	s.buf = s.buf[:0]
	start := s.off
	for {
		b, err := s.next("the end of a string")
		if err != nil {
			return "", err
		}
		switch {
		case b == '"':
			if !utf8.Valid(s.buf) {
				s.off = start
				return "", s.fail(Damaged, "the string that starts here is not UTF-8; the file is damaged")
			}
			return string(s.buf), nil
		case b == '\\':
			if err := s.escape(); err != nil {
				return "", err
			}
		case b < 0x20:
			s.off--
			return "", s.fail(Damaged, "a string holds the control character %d, which JSON wants escaped; the file is damaged", b)
		default:
			s.buf = append(s.buf, b)
		}
	}
}

// escape takes what follows a backslash.
func (s *scanner) escape() error {
	b, err := s.next("an escape sequence")
	if err != nil {
		return err
	}
	switch b {
	case '"', '\\', '/':
		s.buf = append(s.buf, b)
	case 'b':
		s.buf = append(s.buf, '\b')
	case 'f':
		s.buf = append(s.buf, '\f')
	case 'n':
		s.buf = append(s.buf, '\n')
	case 'r':
		s.buf = append(s.buf, '\r')
	case 't':
		s.buf = append(s.buf, '\t')
	case 'u':
		return s.unicode()
	default:
		s.off--
		return s.fail(Damaged, "a string holds \\%c, which is no escape sequence of JSON; the file is damaged", b)
	}
	return nil
}

// unicode takes the four digits after \u, and a second such sequence where
// the first is half of a surrogate pair.
func (s *scanner) unicode() error {
	at := s.off
	r, err := s.hex4()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) {
		low := rune(0)
		for _, c := range []byte(`\u`) {
			b, err := s.next("the other half of a surrogate pair")
			if err != nil {
				return err
			}
			if b != c {
				s.off = at
				return s.fail(Damaged, "a string holds half of a surrogate pair; the file is damaged")
			}
		}
		if low, err = s.hex4(); err != nil {
			return err
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			s.off = at
			return s.fail(Damaged, "a string holds half of a surrogate pair; the file is damaged")
		}
	}
	s.buf = utf8.AppendRune(s.buf, r)
	return nil
}

func (s *scanner) hex4() (rune, error) {
	r := rune(0)
	for range 4 {
		b, err := s.next("a hexadecimal digit")
		if err != nil {
			return 0, err
		}
		d, err := strconv.ParseUint(string(b), 16, 8)
		if err != nil || b >= 0x80 {
			s.off--
			return 0, s.fail(Damaged, "%q stands where a hexadecimal digit should; the file is damaged", b)
		}
		r = r<<4 | rune(d)
	}
	return r, nil
}

// integer takes a whole number from 0 to 2^63 - 1.
func (s *scanner) integer() (int64, error) {
	b, err := s.token("a number")
	if err != nil {
		return 0, err
	}
	at := s.off - 1
	n, digits := int64(0), 0
	for ; b >= '0' && b <= '9'; digits++ {
		if d := int64(b - '0'); n > (math.MaxInt64-d)/10 || n == 0 && digits > 0 {
			s.off = at
			return 0, s.fail(Damaged, "the number that starts here is larger than 2^63 - 1 or starts with 0; the file is damaged")
		} else {
			n = n*10 + d
		}
		if b, err = s.next("the end of a number"); err != nil {
			return 0, err
		}
	}
	s.back()
	if digits == 0 || b == '.' || b == 'e' || b == 'E' {
		return 0, s.fail(Damaged, "%q stands where a whole number should; the file is damaged", b)
	}
	return n, nil
}

// integers takes a list of at most limit whole numbers.
func (s *scanner) integers(limit int) ([]int64, error) {
	if err := s.expect('['); err != nil {
		return nil, err
	}
	list := []int64{}
	for {
		done, err := s.end(']', len(list) == 0)
		if done || err != nil {
			return list, err
		}
		if len(list) == limit {
			return nil, s.fail(Damaged, "a list has more than %d numbers; the file is damaged", limit)
		}
		n, err := s.integer()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
}
