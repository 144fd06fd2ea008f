package json

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	chunk    = 64 << 10 // bytes asked of the file at a time
	maxDepth = 64       // of objects and lists in one another
)

// Error says what is wrong with a file, and where.
type Error struct {
	File   string
	Offset int64  // byte of the file where it shows
	Path   string // the keys and places that lead there, as "model.merges[3]"; "" for the whole
	Reason string // what is wrong, and what to do
}

func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s: byte %d: %s", e.File, e.Offset, e.Reason)
	}
	return fmt.Sprintf("%s: %s, byte %d: %s", e.File, e.Path, e.Offset, e.Reason)
}

// Reader reads a text of JSON. After an error it is of no further use.
type Reader struct {
	file     string
	src      io.ReaderAt
	size     int64
	buf      []byte
	pos, end int    // of the bytes in buf that are not yet taken
	base     int64  // offset of buf[0] in the file
	path     []step // to the value that is being read
	depth    int
	text     []byte // of the string or number being read
	values   int    // that Value made
}

// step is a key of an object, or a place in a list where key is "".
type step struct {
	key   string
	place int
}

// New reads a value from byte offset of a file of size bytes on; file is its
// name, for messages.
func New(file string, src io.ReaderAt, offset, size int64) *Reader {
	return &Reader{file: file, src: src, size: size, base: offset, buf: make([]byte, max(1, min(chunk, size-offset)))}
}

// Under says which keys lead to the value that r begins with, for messages.
func (r *Reader) Under(keys ...string) *Reader {
	for _, k := range keys {
		r.path = append(r.path, step{key: k})
	}
	return r
}

// Offset is the byte of the file that is read next.
func (r *Reader) Offset() int64 { return r.base + int64(r.pos) }

// Fail is an error about the value that was just read.
func (r *Reader) Fail(format string, args ...any) error {
	return &Error{r.file, r.Offset(), r.where(), fmt.Sprintf(format, args...)}
}

// where writes the path.
func (r *Reader) where() string {
	var b strings.Builder
	for _, s := range r.path {
		switch {
		case s.key == "":
			b.WriteString("[" + strconv.Itoa(s.place) + "]")
		case b.Len() > 0:
			b.WriteString("." + clip(s.key))
		default:
			b.WriteString(clip(s.key))
		}
	}
	return b.String()
}

// clip shortens a text out of a file so that it can stand in a message.
func clip(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return s
}

// fill reads the next bytes. It fails at the end of the file, naming what
// should stand there.
func (r *Reader) fill(want string) error {
	r.base += int64(r.end)
	r.pos, r.end = 0, 0
	n := min(int64(len(r.buf)), r.size-r.base)
	if n <= 0 {
		return r.Fail("the file ends where %s should stand; it is cut short: get it again", want)
	}
	got, err := r.src.ReadAt(r.buf[:n], r.base)
	r.end = got
	if got > 0 {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return r.Fail("the file ends here, though it was longer when it was opened")
	}
	return fmt.Errorf("%s: reading byte %d: %w", r.file, r.base, err)
}

// next takes a byte.
func (r *Reader) next(want string) (byte, error) {
	if r.pos == r.end {
		if err := r.fill(want); err != nil {
			return 0, err
		}
	}
	r.pos++
	return r.buf[r.pos-1], nil
}

// Peek is the first byte of what comes next, white space left out: '{', '[',
// '"', a digit or another that a number begins with, 't', 'f', 'n', ',', ']', '}'.
func (r *Reader) Peek() (byte, error) {
	for {
		for ; r.pos < r.end; r.pos++ {
			if b := r.buf[r.pos]; b != ' ' && b != '\n' && b != '\t' && b != '\r' {
				return b, nil
			}
		}
		if err := r.fill("a value"); err != nil {
			return 0, err
		}
	}
}

// marks names the punctuation of JSON, for messages.
var marks = map[byte]string{'{': "'{'", '}': "',' or '}'", '[': "'['", ']': "',' or ']'", ':': "':'", '"': "a string"}

// expect takes the byte c.
func (r *Reader) expect(c byte) error {
	b, err := r.Peek()
	if err != nil {
		return err
	}
	if b != c {
		return r.Fail("%q stands where %s should; the file is damaged or of another kind", b, marks[c])
	}
	r.pos++
	return nil
}

// over is true where the list or object that closes with c ends, and false
// after a comma, which there is before every item but the first.
func (r *Reader) over(c byte, first bool) (bool, error) {
	b, err := r.Peek()
	switch {
	case err != nil:
		return false, err
	case b == c:
		r.pos++
		return true, nil
	case first:
		return false, nil
	case b == ',':
		r.pos++
		return false, nil
	}
	return false, r.Fail("%q stands where %s should; the file is damaged", b, marks[c])
}

// nested reads the items of an object or a list by calling item.
func (r *Reader) nested(open, close byte, item func(i int) error) error {
	if err := r.expect(open); err != nil {
		return err
	}
	if r.depth++; r.depth > maxDepth {
		return r.Fail("values are nested more than %d deep; the file is damaged or hostile", maxDepth)
	}
	r.path = append(r.path, step{})
	for i := 0; ; i++ {
		done, err := r.over(close, i == 0)
		if err != nil {
			return err
		}
		if done {
			break
		}
		if err := item(i); err != nil {
			return err
		}
	}
	r.path = r.path[:len(r.path)-1]
	r.depth--
	return nil
}

// Object reads an object. field must read the value of each key.
func (r *Reader) Object(field func(key string) error) error {
	return r.nested('{', '}', func(int) error {
		r.path[len(r.path)-1] = step{key: "{}"}
		key, err := r.Text()
		if err != nil {
			return err
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		r.path[len(r.path)-1] = step{key: key}
		if key == "" {
			r.path[len(r.path)-1] = step{key: `""`}
		}
		return field(key)
	})
}

// Array reads a list. item must read each value.
func (r *Reader) Array(item func(i int) error) error {
	return r.nested('[', ']', func(i int) error {
		r.path[len(r.path)-1] = step{place: i}
		return item(i)
	})
}

// End fails where anything but white space follows.
func (r *Reader) End() error {
	for r.Offset() < r.size {
		b, err := r.next("")
		if err != nil {
			return err
		}
		if b != ' ' && b != '\n' && b != '\t' && b != '\r' {
			r.pos--
			return r.Fail("%q follows the end, where only spaces may; the file is damaged", b)
		}
	}
	return nil
}
