package torch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

const (
	maxPickle = 64 << 20 // bytes of data.pkl
	maxSteps  = 4 << 20  // instructions, and values copied by them
)

// machine carries out the instructions of a pickle that build plain values.
type machine struct {
	b     []byte
	i     int // of the next byte
	op    int // of the instruction carried out
	stack []any
	marks []int // lengths of the stack
	memo  map[uint32]any
	steps int
}

// unpickle builds the value that a pickle describes.
func unpickle(b []byte) (any, error) {
	m := &machine{b: b, memo: map[uint32]any{}}
	for {
		m.op = m.i
		op, err := m.next(1)
		if err == nil && op[0] == '.' {
			v, err := m.pop()
			return v, m.place(err)
		}
		if err == nil {
			err = m.spend(1)
		}
		if err == nil {
			err = m.step(op[0])
		}
		if err != nil {
			return nil, m.place(err)
		}
	}
}

func (m *machine) place(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("data.pkl at byte %d %w", m.op, err)
}

// spend counts n steps of work and fails where they are too many.
func (m *machine) spend(n int) error {
	if m.steps += n; m.steps > maxSteps {
		return fmt.Errorf("passes %d steps: it describes more than a checkpoint of tensors does", maxSteps)
	}
	return nil
}

func (m *machine) next(n int) ([]byte, error) {
	if n > len(m.b)-m.i {
		return nil, fmt.Errorf("wants %d bytes more, but there are %d: the file is cut off; get it again", n, len(m.b)-m.i)
	}
	b := m.b[m.i : m.i+n]
	m.i += n
	return b, nil
}

// line is the text up to the next newline.
func (m *machine) line() (string, error) {
	n := bytes.IndexByte(m.b[m.i:], '\n')
	if n < 0 {
		return "", errors.New("has a name without an end")
	}
	b, err := m.next(n + 1)
	return string(b[:n]), err
}

// counted is text or bytes whose length stands before them in size bytes.
func (m *machine) counted(size int) ([]byte, error) {
	b, err := m.next(size)
	if err != nil {
		return nil, err
	}
	var wide [8]byte
	copy(wide[:], b)
	n := binary.LittleEndian.Uint64(wide[:])
	if n > uint64(len(m.b)) {
		n = uint64(len(m.b)) // next fails on it
	}
	return m.next(int(n))
}

func (m *machine) push(v any) error { m.stack = append(m.stack, v); return nil }

// pop takes the top of the stack, never past the last mark.
func (m *machine) pop() (any, error) {
	floor := 0
	if len(m.marks) > 0 {
		floor = m.marks[len(m.marks)-1]
	}
	if len(m.stack) <= floor {
		return nil, errors.New("takes a value where there is none: the file is damaged")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// top is the value on top of the stack.
func (m *machine) top() (any, error) {
	v, err := m.pop()
	if err == nil {
		m.stack = m.stack[:len(m.stack)+1]
	}
	return v, err
}

// marked takes everything above the last mark, and the mark.
func (m *machine) marked() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errors.New("takes values up to a mark where there is none: the file is damaged")
	}
	at := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	vs := append([]any(nil), m.stack[at:]...)
	m.stack = m.stack[:at]
	return vs, nil
}

// kinds are the groups of instructions; each says whether op is one of its own.
var kinds = []func(m *machine, op byte) (bool, error){
	(*machine).scalar, (*machine).long, (*machine).text, (*machine).container, (*machine).keep, (*machine).call,
}

// step carries out one instruction.
func (m *machine) step(op byte) error {
	for _, kind := range kinds {
		if done, err := kind(m, op); done || err != nil {
			return err
		}
	}
	if op >= ' ' && op < 0x7f {
		return fmt.Errorf("has instruction %q, which torch.save does not write; save it again with a newer PyTorch", op)
	}
	return fmt.Errorf("has instruction 0x%02x, which torch.save does not write; save it again with a newer PyTorch", op)
}

// scalar carries out what pushes a number, a boolean or None.
func (m *machine) scalar(op byte) (bool, error) {
	n := 0
	switch op {
	case 'N', 0x88, 0x89:
	case 'K', 0x80:
		n = 1
	case 'M':
		n = 2
	case 'J':
		n = 4
	case 'G', 0x95:
		n = 8
	default:
		return false, nil
	}
	b, err := m.next(n)
	if err != nil {
		return true, err
	}
	switch op {
	case 'N': // NONE
		return true, m.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return true, m.push(op == 0x88)
	case 'K': // BININT1
		return true, m.push(int64(b[0]))
	case 'M': // BININT2
		return true, m.push(int64(binary.LittleEndian.Uint16(b)))
	case 'J': // BININT
		return true, m.push(int64(int32(binary.LittleEndian.Uint32(b))))
	case 'G': // BINFLOAT
		return true, m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 0x80: // PROTO
		if b[0] < 2 || b[0] > 5 {
			return true, fmt.Errorf("has pickle protocol %d; 2 to 5 are read", b[0])
		}
	}
	return true, nil // FRAME only says how far to read ahead
}

// long carries out LONG1 and LONG4: whole numbers of any length.
func (m *machine) long(op byte) (bool, error) {
	var b []byte
	var err error
	switch op {
	case 0x8a:
		b, err = m.counted(1)
	case 0x8b:
		b, err = m.counted(4)
	default:
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if len(b) > 8 {
		if len(b) > 64 {
			return true, fmt.Errorf("has a whole number of %d bytes", len(b))
		}
		text := make([]byte, len(b))
		for i, v := range b {
			text[len(b)-1-i] = v
		}
		return true, m.push(opaque{"int", fmt.Sprintf("0x%x (two's complement)", text)})
	}
	v := uint64(0)
	if len(b) > 0 && b[len(b)-1] >= 0x80 {
		v = math.MaxUint64
	}
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return true, m.push(int64(v))
}

// text carries out what pushes a string or bytes.
func (m *machine) text(op byte) (bool, error) {
	size, raw := 0, false
	switch op {
	case 'U', 0x8c: // SHORT_BINSTRING, SHORT_BINUNICODE
		size = 1
	case 'T', 'X': // BINSTRING, BINUNICODE
		size = 4
	case 0x8d: // BINUNICODE8
		size = 8
	case 'C': // SHORT_BINBYTES
		size, raw = 1, true
	case 'B': // BINBYTES
		size, raw = 4, true
	case 0x8e, 0x96: // BINBYTES8, BYTEARRAY8
		size, raw = 8, true
	default:
		return false, nil
	}
	b, err := m.counted(size)
	if err != nil {
		return true, err
	}
	switch {
	case raw:
		return true, m.push(opaque{"bytes", string(b)})
	case !utf8.Valid(b):
		return true, errors.New("has text that is not UTF-8")
	}
	return true, m.push(string(b))
}
