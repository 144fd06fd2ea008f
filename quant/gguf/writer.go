package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"fewbits/quant"
	"fewbits/quant/ggml"
)

// TensorPlan describes a tensor that will be written.
type TensorPlan struct {
	Name  string // shorter than 64 bytes, or llama.cpp will not load the file
	Shape []int  // outermost first, at most four dimensions
	Type  string // as ggml writes it: "F32", "Q4_K"
}

const (
	maxName      = 64      // GGML_MAX_NAME, its terminating zero included
	maxAlignment = 1 << 20 // a bound on padding
)

// Writer writes a GGUF file of version 3 from front to back.
type Writer struct {
	w         io.Writer
	plans     []TensorPlan
	bytes     []int64
	alignment int64
	size      int64 // of the whole file
	written   int64
	tensor    int   // that is being written
	done      int64 // bytes of it
	err       error // of an earlier call; the file is spoilt
}

// NewWriter checks metadata and tensors, then writes everything that comes
// before the tensors' bytes. Nothing is written where it fails on a check.
//
// The types of metadata values follow from their Go types (see TypeOf);
// quant.Meta.Type is not looked at. general.alignment is obeyed.
func NewWriter(w io.Writer, meta []quant.Meta, tensors []TensorPlan) (*Writer, error) {
	g := &Writer{w: w, plans: tensors, alignment: defaultAlignment}
	var head bytes.Buffer
	head.WriteString(magic)
	e := encoder{&head}
	e.uint32(version)
	e.uint64(uint64(len(tensors)))
	e.uint64(uint64(len(meta)))
	seen := make(map[string]bool, len(meta))
	for i, m := range meta {
		if err := g.pair(e, m, seen); err != nil {
			return nil, fmt.Errorf("gguf: key %d %q: %w", i, clip(m.Key), err)
		}
	}
	offset := int64(0)
	seen = make(map[string]bool, len(tensors))
	for i, p := range tensors {
		n, err := g.describe(e, p, offset, seen)
		if err != nil {
			return nil, fmt.Errorf("gguf: tensor %d %q: %w", i, clip(p.Name), err)
		}
		g.bytes = append(g.bytes, n)
		offset += alignUp(n, g.alignment)
		if offset > math.MaxInt64/4 {
			return nil, fmt.Errorf("gguf: tensor %d %q: the file would pass 2^61 bytes", i, clip(p.Name))
		}
	}
	g.size = alignUp(int64(head.Len()), g.alignment) + offset
	if err := g.write(head.Bytes()); err != nil {
		return nil, err
	}
	return g, g.pad()
}

func (g *Writer) pair(e encoder, m quant.Meta, seen map[string]bool) error {
	switch {
	case m.Key == "" || len(m.Key) > maxKey:
		return fmt.Errorf("a key has 1 to %d bytes, and this one %d", maxKey, len(m.Key))
	case strings.IndexByte(m.Key, 0) >= 0:
		return fmt.Errorf("a key may not hold a zero byte")
	case seen[m.Key]:
		return fmt.Errorf("the key is there twice")
	}
	seen[m.Key] = true
	if m.Key == keyAlignment {
		a, ok := m.Value.(uint32)
		if !ok || a == 0 || a&(a-1) != 0 || a > maxAlignment {
			return fmt.Errorf("the alignment must be a uint32 and a power of two up to %d, not %v (%T)", maxAlignment, m.Value, m.Value)
		}
		g.alignment = int64(a)
	}
	e.string(m.Key)
	t, array, err := typeOf(m.Value)
	if err != nil {
		return err
	}
	if !array {
		e.uint32(uint32(t))
		e.scalar(m.Value)
		return nil
	}
	e.uint32(uint32(typeArray))
	return e.array(t, m.Value, 1)
}

