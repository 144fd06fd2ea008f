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
	"fewbits/quant/container/inorder"
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
type Writer = inorder.Writer

// NewWriter checks metadata and tensors and writes the header, padded with
// spaces to a multiple of 8 bytes. Nothing is written where it fails on a
// check. Tensors are laid out in the order given (see Compare for a good one).
// Metadata values must be strings; nil writes no __metadata__.
func NewWriter(w io.Writer, meta []quant.Meta, tensors []TensorPlan) (*Writer, error) {
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
	list := make([]inorder.Tensor, len(tensors))
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
		list[i] = inorder.Tensor{Name: p.Name, Bytes: n}
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
	return inorder.Start("safetensors", w, b.Bytes(), 1, list)
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
