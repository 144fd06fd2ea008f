// Package joined makes one source of several files that hold parts of it.
package joined

import (
	"fmt"

	"fewbits/quant"
)

// Part is one of the files.
type Part struct {
	Name   string // of the file, in messages
	Source quant.Source
}

// Source is the tensors of all parts, in their order.
type Source struct {
	kind  string
	meta  []quant.Meta
	parts []Part
	infos []quant.TensorInfo
	at    []place
}

// place is where a tensor lies.
type place struct{ part, index int }

var _ quant.Source = (*Source)(nil)

// New joins parts to a source of a kind with that metadata. owner says in
// which part a name lies that two have, by the part's name, and may be nil;
// where it does not say, such a name is an error that names both.
func New(kind string, meta []quant.Meta, parts []Part, owner func(tensor string) string) (*Source, error) {
	s := &Source{kind: kind, meta: meta, parts: parts}
	seen := map[string]int{}
	for p, part := range parts {
		for i, info := range part.Source.Tensors() {
			info.File = part.Name
			first, twice := seen[info.Name]
			if !twice {
				seen[info.Name] = len(s.infos)
				s.infos, s.at = append(s.infos, info), append(s.at, place{p, i})
				continue
			}
			other := parts[s.at[first].part].Name
			mine := ""
			if owner != nil {
				mine = owner(info.Name)
			}
			switch mine {
			case other: // this one is a copy that does not count
			case part.Name:
				s.infos[first], s.at[first] = info, place{p, i}
			default:
				return nil, fmt.Errorf("tensor %q is in %q and in %q; open files of one model alone", clip(info.Name), other, part.Name)
			}
		}
	}
	return s, nil
}

func clip(name string) string {
	if len(name) > 80 {
		name = name[:77] + "..."
	}
	return name
}

// Container is the kind of the parts.
func (s *Source) Container() string { return s.kind }

// Metadata is that of the whole.
func (s *Source) Metadata() []quant.Meta { return s.meta }

// Tensors describes every tensor. Offset is in the file that File names.
func (s *Source) Tensors() []quant.TensorInfo { return s.infos }

// ReadRows reads rows of tensor i, as quant.Source has it.
func (s *Source) ReadRows(i, row, n int, dst []float32) error {
	p, err := s.find(i)
	if err != nil {
		return err
	}
	return s.named(p, s.parts[p.part].Source.ReadRows(p.index, row, n, dst))
}

// ReadRaw reads bytes of tensor i, as quant.Source has it.
func (s *Source) ReadRaw(i int, off int64, dst []byte) error {
	p, err := s.find(i)
	if err != nil {
		return err
	}
	return s.named(p, s.parts[p.part].Source.ReadRaw(p.index, off, dst))
}

func (s *Source) find(i int) (place, error) {
	if i < 0 || i >= len(s.at) {
		return place{}, fmt.Errorf("%s: there is no tensor %d; the files have %d", s.kind, i, len(s.infos))
	}
	return s.at[i], nil
}

// named says in which file something went wrong.
func (s *Source) named(p place, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", s.parts[p.part].Name, err)
}
