//go:build first

package container

import "fewbits/quant"

// restore leaves the tensors as they are stored.
func (m *Model) restore(files []quant.File) ([]quant.File, error) { return files, nil }

// describe leaves the weights as they are. The program that the page starts
// with is built so: it stays small, and the whole one is fetched for a folder.
func (m *Model) describe([]quant.File) {
	m.Notes = append(m.Notes, "The tensors stand under their own names: this program does not read what describes them.")
}
