package decision

import (
	"bufio"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
)

// encoder writes the members of one JSON object, and remembers the first
// fault. encoding/json would do; it is left out because it is large, and this
// package runs in a page.
type encoder struct {
	w     *bufio.Writer
	err   error
	begun bool
	buf   []byte
}

func newEncoder(w io.Writer) *encoder { return &encoder{w: bufio.NewWriterSize(w, 1<<16)} }

func (e *encoder) finish() error {
	if e.err != nil {
		return e.err
	}
	return e.w.Flush()
}

func (e *encoder) text(s string) {
	if e.err == nil {
		_, e.err = e.w.WriteString(s)
	}
}

func (e *encoder) key(name string) {
	if e.begun {
		e.text(",\n")
	}
	e.begun = true
	e.text(quote(name) + ": ")
}

// value writes one key with its JSON.
func (e *encoder) value(name, json string) {
	e.key(name)
	e.text(json)
}

// list writes n entries, or null.
func (e *encoder) list(name string, n int, null bool, entry func([]byte, int) []byte) {
	if null {
		e.value(name, "null")
		return
	}
	e.key(name)
	e.entries(0, n, entry)
}

// rows writes rows × cols entries as a list of lists. There are no rows
// without columns: a shape may claim any number of those.
func (e *encoder) rows(name string, rows, cols int, entry func([]byte, int) []byte) {
	e.key(name)
	e.text("[")
	if cols == 0 {
		rows = 0
	}
	for r := range rows {
		if r > 0 {
			e.text(",\n  ")
		}
		e.entries(r*cols, (r+1)*cols, entry)
		if e.err != nil {
			return
		}
	}
	e.text("]")
}

// entries writes entries [from, to) as a list.
func (e *encoder) entries(from, to int, entry func([]byte, int) []byte) {
	e.text("[")
	for i := from; i < to && e.err == nil; i++ {
		b := e.buf[:0]
		if i > from {
			b = append(b, ", "...)
		}
		b = entry(b, i)
		_, e.err = e.w.Write(b)
		e.buf = b
	}
	e.text("]")
}

// appendFloat writes the fewest digits that name a float32.
func appendFloat(b []byte, x float32) []byte {
	v := float64(x)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 32)
}

// quote is s as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func quote(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20:
			b.WriteString("\\u00")
			b.WriteByte(hex[r>>4])
			b.WriteByte(hex[r&15])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// object is a map as a JSON object, its keys in order.
func object(m map[string]string) string {
	var p []string
	for k, v := range m {
		p = append(p, quote(k)+": "+quote(v))
	}
	sort.Strings(p)
	return "{" + strings.Join(p, ", ") + "}"
}
