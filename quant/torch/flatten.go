package torch

import (
	"errors"
	"fmt"
	"strconv"

	"fewbits/quant"
)

const (
	maxDepth   = 100
	maxValues  = 1 << 20
	maxTensors = 1 << 17
	maxNames   = 32 << 20 // bytes of all names together
)

// found is a tensor and its name.
type found struct {
	name string
	t    *tensor
}

// walker gathers what a checkpoint holds, under dotted names.
type walker struct {
	tensors []found
	meta    []quant.Meta
	values  int
	names   int
}

// flatten finds the tensors of a value and the plain values beside them:
// {"model": {"fc.weight": t}, "epoch": 3} has the tensor model.fc.weight and
// the value epoch.
func flatten(root any) (*walker, error) {
	w := &walker{}
	if err := w.walk("", root, 0); err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	return w, nil
}

func (w *walker) walk(path string, v any, depth int) error {
	w.values++
	w.names += len(path)
	switch {
	case depth > maxDepth:
		return fmt.Errorf("values are nested more than %d deep, or hold themselves", maxDepth)
	case w.values > maxValues:
		return fmt.Errorf("there are more than %d values", maxValues)
	case w.names > maxNames:
		return fmt.Errorf("the names take more than %d bytes", maxNames)
	}
	switch v := v.(type) {
	case *tensor:
		if len(w.tensors) == maxTensors {
			return fmt.Errorf("there are more than %d tensors", maxTensors)
		}
		w.tensors = append(w.tensors, found{or(path, "tensor"), v})
		return nil
	case *object:
		return w.walk(path, v.state, depth+1)
	case *dict:
		for i, k := range v.keys {
			if err := w.walk(join(path, keyText(k)), v.vals[i], depth+1); err != nil {
				return err
			}
		}
		return nil
	case tuple:
		return w.items(path, v, depth)
	case *list:
		return w.items(path, v.items, depth)
	}
	kind, value, err := plain(v)
	if err != nil {
		return err
	}
	w.meta = append(w.meta, quant.Meta{Key: or(path, "value"), Type: kind, Value: value})
	return nil
}

// items walks a list: one value where its items are numbers or texts of one
// kind, else each by its index.
func (w *walker) items(path string, vs []any, depth int) error {
	w.values += len(vs)
	if value, kind := uniform(vs); value != nil {
		w.meta = append(w.meta, quant.Meta{Key: or(path, "value"), Type: "[" + kind + "]", Value: value})
		return nil
	}
	for i, v := range vs {
		if err := w.walk(join(path, strconv.Itoa(i)), v, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// uniform is vs as a slice of one type, nil where there is none.
func uniform(vs []any) (any, string) {
	if len(vs) == 0 {
		return []string{}, ""
	}
	switch vs[0].(type) {
	case int64:
		return slice[int64](vs, "int")
	case float64:
		return slice[float64](vs, "float")
	case bool:
		return slice[bool](vs, "bool")
	case string:
		return slice[string](vs, "str")
	}
	return nil, ""
}

func slice[T any](vs []any, kind string) (any, string) {
	out := make([]T, len(vs))
	for i, v := range vs {
		t, ok := v.(T)
		if !ok {
			return nil, ""
		}
		out[i] = t
	}
	return out, kind
}

// plain is a value that is no tensor and holds none, and its Python type.
func plain(v any) (kind string, value any, err error) {
	switch v := v.(type) {
	case nil:
		return "NoneType", "None", nil
	case bool:
		return "bool", v, nil
	case int64:
		return "int", v, nil
	case float64:
		return "float", v, nil
	case string:
		return "str", v, nil
	case opaque:
		return v.kind, v.text, nil
	case global:
		return "class", v.String(), nil
	case *storage:
		return "storage", "data/" + v.key, nil
	}
	return "", nil, errors.New("holds a value of no known kind")
}

func keyText(k any) string {
	if _, v, err := plain(k); err == nil {
		return fmt.Sprint(v)
	}
	return "?"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
