package huggingface

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"fewbits/quant/internal/json"
)

// maxTree bounds the files that are read as a tree.
const maxTree = 64 << 20

// object is an object of a small file of JSON. A key whose value is null
// counts as missing, as it does to transformers.
type object struct {
	file string // for messages
	path string // of the object in it, with a dot behind; "" for the file
	m    map[string]any
}

// parseObject reads a file that is one object.
func parseObject(file string, b []byte) (object, error) {
	if len(b) > maxTree {
		return object{}, fmt.Errorf("%s has %d bytes, more than the %d that are read of such a file", file, len(b), maxTree)
	}
	r := json.New(file, bytes.NewReader(b), 0, int64(len(b)))
	v, err := r.Value()
	if err != nil {
		return object{}, err
	}
	if err := r.End(); err != nil {
		return object{}, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return object{}, fmt.Errorf("%s: an object, in braces, should stand here", file)
	}
	return object{file: file, m: m}, nil
}

// fail is an error about a key.
func (o object) fail(key, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %s", o.file, o.path+key, fmt.Sprintf(format, args...))
}

// has says whether a key has a value.
func (o object) has(key string) bool { return o.m[key] != nil }

// wrong is an error about a value of another kind than it should be.
func (o object) wrong(key, want string) error {
	return o.fail(key, "%s should stand here", want)
}

// object is the object under a key; its m is nil where there is none.
func (o object) object(key string) (object, error) {
	sub := object{file: o.file, path: o.path + key + "."}
	v := o.m[key]
	m, ok := v.(map[string]any)
	if v != nil && !ok {
		return sub, o.wrong(key, "an object, in braces,")
	}
	sub.m = m
	return sub, nil
}

// text is a string, or missing.
func (o object) text(key, missing string) (string, error) {
	v := o.m[key]
	if v == nil {
		return missing, nil
	}
	s, ok := v.(string)
	if !ok {
		return "", o.wrong(key, "a string")
	}
	return s, nil
}

// firstText is the first of a list of strings, "" where there is none.
func (o object) firstText(key string) (string, error) {
	v := o.m[key]
	if v == nil {
		return "", nil
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return "", o.wrong(key, "a list of strings")
	}
	s, ok := list[0].(string)
	if !ok {
		return "", o.wrong(key, "a list of strings")
	}
	return s, nil
}

// flag is true or false, or missing.
func (o object) flag(key string, missing bool) (bool, error) {
	v := o.m[key]
	if v == nil {
		return missing, nil
	}
	b, ok := v.(bool)
	if !ok {
		return false, o.wrong(key, "true or false")
	}
	return b, nil
}

// integer is a whole number from least to most, or missing.
func (o object) integer(key string, missing, least, most int) (int, error) {
	v := o.m[key]
	if v == nil {
		return missing, nil
	}
	n, _ := v.(json.Number)
	i, ok := n.Int()
	if !ok || i < int64(least) || i > int64(most) {
		return 0, o.fail(key, "a whole number from %d to %d should stand here", least, most)
	}
	return int(i), nil
}

// must is integer for a key that has to be there.
func (o object) must(key string, most int) (int, error) {
	n, err := o.integer(key, 0, 1, most)
	if err == nil && n == 0 {
		err = o.fail(key, "the key is missing; without it the model's shape is not known")
	}
	return n, err
}

// float is a number above 0 that a float32 holds, or missing.
func (o object) float(key string, missing float64) (float64, error) {
	v := o.m[key]
	if v == nil {
		return missing, nil
	}
	f, ok := number(v)
	if !ok || f <= 0 || f > math.MaxFloat32 || float32(f) == 0 {
		return 0, o.fail(key, "a number above 0 should stand here")
	}
	return f, nil
}

// floats is a list of numbers above 0, nil where there is none.
func (o object) floats(key string) ([]float32, error) {
	v := o.m[key]
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, o.wrong(key, "a list of numbers")
	}
	out := make([]float32, len(list))
	for i, v := range list {
		f, ok := number(v)
		if !ok || f <= 0 || f > math.MaxFloat32 || float32(f) == 0 {
			return nil, o.fail(key, "number %d of the list should be a number above 0", i)
		}
		out[i] = float32(f)
	}
	return out, nil
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	return n.Float()
}

// clip shortens a text out of a file so that it can stand in a message.
func clip(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "..."
	}
	return s
}
