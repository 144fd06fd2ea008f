package json

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text takes a string.
func (r *Reader) Text() (string, error) {
	b, err := r.Bytes()
	return string(b), err
}

// Bytes takes a string. The next read overwrites it.
func (r *Reader) Bytes() ([]byte, error) {
	if err := r.expect('"'); err != nil {
		return nil, err
	}
	r.text = r.text[:0]
	for {
		if r.pos == r.end {
			if err := r.fill("the end of a string"); err != nil {
				return nil, err
			}
		}
		i := r.pos
		for i < r.end && r.buf[i] != '"' && r.buf[i] != '\\' && r.buf[i] >= 0x20 {
			i++
		}
		r.text = append(r.text, r.buf[r.pos:i]...)
		r.pos = i
		if i == r.end {
			continue
		}
		switch b := r.buf[i]; b {
		case '"':
			r.pos++
			if !utf8.Valid(r.text) {
				return nil, r.Fail("the string that ends here is not UTF-8; the file is damaged")
			}
			return r.text, nil
		case '\\':
			r.pos++
			if err := r.escape(); err != nil {
				return nil, err
			}
		default:
			return nil, r.Fail("a string holds the control character %d, which JSON wants escaped; the file is damaged", b)
		}
	}
}

// escape takes what follows a backslash.
func (r *Reader) escape() error {
	b, err := r.next("an escape sequence")
	if err != nil {
		return err
	}
	if i := strings.IndexByte(`"\/bfnrt`, b); i >= 0 {
		r.text = append(r.text, "\"\\/\b\f\n\r\t"[i])
		return nil
	}
	if b != 'u' {
		return r.Fail("a string holds \\%c, which is no escape sequence of JSON; the file is damaged", b)
	}
	c, err := r.hex4()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(c) {
		if c, err = r.otherHalf(c); err != nil {
			return err
		}
	}
	r.text = utf8.AppendRune(r.text, c)
	return nil
}

// otherHalf takes the second half of a surrogate pair.
func (r *Reader) otherHalf(high rune) (rune, error) {
	for _, want := range []byte(`\u`) {
		b, err := r.next("the other half of a surrogate pair")
		if err != nil {
			return 0, err
		}
		if b != want {
			return 0, r.Fail("a string holds half of a surrogate pair; the file is damaged")
		}
	}
	low, err := r.hex4()
	if err != nil {
		return 0, err
	}
	c := utf16.DecodeRune(high, low)
	if c == utf8.RuneError {
		return 0, r.Fail("a string holds half of a surrogate pair; the file is damaged")
	}
	return c, nil
}

func (r *Reader) hex4() (rune, error) {
	c := rune(0)
	for range 4 {
		b, err := r.next("a hexadecimal digit")
		if err != nil {
			return 0, err
		}
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, r.Fail("%q stands where a hexadecimal digit should; the file is damaged", b)
		}
		c = c<<4 | rune(b)
	}
	return c, nil
}

// Number is a number as it is written: Int and Float read it.
type Number string

// Int is a whole number; false where it is none, or does not fit.
func (n Number) Int() (int64, bool) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, true
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Float is the number; false where it does not fit.
func (n Number) Float() (float64, bool) {
	f, err := strconv.ParseFloat(string(n), 64)
	return f, err == nil
}

// Number takes a number.
func (r *Reader) Number() (Number, error) {
	b, err := r.word()
	if err != nil {
		return "", err
	}
	if !isNumber(b) {
		return "", r.Fail("%q stands where a number should; the file is damaged", clip(string(b)))
	}
	return Number(b), nil
}

// Int takes a whole number.
func (r *Reader) Int() (int64, error) {
	n, err := r.Number()
	if err != nil {
		return 0, err
	}
	i, ok := n.Int()
	if !ok {
		return 0, r.Fail("%s is not a whole number below 2^63; the file is damaged", clip(string(n)))
	}
	return i, nil
}

// Float takes a number.
func (r *Reader) Float() (float64, error) {
	n, err := r.Number()
	if err != nil {
		return 0, err
	}
	f, ok := n.Float()
	if !ok {
		return 0, r.Fail("%s is larger than any number that can be stored", clip(string(n)))
	}
	return f, nil
}

// word takes the letters, digits and signs of a number, true, false or null.
// The next read overwrites it.
func (r *Reader) word() ([]byte, error) {
	if _, err := r.Peek(); err != nil {
		return nil, err
	}
	r.text = r.text[:0]
	for {
		if r.pos == r.end {
			if r.Offset() >= r.size {
				return r.text, nil // a number may end the file
			}
			if err := r.fill("a value"); err != nil {
				return nil, err
			}
		}
		b := r.buf[r.pos]
		if !(b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-' || b == '+' || b == '.') {
			break
		}
		r.text = append(r.text, b)
		r.pos++
	}
	if len(r.text) == 0 {
		return nil, r.Fail("%q stands where a value should; the file is damaged", r.buf[r.pos])
	}
	return r.text, nil
}

// isNumber says whether b is a number of JSON, or NaN or an infinity.
func isNumber(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
		if string(b) == "Infinity" {
			return true
		}
	}
	if s := string(b); s == "NaN" || s == "Infinity" {
		return true
	}
	digits := func() int {
		n := 0
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		b = b[n:]
		return n
	}
	if len(b) > 1 && b[0] == '0' && b[1] >= '0' && b[1] <= '9' || digits() == 0 {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		if b = b[1:]; digits() == 0 {
			return false
		}
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if digits() == 0 {
			return false
		}
	}
	return len(b) == 0
}
