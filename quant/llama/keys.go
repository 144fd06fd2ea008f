package llama

import (
	"fmt"
	"math"

	"fewbits/quant"
)

// keys is the metadata of a file by key.
type keys map[string]quant.Meta

func keysOf(src quant.Source) keys {
	k := make(keys)
	for _, m := range src.Metadata() {
		k[m.Key] = m
	}
	return k
}

// text is a string, or otherwise where the key is missing.
func (k keys) text(key, otherwise string) (string, error) {
	m, ok := k[key]
	if !ok {
		return otherwise, nil
	}
	s, ok := m.Value.(string)
	if !ok {
		return "", fmt.Errorf("llama: key %s is of type %s, and a string is wanted", key, m.Type)
	}
	return s, nil
}

// number is a whole number from least to most, or otherwise where the key is
// missing. Of an array, which has one value a layer, all must be the same.
func (k keys) number(key string, least, most, otherwise int) (int, error) {
	m, ok := k[key]
	if !ok {
		return otherwise, nil
	}
	n, ok := m.Int()
	if !ok {
		var err error
		if n, err = same(m); err != nil {
			return 0, err
		}
	}
	if n < int64(least) || n > int64(most) {
		return 0, fmt.Errorf("llama: key %s is %d, and %d to %d are possible", key, n, least, most)
	}
	return int(n), nil
}

// must is number for a key that may not be missing.
func (k keys) must(key string, least, most int) (int, error) {
	if _, ok := k[key]; !ok {
		return 0, fmt.Errorf("llama: key %s is missing; the file does not say how its model is built", key)
	}
	return k.number(key, least, most, 0)
}

func same(m quant.Meta) (int64, error) {
	var all []int64
	switch v := m.Value.(type) {
	case []uint32:
		all = widen(v)
	case []int32:
		all = widen(v)
	case []uint64:
		all = widen(v)
	case []int64:
		all = v
	default:
		return 0, fmt.Errorf("llama: key %s is of type %s, and a whole number is wanted", m.Key, m.Type)
	}
	if len(all) == 0 {
		return 0, fmt.Errorf("llama: key %s is an empty array", m.Key)
	}
	for _, n := range all {
		if n != all[0] {
			return 0, fmt.Errorf("llama: key %s differs between layers (%d, %d), and such models are not run here", m.Key, all[0], n)
		}
	}
	return all[0], nil
}

func widen[T uint32 | int32 | uint64](v []T) []int64 {
	list := make([]int64, len(v))
	for i, n := range v {
		list[i] = int64(n)
	}
	return list
}

// float is a finite number, or otherwise where the key is missing.
func (k keys) float(key string, otherwise float32) (float32, error) {
	m, ok := k[key]
	if !ok {
		return otherwise, nil
	}
	var f float64
	switch v := m.Value.(type) {
	case float32:
		f = float64(v)
	case float64:
		f = v
	default:
		n, ok := m.Int()
		if !ok {
			return 0, fmt.Errorf("llama: key %s is of type %s, and a number is wanted", key, m.Type)
		}
		f = float64(n)
	}
	if math.IsNaN(f) || math.Abs(f) > math.MaxFloat32 {
		return 0, fmt.Errorf("llama: key %s is %v, and a finite number is wanted", key, f)
	}
	return float32(f), nil
}

// flag is a bool, or otherwise where the key is missing.
func (k keys) flag(key string, otherwise bool) (bool, error) {
	m, ok := k[key]
	if !ok {
		return otherwise, nil
	}
	b, ok := m.Value.(bool)
	if !ok {
		return false, fmt.Errorf("llama: key %s is of type %s, and a bool is wanted", key, m.Type)
	}
	return b, nil
}
