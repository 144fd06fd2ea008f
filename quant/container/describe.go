//go:build !first

package container

import (
	"fewbits/quant"
	"fewbits/quant/checkpoint"
	"fewbits/quant/huggingface"
)

// restore shows the matrices of a quantized checkpoint as they were before. It
// returns the files beside the weights, which then tell of such a model.
func (m *Model) restore(files []quant.File) ([]quant.File, error) {
	if m.Container() != "safetensors" {
		return files, nil
	}
	s, err := checkpoint.Open(files, m.Source)
	if s == nil || err != nil {
		return files, err
	}
	m.Source = s
	return checkpoint.Plain(files)
}

// describe makes a model that runs of weights and what lies beside them.
func (m *Model) describe(files []quant.File) {
	s, err := huggingface.Open(files, m.Source)
	if err != nil {
		m.Notes = append(m.Notes, "The tensors stand under their own names, and nothing made of them runs as a model: "+err.Error()+".")
		return
	}
	m.Source, m.Notes = s, append(m.Notes, s.Notes...)
}
