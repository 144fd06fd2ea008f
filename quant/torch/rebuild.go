package torch

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"fewbits/quant/container/strided"
)

const (
	maxDims = 64
	// An expanded view costs a file nothing and may describe terabytes: past
	// modest values, no storage is repeated more than maxRepeat times.
	modest    = 1 << 26
	maxRepeat = 1 << 12
)

func first(_ *machine, args tuple) (any, error) { return args[0], nil }

// show makes a value that is only printed.
func show(kind string) func(*machine, tuple) (any, error) {
	return func(m *machine, args tuple) (any, error) {
		var parts []string
		for _, a := range args {
			switch v := a.(type) {
			case string, bool, int64, float64:
				parts = append(parts, fmt.Sprint(v))
			}
		}
		if kind == "bytes" && len(parts) > 1 {
			parts = parts[:1] // the other is the encoding
		}
		text := strings.Join(parts, ":")
		return opaque{kind, text}, m.spend(len(text))
	}
}

// dictOf is a dict of what its argument holds: pairs, or another dict.
func (m *machine) dictOf(args tuple) (any, error) {
	d := &dict{}
	if len(args) == 0 {
		return d, nil
	}
	if from, ok := args[0].(*dict); ok {
		for i, k := range from.keys {
			d.set(k, from.vals[i])
		}
		return d, m.spend(len(from.keys))
	}
	items, ok := itemsOf(args[0])
	if !ok {
		return nil, errors.New("its argument is no list of pairs")
	}
	for _, it := range items {
		pair, ok := itemsOf(it)
		if !ok || len(pair) != 2 {
			return nil, errors.New("its argument is no list of pairs")
		}
		d.set(pair[0], pair[1])
	}
	return d, m.spend(len(items))
}

func (m *machine) listOf(args tuple) (any, error) {
	if len(args) == 0 {
		return &list{}, nil
	}
	items, ok := itemsOf(args[0])
	if !ok {
		return nil, errors.New("its argument is no list")
	}
	return &list{append([]any(nil), items...)}, m.spend(len(items))
}

func itemsOf(v any) ([]any, bool) {
	switch v := v.(type) {
	case tuple:
		return v, true
	case *list:
		return v.items, true
	}
	return nil, false
}

// parameter is the tensor that a parameter wraps.
func parameter(_ *machine, args tuple) (any, error) {
	t, ok := args[0].(*tensor)
	if !ok {
		return nil, errors.New("its argument is no tensor")
	}
	return t, nil
}

// rebuild is a tensor of (storage, offset, size, stride, …); the last of seven
// arguments says whether its values are to be negated or conjugated.
func rebuild(_ *machine, args tuple) (any, error) {
	s, ok := args[0].(*storage)
	if !ok {
		return nil, errors.New("its first argument is no storage")
	}
	if s.elem.size == 0 {
		return nil, errors.New("its storage has no type")
	}
	return view(s, s.elem, args, 6)
}

// rebuildTyped is a tensor of (storage, offset, size, stride, …, …, dtype, …).
func rebuildTyped(_ *machine, args tuple) (any, error) {
	s, ok := args[0].(*storage)
	if !ok {
		return nil, errors.New("its first argument is no storage")
	}
	e, err := elementOf(args[6])
	if err != nil {
		return nil, err
	}
	return view(s, e, args, 7)
}

func rebuildQuantized(_ *machine, args tuple) (any, error) {
	s, ok := args[0].(*storage)
	if !ok || s.elem.size == 0 {
		return nil, errors.New("its first argument is no storage with a type")
	}
	return view(s, s.elem, args, len(args))
}

// rebuildMeta is a tensor of (dtype, size, stride, …) that has no values.
func rebuildMeta(_ *machine, args tuple) (any, error) {
	e, err := elementOf(args[0])
	if err != nil {
		return nil, err
	}
	shape, err := dims(args[1])
	if err != nil {
		return nil, err
	}
	return &tensor{elem: e, shape: shape, why: "has no values: it was saved from the meta device"}, nil
}

// rebuildSparse is a tensor of (layout, (…, values, size, …)), described by
// its values' type and its size.
func rebuildSparse(_ *machine, args tuple) (any, error) {
	t := &tensor{why: "is sparse; save its .to_dense()"}
	parts, _ := args[1].(tuple)
	for _, p := range parts {
		switch p := p.(type) {
		case *tensor:
			t.elem = p.elem
		case tuple:
			shape, err := dims(p)
			if err != nil {
				return nil, err
			}
			t.shape = shape
		}
	}
	if t.shape == nil {
		return nil, errors.New("it has no size")
	}
	return t, nil
}

// view is a tensor of (storage, offset, size, stride, …) of values e. The
// argument at meta, where there is one, says what else is done to the values.
func view(s *storage, e element, args tuple, meta int) (any, error) {
	offset, ok := args[1].(int64)
	if !ok || offset < 0 {
		return nil, errors.New("its offset is no whole number ≥ 0")
	}
	shape, err := dims(args[2])
	if err != nil {
		return nil, err
	}
	steps, err := numbers(args[3])
	if err != nil {
		return nil, err
	}
	t := &tensor{from: s, elem: e, offset: offset, shape: shape, why: e.unreadable()}
	for _, n := range steps {
		t.strides = append(t.strides, int64(n))
	}
	n, err := strided.Extent(shape, t.strides)
	if err != nil {
		return nil, err
	}
	held := s.bytes / int64(e.size)
	if t.why == "" && (n > held || offset > held-n) {
		return nil, fmt.Errorf("shape %v with strides %v from value %d reaches past the %d values of storage %q", shape, t.strides, offset, held, s.key)
	}
	if count, _ := strided.Size(shape); t.why == "" && count > modest && int64(count)/maxRepeat > held {
		t.why = fmt.Sprintf("repeats the %d values of its storage to %d; save its .contiguous()", held, count)
	}
	if meta < len(args) {
		if d, ok := args[meta].(*dict); ok {
			for i, k := range d.keys {
				if k == any("neg") && d.vals[i] == any(true) && t.why == "" {
					t.why = "is a negated view; save its .resolve_neg()"
				}
			}
		}
	}
	return t, nil
}

// dims reads a size whose values can be counted.
func dims(v any) ([]int, error) {
	out, err := numbers(v)
	if err == nil {
		_, err = strided.Size(out)
	}
	return out, err
}

// numbers reads a size or a stride: a tuple of whole numbers ≥ 0.
func numbers(v any) ([]int, error) {
	items, ok := itemsOf(v)
	if !ok || len(items) > maxDims {
		return nil, fmt.Errorf("a size is no tuple of at most %d numbers", maxDims)
	}
	out := make([]int, len(items))
	for i, it := range items {
		n, ok := it.(int64)
		if !ok || n < 0 || n > math.MaxInt {
			return nil, errors.New("a size has a dimension that is no whole number ≥ 0, or one larger than this machine can count")
		}
		out[i] = int(n)
	}
	return out, nil
}

func elementOf(v any) (element, error) {
	g, _ := v.(global)
	e, ok := elements[g.name]
	if !ok || g.module != "torch" {
		return element{}, fmt.Errorf("its type %s is not known", g)
	}
	return e, nil
}