// describe writes the entry of one tensor and returns its bytes.
func (g *Writer) describe(e encoder, p TensorPlan, offset int64, seen map[string]bool) (int64, error) {
	t, ok := ggml.TypeByName(p.Type)
	switch {
	case !ok || t.Removed != "":
		return 0, fmt.Errorf("GGUF has no type %q", p.Type)
	case p.Name == "" || len(p.Name) >= maxName:
		return 0, fmt.Errorf("the name has %d bytes, and llama.cpp takes 1 to %d; give the tensor another name", len(p.Name), maxName-1)
	case strings.IndexByte(p.Name, 0) >= 0:
		return 0, fmt.Errorf("a name may not hold a zero byte")
	case seen[p.Name]:
		return 0, fmt.Errorf("the name is there twice")
	case len(p.Shape) > maxDims:
		return 0, fmt.Errorf("it has %d dimensions, and GGUF holds %d at most", len(p.Shape), maxDims)
	}
	seen[p.Name] = true
	e.string(p.Name)
	e.uint32(uint32(len(p.Shape)))
	for i := len(p.Shape) - 1; i >= 0; i-- {
		if p.Shape[i] == 0 {
			return 0, fmt.Errorf("its shape %v holds no values, which GGUF has no place for", p.Shape)
		}
		e.uint64(uint64(p.Shape[i]))
	}
	e.uint32(t.ID)
	e.uint64(uint64(offset))
	return byteSize(t, p.Shape)
}

// Size is the bytes of the whole file.
func (g *Writer) Size() int64 { return g.size }

// Written is how many of them are written.
func (g *Writer) Written() int64 { return g.written }

// TensorBytes is what tensor i takes, padding aside.
func (g *Writer) TensorBytes(i int) int64 { return g.bytes[i] }

// WriteTensor writes the next bytes of tensor i. Tensors come in order, each
// in as many pieces as is convenient and whole before the next.
func (g *Writer) WriteTensor(i int, p []byte) error {
	if g.err != nil {
		return g.err
	}
	if i != g.tensor || i >= len(g.plans) {
		return fmt.Errorf("gguf: bytes of tensor %d are given, but %s", i, g.expected())
	}
	if left := g.bytes[i] - g.done; int64(len(p)) > left {
		return fmt.Errorf("gguf: tensor %d %q: %d bytes are given, and it has room for %d more", i, clip(g.plans[i].Name), len(p), left)
	}
	if err := g.write(p); err != nil {
		return err
	}
	g.done += int64(len(p))
	if g.done < g.bytes[i] {
		return nil
	}
	g.tensor++
	g.done = 0
	return g.pad()
}

// Close checks that every tensor was written whole. It does not close the
// underlying writer.
func (g *Writer) Close() error {
	if g.err != nil {
		return g.err
	}
	if g.tensor < len(g.plans) {
		return fmt.Errorf("gguf: the file is not finished: %s", g.expected())
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
		g.err = fmt.Errorf("gguf: writing byte %d of the file: %w", g.written, err)
	}
	return g.err
}

// pad writes zeros up to the alignment.
func (g *Writer) pad() error {
	if n := alignUp(g.written, g.alignment) - g.written; n > 0 {
		return g.write(make([]byte, n))
	}
	return nil
}

// encoder writes little-endian values to a buffer in memory.
type encoder struct{ b *bytes.Buffer }

func (e encoder) uint32(v uint32) { e.b.Write(binary.LittleEndian.AppendUint32(nil, v)) }
func (e encoder) uint64(v uint64) { e.b.Write(binary.LittleEndian.AppendUint64(nil, v)) }

func (e encoder) string(s string) {
	e.uint64(uint64(len(s)))
	e.b.WriteString(s)
}

// scalar writes a value, or a slice of numbers without its length.
func (e encoder) scalar(v any) {
	if s, ok := v.(string); ok {
		e.string(s)
		return
	}
	// Every other type of TypeOf is of fixed size, which is all that this
	// function fails on; a bytes.Buffer does not fail.
	_ = binary.Write(e.b, binary.LittleEndian, v)
}

// array writes the type of the elements, their number and the elements.
func (e encoder) array(t valueType, v any, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("arrays are nested more than %d deep", MaxDepth)
	}
	e.uint32(uint32(t))
	switch v := v.(type) {
	case []string:
		e.uint64(uint64(len(v)))
		for _, s := range v {
			e.string(s)
		}
	case Nested:
		e.uint64(uint64(len(v)))
		for _, inner := range v {
			t, ok := elementType(inner)
			if !ok {
				return fmt.Errorf("an element of an array of arrays is of Go type %T, which is not an array of a kind that can be stored", inner)
			}
			if err := e.array(t, inner, depth+1); err != nil {
				return err
			}
		}
	default:
		e.uint64(uint64(binary.Size(v) / int(valueTypes[t].size)))
		e.scalar(v)
	}
	return nil
}
