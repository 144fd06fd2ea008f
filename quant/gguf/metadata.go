package gguf

import (
	"fmt"
	"math"

	"fewbits/quant"
)

// The least bytes that an entry of a header takes, which bounds how many a
// file has room for.
const (
	minPair   = 8 + 1 + 4 + 1     // key, type, value
	minTensor = 8 + 1 + 4 + 4 + 8 // name, dimensions, type, offset
)

const maxKey = 1<<16 - 1 // bytes of a key, and here of a tensor's name

// metadata reads n key-value pairs.
func (f *File) metadata(c *cursor, n uint64) error {
	f.meta = make([]quant.Meta, 0, min(n, 64))
	f.keys = make(map[string]int, min(n, 64))
	for i := range n {
		c.place = fmt.Sprintf("key %d", i)
		at := c.off
		key, err := c.string(maxKey, "the key")
		if err != nil {
			return err
		}
		c.place = fmt.Sprintf("key %d %q", i, clip(key))
		if key == "" {
			return &Error{Damaged, at, c.place, "the key is empty; the file is damaged"}
		}
		if first, ok := f.keys[key]; ok {
			return &Error{Damaged, at, c.place, fmt.Sprintf("the key was there before, as key %d; a file may have each key once", first)}
		}
		at = c.off
		m, err := c.pair(key)
		if err != nil {
			return err
		}
		if key == keyAlignment {
			if err := f.align(m, at, c.place); err != nil {
				return err
			}
		}
		f.keys[key] = len(f.meta)
		f.meta = append(f.meta, m)
	}
	c.place = ""
	return nil
}

// align takes general.alignment into account.
func (f *File) align(m quant.Meta, at int64, place string) error {
	a, ok := m.Value.(uint32)
	switch {
	case !ok:
		return &Error{Damaged, at, place, fmt.Sprintf("the value is of type %s and must be u32", m.Type)}
	case a == 0 || a&(a-1) != 0:
		return &Error{Damaged, at, place, fmt.Sprintf("the alignment is %d and must be a power of two", a)}
	}
	f.Alignment = int64(a)
	return nil
}

// pair reads the type and the value of a key.
func (c *cursor) pair(key string) (quant.Meta, error) {
	m := quant.Meta{Key: key}
	t, err := c.valueType("the type of its value")
	if err != nil {
		return m, err
	}
	if t != typeArray {
		m.Type = valueTypes[t].name
		m.Value, err = c.scalar(t)
		return m, err
	}
	if m.Value, err = c.array(1); err != nil {
		return m, err
	}
	m.Type, err = TypeOf(m.Value)
	return m, err
}

func (c *cursor) valueType(what string) (valueType, error) {
	at := c.off
	t, err := c.uint32(what)
	if err != nil {
		return 0, err
	}
	if t >= uint32(typeCount) {
		return 0, &Error{BadType, at, c.place, fmt.Sprintf("%s is %d, and there are 0 to %d; the file is damaged or newer than this program", what, t, typeCount-1)}
	}
	return valueType(t), nil
}

// scalar reads one value that is not an array.
func (c *cursor) scalar(t valueType) (any, error) {
	if t == typeString {
		return c.string(math.MaxInt64, "the string")
	}
	at := c.off
	b, err := c.take(valueTypes[t].size, "the value")
	if err != nil {
		return nil, err
	}
	switch t {
	case typeUint8:
		return b[0], nil
	case typeInt8:
		return int8(b[0]), nil
	case typeUint16:
		return c.order.Uint16(b), nil
	case typeInt16:
		return int16(c.order.Uint16(b)), nil
	case typeUint32:
		return c.order.Uint32(b), nil
	case typeInt32:
		return int32(c.order.Uint32(b)), nil
	case typeUint64:
		return c.order.Uint64(b), nil
	case typeInt64:
		return int64(c.order.Uint64(b)), nil
	case typeFloat32:
		return math.Float32frombits(c.order.Uint32(b)), nil
	case typeFloat64:
		return math.Float64frombits(c.order.Uint64(b)), nil
	default: // typeBool
		if b[0] > 1 {
			return nil, c.badBool(at, b[0])
		}
		return b[0] == 1, nil
	}
}

func (c *cursor) badBool(at int64, b byte) error {
	return &Error{Damaged, at, c.place, fmt.Sprintf("a bool is 0 or 1, and this one is %d; the file is damaged", b)}
}

// array reads an array: the type of its elements, their number, the elements.
func (c *cursor) array(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, c.fail(Damaged, "arrays are nested more than %d deep; the file is damaged or hostile", MaxDepth)
	}
	t, err := c.valueType("the type of the array's elements")
	if err != nil {
		return nil, err
	}
	at := c.off
	n, err := c.uint64("the length of the array")
	if err != nil {
		return nil, err
	}
	if room := c.left() / valueTypes[t].size; n > uint64(room) {
		return nil, &Error{Truncated, at, c.place, fmt.Sprintf("the file ends too early: the array is said to have %d elements, the file has room for %d at most; it is cut short or damaged", n, room)}
	}
	switch t {
	case typeString:
		return c.strings(int64(n))
	case typeArray:
		return c.nested(int64(n), depth)
	case typeBool:
		return c.bools(int64(n))
	}
	return c.numbers(t, int64(n))
}

func (c *cursor) strings(n int64) ([]string, error) {
	list := make([]string, 0, min(n, 1024))
	for range n {
		s, err := c.string(math.MaxInt64, "a string of the array")
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func (c *cursor) nested(n int64, depth int) (Nested, error) {
	list := make(Nested, 0, min(n, 1024))
	for range n {
		v, err := c.array(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (c *cursor) bools(n int64) ([]bool, error) {
	at := c.off
	raw, err := c.bytes(n, "the array")
	if err != nil {
		return nil, err
	}
	list := make([]bool, n)
	for i, b := range raw {
		if b > 1 {
			return nil, c.badBool(at+int64(i), b)
		}
		list[i] = b == 1
	}
	return list, nil
}

// numbers reads n numbers of type t.
func (c *cursor) numbers(t valueType, n int64) (any, error) {
	raw, err := c.bytes(n*valueTypes[t].size, "the array")
	if err != nil {
		return nil, err
	}
	switch t {
	case typeUint8:
		return raw, nil
	case typeInt8:
		return decode(raw, 1, func(b []byte) int8 { return int8(b[0]) }), nil
	case typeUint16:
		return decode(raw, 2, c.order.Uint16), nil
	case typeInt16:
		return decode(raw, 2, func(b []byte) int16 { return int16(c.order.Uint16(b)) }), nil
	case typeUint32:
		return decode(raw, 4, c.order.Uint32), nil
	case typeInt32:
		return decode(raw, 4, func(b []byte) int32 { return int32(c.order.Uint32(b)) }), nil
	case typeUint64:
		return decode(raw, 8, c.order.Uint64), nil
	case typeInt64:
		return decode(raw, 8, func(b []byte) int64 { return int64(c.order.Uint64(b)) }), nil
	case typeFloat32:
		return decode(raw, 4, func(b []byte) float32 { return math.Float32frombits(c.order.Uint32(b)) }), nil
	default: // typeFloat64
		return decode(raw, 8, func(b []byte) float64 { return math.Float64frombits(c.order.Uint64(b)) }), nil
	}
}

// decode turns raw, values of size bytes each, into a slice of them.
func decode[T any](raw []byte, size int, one func([]byte) T) []T {
	list := make([]T, len(raw)/size)
	for i := range list {
		list[i] = one(raw[i*size:])
	}
	return list
}
