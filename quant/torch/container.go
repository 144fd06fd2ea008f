package torch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// container carries out what builds tuples, lists and dicts. Sets are lists.
func (m *machine) container(op byte) (bool, error) {
	switch op {
	case '(': // MARK
		m.marks = append(m.marks, len(m.stack))
	case ')': // EMPTY_TUPLE
		return true, m.push(tuple{})
	case ']', 0x8f: // EMPTY_LIST, EMPTY_SET
		return true, m.push(&list{})
	case '}': // EMPTY_DICT
		return true, m.push(&dict{})
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		return true, m.tupleOf(int(op) - 0x84)
	case 't', 'l', 0x91: // TUPLE, LIST, FROZENSET
		vs, err := m.marked()
		if err != nil {
			return true, err
		}
		if op == 't' {
			return true, m.push(tuple(vs))
		}
		return true, m.push(&list{vs})
	case 'a': // APPEND
		v, err := m.pop()
		if err != nil {
			return true, err
		}
		return true, m.extend([]any{v})
	case 'e', 0x90: // APPENDS, ADDITEMS
		vs, err := m.marked()
		if err != nil {
			return true, err
		}
		return true, m.extend(vs)
	case 'd', 's', 'u': // DICT, SETITEM, SETITEMS
		return true, m.pairs(op)
	default:
		return false, nil
	}
	return true, nil
}

func (m *machine) tupleOf(n int) error {
	t := make(tuple, n)
	for i := n - 1; i >= 0; i-- {
		v, err := m.pop()
		if err != nil {
			return err
		}
		t[i] = v
	}
	return m.push(t)
}

// extend appends to the list on top of the stack.
func (m *machine) extend(vs []any) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	l, ok := v.(*list)
	if !ok {
		return errors.New("appends to a value that is no list")
	}
	l.items = append(l.items, vs...)
	return nil
}

// pairs carries out what puts keys and values into a dict.
func (m *machine) pairs(op byte) error {
	var vs []any
	var err error
	if op == 's' {
		vs = make([]any, 2)
		if vs[1], err = m.pop(); err == nil {
			vs[0], err = m.pop()
		}
	} else {
		vs, err = m.marked()
	}
	if err != nil {
		return err
	}
	if op == 'd' {
		m.push(&dict{})
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	d, ok := v.(*dict)
	if !ok {
		return errors.New("sets an item of a value that is no dict")
	}
	if len(vs)%2 != 0 {
		return errors.New("has a key without a value")
	}
	for i := 0; i < len(vs); i += 2 {
		d.set(vs[i], vs[i+1])
	}
	return nil
}

// keep carries out what moves values between the stack and the memo.
func (m *machine) keep(op byte) (bool, error) {
	switch op {
	case '0': // POP
		if n := len(m.marks); n > 0 && m.marks[n-1] == len(m.stack) {
			m.marks = m.marks[:n-1]
			return true, nil
		}
		_, err := m.pop()
		return true, err
	case '1': // POP_MARK
		_, err := m.marked()
		return true, err
	case '2': // DUP
		v, err := m.top()
		if err != nil {
			return true, err
		}
		return true, m.push(v)
	case 'h', 'j', 'q', 'r', 0x94: // BINGET, LONG_BINGET, BINPUT, LONG_BINPUT, MEMOIZE
	default:
		return false, nil
	}
	key, err := m.key(op)
	if err != nil {
		return true, err
	}
	if op == 'h' || op == 'j' {
		v, ok := m.memo[key]
		if !ok {
			return true, fmt.Errorf("asks for value %d, which was never kept: the file is damaged", key)
		}
		return true, m.push(v)
	}
	v, err := m.top()
	if err != nil {
		return true, err
	}
	m.memo[key] = v
	return true, nil
}

// key is the place in the memo that an instruction means.
func (m *machine) key(op byte) (uint32, error) {
	switch op {
	case 'h', 'q':
		b, err := m.next(1)
		if err != nil {
			return 0, err
		}
		return uint32(b[0]), nil
	case 'j', 'r':
		b, err := m.next(4)
		if err != nil {
			return 0, err
		}
		return binary.LittleEndian.Uint32(b), nil
	}
	return uint32(len(m.memo)), nil
}
