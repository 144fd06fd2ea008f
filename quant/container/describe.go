//go:build !first

package container

import "fewbits/quant/huggingface"

// describe makes a model that runs of weights and what lies beside them.
func (m *Model) describe(p *pile) {
	s, err := huggingface.Open(p.all, m.Source)
	if err != nil {
		m.Notes = append(m.Notes, "The tensors stand under their own names, and nothing made of them runs as a model: "+err.Error()+".")
		return
	}
	m.Source, m.Notes = s, append(m.Notes, s.Notes...)
}
