package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container/inorder"
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
type Writer = inorder.Writer

// NewWriter checks metadata and tensors, then writes everything that comes
// before the tensors' bytes. Nothing is written where it fails on a check.
//
// The types of metadata values follow from their Go types (see TypeOf);
// quant.Meta.Type is not looked at. general.alignment is obeyed.
func NewWriter(w io.Writer, meta []quant.Meta, tensors []TensorPlan) (*Writer, error) {
	h := head{alignment: defaultAlignment}
	h.b.WriteString(magic)
	e := encoder{&h.b}
	e.uint32(version)
	e.uint64(uint64(len(tensors)))
	e.uint64(uint64(len(meta)))
	seen := make(map[string]bool, len(meta))
	for i, m := range meta {
		if err := h.pair(e, m, seen); err != nil {
			return nil, fmt.Errorf("gguf: key %d %q: %w", i, clip(m.Key), err)
		}
	}
	offset := int64(0)
	seen = make(map[string]bool, len(tensors))
	list := make([]inorder.Tensor, len(tensors))
	for i, p := range tensors {
		n, err := describe(e, p, offset, seen)
		if err != nil {
			return nil, fmt.Errorf("gguf: tensor %d %q: %w", i, clip(p.Name), err)
		}
		list[i] = inorder.Tensor{Name: p.Name, Bytes: n}
		offset += inorder.Align(n, h.alignment)
	}
	return inorder.Start("gguf", w, h.b.Bytes(), h.alignment, list)
}

// head is everything before the tensors' bytes.
type head struct {
	b         bytes.Buffer
	alignment int64
}

func (h *head) pair(e encoder, m quant.Meta, seen map[string]bool) error {
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
		h.alignment = int64(a)
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
func describe(e encoder, p TensorPlan, offset int64, seen map[string]bool) (int64, error) {
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

// encoder writes little-endian values to a buffer in memory.
type encoder struct{ b *bytes.Buffer }

func (e encoder) uint16(v uint16) { e.b.Write(binary.LittleEndian.AppendUint16(nil, v)) }
func (e encoder) uint32(v uint32) { e.b.Write(binary.LittleEndian.AppendUint32(nil, v)) }
func (e encoder) uint64(v uint64) { e.b.Write(binary.LittleEndian.AppendUint64(nil, v)) }

func (e encoder) string(s string) {
	e.uint64(uint64(len(s)))
	e.b.WriteString(s)
}

// scalar writes one value of a type of TypeOf.
func (e encoder) scalar(v any) {
	switch v := v.(type) {
	case string:
		e.string(v)
	case bool:
		if v {
			e.b.WriteByte(1)
		} else {
			e.b.WriteByte(0)
		}
	case uint8:
		e.b.WriteByte(v)
	case int8:
		e.b.WriteByte(byte(v))
	case uint16:
		e.uint16(v)
	case int16:
		e.uint16(uint16(v))
	case uint32:
		e.uint32(v)
	case int32:
		e.uint32(uint32(v))
	case float32:
		e.uint32(math.Float32bits(v))
	case uint64:
		e.uint64(v)
	case int64:
		e.uint64(uint64(v))
	case float64:
		e.uint64(math.Float64bits(v))
	}
}

// numbers writes the length of a slice and its values, one after the other; false
// where it is no slice of a type of TypeOf.
func (e encoder) numbers(v any) bool {
	le := binary.LittleEndian
	switch v := v.(type) {
	case []bool:
		each(e, v, func(b []byte, x bool) []byte {
			if x {
				return append(b, 1)
			}
			return append(b, 0)
		})
	case []uint8:
		e.uint64(uint64(len(v)))
		e.b.Write(v)
	case []int8:
		each(e, v, func(b []byte, x int8) []byte { return append(b, byte(x)) })
	case []uint16:
		each(e, v, le.AppendUint16)
	case []int16:
		each(e, v, func(b []byte, x int16) []byte { return le.AppendUint16(b, uint16(x)) })
	case []uint32:
		each(e, v, le.AppendUint32)
	case []int32:
		each(e, v, func(b []byte, x int32) []byte { return le.AppendUint32(b, uint32(x)) })
	case []float32:
		each(e, v, func(b []byte, x float32) []byte { return le.AppendUint32(b, math.Float32bits(x)) })
	case []uint64:
		each(e, v, le.AppendUint64)
	case []int64:
		each(e, v, func(b []byte, x int64) []byte { return le.AppendUint64(b, uint64(x)) })
	case []float64:
		each(e, v, func(b []byte, x float64) []byte { return le.AppendUint64(b, math.Float64bits(x)) })
	default:
		return false
	}
	return true
}

// each writes a slice at once: a tokenizer has hundreds of thousands of values.
func each[T any](e encoder, v []T, put func([]byte, T) []byte) {
	e.uint64(uint64(len(v)))
	b := e.b.AvailableBuffer()
	for _, x := range v {
		b = put(b, x)
	}
	e.b.Write(b)
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
		if !e.numbers(v) {
			return fmt.Errorf("an array is of Go type %T, which cannot be stored", v)
		}
	}
	return nil
}
