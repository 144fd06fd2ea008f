//go:build first

package container

import (
	"slices"
	"strings"

	"fewbits/quant"
)

// marks are what the names of tensors end in that are parts of a quantized
// matrix of another project; see package checkpoint.
var marks = []string{".qweight", ".weight.absmax", ".SCB", ".weight_packed", ".weight_scale", ".W_q", ".biases"}

// restore leaves what describes a model, and quantized matrices, to the whole
// program. The program that the page starts with is built so: it stays small.
func (m *Model) restore(files []quant.File) ([]quant.File, error) {
	described := m.Container() != "gguf" && slices.ContainsFunc(files, func(f quant.File) bool { return kindOf(f.Name) == configFile })
	if described || m.Container() == "safetensors" && slices.ContainsFunc(m.Tensors(), func(t quant.TensorInfo) bool {
		return slices.ContainsFunc(marks, func(mark string) bool { return strings.HasSuffix(t.Name, mark) })
	}) {
		return nil, ErrWhole
	}
	return files, nil
}

// describe has nothing left to do.
func (m *Model) describe([]quant.File) {}
