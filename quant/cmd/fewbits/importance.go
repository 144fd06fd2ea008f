package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/imatrix"
	"fewbits/quant/npy"
)

// importance is where the importance of columns comes from: a matrix by the
// tensors' names, or one vector for the only tensor; neither for none.
type importance struct {
	path   string
	matrix *imatrix.Matrix
	vector []float32
}

// importance reads what -imatrix names.
func (c *call) importance() (*importance, error) {
	v := &importance{path: c.flags["imatrix"]}
	if v.path == "" {
		return v, nil
	}
	f, size, err := openFile(v.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if strings.HasSuffix(strings.ToLower(v.path), ".npy") {
		var src *npy.File
		if src, err = npy.Open(f, size); err == nil {
			v.vector, err = weights(src)
		}
	} else {
		v.matrix, err = imatrix.Open(f, size)
	}
	return v, named(v.path, err)
}

// weights reads a vector of importance.
func weights(src *npy.File) ([]float32, error) {
	t, err := quant.ReadTensor(src, 0)
	if err != nil {
		return nil, err
	}
	if t.Len() == 0 {
		return nil, errors.New("the array is empty; an importance has one weight a column")
	}
	for i, w := range t.Data {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			return nil, fmt.Errorf("weight %d is %v; weights are finite and not negative", i, w)
		}
	}
	return t.Data, nil
}

func (v *importance) none() bool { return v.matrix == nil && v.vector == nil }

// of are the weights of a tensor: one a column, or one a column for each
// outermost index of three dimensions (the experts). They are nil where there
// are none for it.
func (v *importance) of(name string, shape []int) ([]float32, error) {
	w := v.vector
	if v.matrix != nil {
		w = v.matrix.Weights[name]
	}
	if err := imatrix.Fit(w, name, shape); err != nil {
		return nil, fmt.Errorf("%s has %w", v.path, err)
	}
	return w, nil
}

// must is of for a tensor that was asked for by itself: no weights at all are
// a fault then.
func (v *importance) must(name string, shape []int) ([]float32, error) {
	w, err := v.of(name, shape)
	if w != nil || err != nil || v.none() {
		return w, err
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for n := range v.matrix.Weights {
			if !yield(n) {
				return
			}
		}
	})
	return nil, fmt.Errorf("%s has no weights for tensor %q; it has them for %s, the first %q", v.path, name, plural(len(names), "tensor"), names[0])
}
