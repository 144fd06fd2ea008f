package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"fewbits/quant"
)

// TensorPlan describes a tensor that will be written.
type TensorPlan struct {
	Name  string
	Shape []int  // outermost first
	Type  string // as safetensors writes it: "F32", "F8_E4M3"
}

// Compare orders tensors as the reference does: wide types before narrow ones,
// which keeps every tensor aligned to its type, and then by name.
func Compare(a, b TensorPlan) int {
	return cmp.Or(cmp.Compare(rank(b.Type), rank(a.Type)), cmp.Compare(a.Name, b.Name))
}

// Writer writes a safetensors file from front to back.
type Writer struct {
	w       io.Writer
	plans   []TensorPlan
	bytes   []int64
	size    int64 // of the whole file
	written int64
	tensor  int   // that is being written
	done    int64 // bytes of it
	err     error // of an earlier call; the file is spoilt
}

// NewWriter checks metadata and tensors and writes the header, padded with
// spaces to a multiple of 8 bytes. Nothing is written where it fails on a
// check. Tensors are laid out in the order given (see Compare for a good one).
// Metadata values must be strings; nil writes no __metadata__.
func NewWriter(w io.Writer, meta []quant.Meta, tensors []TensorPlan) (*Writer, error) {
	g := &Writer{w: w, plans: tensors}
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteByte('{')
	if meta != nil {
		if err := writeMetadata(&b, meta); err != nil {
			return nil, err
		}
	}
	at := int64(0)
	seen := make(map[string]bool, len(tensors))
	for i, p := range tensors {
		if i > 0 || meta != nil {
			b.WriteByte(',')
		}
		n, err := byteSize(p.Type, p.Shape)
		switch {
		case err != nil:
		case p.Name == metadataKey:
			err = fmt.Errorf("the name belongs to the metadata; give the tensor another")
		case seen[p.Name]:
			err = fmt.Errorf("the name is there twice")
		case !utf8.ValidString(p.Name):
			err = fmt.Errorf("the name is not UTF-8")
		}
		if err != nil {
			return nil, fmt.Errorf("safetensors: tensor %d %q: %w", i, clip(p.Name), err)
		}
		seen[p.Name] = true
		writeTensor(&b, p, at, at+n)
		g.bytes = append(g.bytes, n)
		at += n
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-8 > maxHeader {
		return nil, fmt.Errorf("safetensors: the header has %d bytes, more than the %d that readers take; shorten the metadata or write several files", b.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	g.size = int64(b.Len()) + at
	if err := g.write(b.Bytes()); err != nil {
		return nil, err
	}
	g.skipEmpty()
	return g, nil
}

func writeMetadata(b *bytes.Buffer, meta []quant.Meta) error {
	quote(b, metadataKey)
	b.WriteString(":{")
	seen := make(map[string]bool, len(meta))
	for i, m := range meta {
		v, ok := m.Value.(string)
		switch {
		case !ok:
			return fmt.Errorf("safetensors: metadata %q: the value is a %T; the format holds strings only", clip(m.Key), m.Value)
		case seen[m.Key]:
			return fmt.Errorf("safetensors: metadata %q: the key is there twice", clip(m.Key))
		case !utf8.ValidString(m.Key) || !utf8.ValidString(v):
			return fmt.Errorf("safetensors: metadata %q: key or value is not UTF-8", clip(m.Key))
		}
		seen[m.Key] = true
		if i > 0 {
			b.WriteByte(',')
		}
		quote(b, m.Key)
		b.WriteByte(':')
		quote(b, v)
	}
	b.WriteByte('}')
	return nil
}

func writeTensor(b *bytes.Buffer, p TensorPlan, from, to int64) {
	quote(b, p.Name)
	b.WriteString(`:{"dtype":"` + p.Type + `","shape":[`)
	for i, d := range p.Shape {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(d))
	}
	fmt.Fprintf(b, `],"data_offsets":[%d,%d]}`, from, to)
}

// quote writes a JSON string as serde_json does: only what must be escaped is.
func quote(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if c < 0x20 {
				fmt.Fprintf(b, `\u%04x`, c)
			} else {
				b.WriteByte(c)
			}
		}
	}
	b.WriteByte('"')
}

// Size is the bytes of the whole file.
func (g *Writer) Size() int64 { return g.size }

// Written is how many of them are written.
func (g *Writer) Written() int64 { return g.written }

// TensorBytes is what tensor i takes.
func (g *Writer) TensorBytes(i int) int64 { return g.bytes[i] }

// WriteTensor writes the next bytes of tensor i. Tensors come in order, each
// in as many pieces as is convenient and whole before the next. A tensor
// without values needs no call.
func (g *Writer) WriteTensor(i int, p []byte) error {
	if g.err != nil {
		return g.err
	}
	if len(p) == 0 && i >= 0 && i < g.tensor {
		return nil
	}
	if i != g.tensor || i >= len(g.plans) {
		return fmt.Errorf("safetensors: bytes of tensor %d are given, but %s", i, g.expected())
	}
	if left := g.bytes[i] - g.done; int64(len(p)) > left {
		return fmt.Errorf("safetensors: tensor %d %q: %d bytes are given, and it has room for %d more", i, clip(g.plans[i].Name), len(p), left)
	}
	if err := g.write(p); err != nil {
		return err
	}
	g.done += int64(len(p))
	if g.done == g.bytes[i] {
		g.tensor++
		g.done = 0
		g.skipEmpty()
	}
	return nil
}

// skipEmpty goes on to the next tensor that has bytes.
func (g *Writer) skipEmpty() {
	for g.tensor < len(g.plans) && g.bytes[g.tensor] == 0 {
		g.tensor++
	}
}

// Close checks that every tensor was written whole. It does not close the
// underlying writer.
func (g *Writer) Close() error {
	if g.err != nil {
		return g.err
	}
	if g.tensor < len(g.plans) {
		return fmt.Errorf("safetensors: the file is not finished: %s", g.expected())
	}
	return nil
}

func (g *Writer) expected() string {
	if g.tensor >= len(g.plans) {
		return fmt.Sprintf("all %d tensors are written", len(g.plans))
	}
	return fmt.Sprintf("tensor %d %q still lacks %d bytes", g.tensor, clip(g.plans[g.tensor].Name), g.bytes[g.tensor]-g.done)
}

func (g *Writer) write(p []byte) error {
	n, err := g.w.Write(p)
	g.written += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		g.err = fmt.Errorf("safetensors: writing byte %d of the file: %w", g.written, err)
	}
	return g.err
}
