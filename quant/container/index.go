package container

import (
	"fmt"
	"path"
	"slices"

	"fewbits/quant"
	"fewbits/quant/container/joined"
	"fewbits/quant/safetensors"
)

// index opens what the folder's index names; nil where there is none, or none
// of its files and others.
func (p *pile) index() (*Model, error) {
	f, err := p.indexName()
	if f == nil || err != nil {
		return nil, err
	}
	x, err := safetensors.ReadIndex(f.R, f.Size)
	if err != nil {
		return nil, naming(f.Name, err)
	}
	var parts []joined.Part
	var files []quant.File
	var missing []string
	for _, name := range x.Files {
		name = path.Join(p.folder, name)
		at := p.find(name)
		if at == nil {
			missing = append(missing, name)
			continue
		}
		files = append(files, *at)
	}
	if none := len(files) == 0; none && len(p.of[safetensorsFile])+len(p.of[pytorchFile])+len(p.of[ggufFile]) > 0 {
		return nil, nil // left over from a model that is gone
	} else if none {
		return nil, fmt.Errorf("container: %q is the index of a model in %d files; open them with it: %s", f.Name, len(x.Files), list(x.Files))
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%w (%s names them)", missed(missing), path.Base(f.Name))
	}
	for _, f := range files {
		s, err := Open(f.Name, f.R, f.Size)
		if err != nil {
			return nil, naming(f.Name, err)
		}
		parts = append(parts, joined.Part{Name: f.Name, Source: s})
	}
	if err := p.check(x, parts); err != nil {
		return nil, err
	}
	m, err := join(parts[0].Source.Container(), parts, files, func(tensor string) string { return path.Join(p.folder, x.In[tensor]) })
	if err != nil {
		return nil, err
	}
	total := int64(0)
	for _, t := range m.Tensors() {
		total += t.Bytes
	}
	if x.Total >= 0 && x.Total != total {
		m.Notes = append(m.Notes, fmt.Sprintf("%s says that its tensors take %d bytes, and they take %d.", path.Base(f.Name), x.Total, total))
	}
	return m, nil
}

// indexName is the index of the folder, nil where it has none.
func (p *pile) indexName() (*quant.File, error) {
	all := p.of[indexFile]
	if len(all) == 0 {
		return nil, nil
	}
	for _, usual := range []string{"model.safetensors.index.json", "pytorch_model.bin.index.json"} {
		for i := range all {
			if path.Base(all[i].Name) == usual {
				return &all[i], nil
			}
		}
	}
	if len(all) > 1 {
		return nil, fmt.Errorf("container: there are %d indexes of models: %s; open the files of one alone", len(all), list(names(all)))
	}
	return &all[0], nil
}

func (p *pile) find(name string) *quant.File {
	for _, l := range [][]quant.File{p.all, p.below} {
		for i := range l {
			if l[i].Name == name {
				return &l[i]
			}
		}
	}
	return nil
}

// check wants every tensor of an index in the file that it names.
func (p *pile) check(x *safetensors.Index, parts []joined.Part) error {
	has := map[string]map[string]bool{}
	for _, part := range parts {
		in := map[string]bool{}
		for _, t := range part.Source.Tensors() {
			in[t.Name] = true
		}
		has[part.Name] = in
	}
	var lost []string
	for tensor, file := range x.In {
		if !has[path.Join(p.folder, file)][tensor] {
			lost = append(lost, tensor)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	slices.Sort(lost)
	return fmt.Errorf("container: %q has no tensor %q, though the index puts it there (%d such tensors); the files are of different models, or one is damaged", path.Join(p.folder, x.In[lost[0]]), lost[0], len(lost))
}

// missed says which files are not there.
func missed(missing []string) error {
	verb := "is missing; open it with the others"
	if len(missing) > 1 {
		verb = "are missing; open them with the others"
	}
	return fmt.Errorf("container: %s %s", list(missing), verb)
}
