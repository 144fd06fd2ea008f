package container

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container/joined"
	"fewbits/quant/gguf"
)

// Model is what Files opens: a source, and where it comes from.
type Model struct {
	quant.Source
	Files []quant.File // that are read; the others play no part
	All   []quant.File // that were given, or that the archive given holds
	Notes []string     // what a person should know of it, a sentence each
	Lack  error        // what it lacks to be a whole model: the other parts of a split one
}

// Size is the bytes of all files that hold tensors.
func (m *Model) Size() int64 {
	n := int64(0)
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// OpenFiles is Files without what is known beside the source.
func OpenFiles(files []quant.File) (quant.Source, error) {
	m, err := Files(files)
	if err != nil {
		return nil, err
	}
	return m.Source, nil
}

// Files opens several files as one model: the parts of a split GGUF file, in
// any order; a Hugging Face folder, or the shards of one with their index or
// without; or other files of one kind, whose tensors are joined. Of folders
// within folders the outermost that holds weights counts. Files that play no
// part are left alone. A single file is opened as Open opens it.
//
// Where config.json says what a model is, and its architecture is known, the
// source is a GGUF model; else the tensors have the names of their files, and
// a note says why. Matrices that are quantized as other projects do it, in
// several tensors each, are shown as one: see package checkpoint. A zip archive
// whose weights are stored as they are opens as the folder that it holds.
func Files(files []quant.File) (*Model, error) {
	if len(files) == 1 && kindOf(clean(files[0].Name)) != indexFile {
		list, err := unzipped(files[0])
		if err != nil {
			return nil, err
		}
		if list == nil {
			return openOne(files)
		}
		files = list
	}
	p := sort(files)
	if p == nil {
		return nil, nothing(files)
	}
	m, err := p.open()
	if err != nil {
		return nil, err
	}
	m.All = files
	beside, err := m.restore(p.all)
	if err != nil {
		return nil, err
	}
	if p.config && m.Container() != "gguf" {
		m.describe(beside)
	}
	return m, nil
}

// openOne opens a file as it is, a part of a split model too.
func openOne(files []quant.File) (*Model, error) {
	s, err := Open(files[0].Name, files[0].R, files[0].Size)
	if err != nil {
		return nil, err
	}
	m := &Model{Source: s, Files: files, All: files}
	if _, err := m.restore(files); err != nil {
		return nil, err
	}
	if g, ok := s.(*gguf.File); ok {
		if _, count := g.Split(); count > 1 {
			_, m.Lack = gguf.OpenSplit(files)
			m.Notes = append(m.Notes, "This is one part of a model in several files; only its own tensors are here.")
		}
	}
	return m, nil
}

// open opens the weights of the folder.
func (p *pile) open() (*Model, error) {
	g, s := p.of[ggufFile], p.of[safetensorsFile]
	if x, err := p.index(); x != nil || err != nil {
		return x, err
	}
	switch {
	case len(g) > 0 && len(s) > 0 && !p.config:
		return nil, fmt.Errorf("container: there are GGUF files and safetensors files, %q and %q among them; open those of one model alone", g[0].Name, s[0].Name)
	case len(g) > 0 && len(s) == 0:
		return openGGUF(g)
	case len(s) > 0:
		m, err := p.shards("safetensors", s, "model.safetensors")
		if err == nil && len(g) > 0 {
			m.Notes = append(m.Notes, fmt.Sprintf("%s lies in the folder too and is not opened.", path.Base(g[0].Name)))
		}
		return m, err
	case len(p.of[pytorchFile]) > 0:
		return p.shards("pytorch", p.pytorch(), "pytorch_model.bin")
	case len(p.of[arrayFile]) > 0:
		return joinAll("", p.of[arrayFile])
	}
	return nil, nothing(p.all)
}

// openGGUF opens the parts of a split file, or the only file.
func openGGUF(files []quant.File) (*Model, error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f quant.File) bool {
		return len(files) > 1 && strings.HasPrefix(strings.ToLower(path.Base(f.Name)), "mmproj") // of the same model, for pictures
	})
	if len(files) == 1 {
		m, err := openOne(files)
		if err == nil && m.Lack != nil {
			return nil, m.Lack
		}
		return m, err
	}
	if !slices.ContainsFunc(files, func(f quant.File) bool { _, _, _, _, ok := gguf.SplitName(f.Name); return ok }) && !split(files) {
		return nil, fmt.Errorf("container: there are %d models: %s; open one of them", len(files), list(names(files)))
	}
	s, err := source(gguf.OpenSplit(files))
	if err != nil {
		return nil, err
	}
	return &Model{Source: s, Files: files}, nil
}

// split says whether one of the files is a part of a model.
func split(files []quant.File) bool {
	for _, f := range files {
		if g, err := gguf.Open(f.R, f.Size); err == nil {
			if _, count := g.Split(); count > 1 {
				return true
			}
		}
	}
	return false
}

// pytorch is the files that hold weights, not those that training leaves
// beside them.
func (p *pile) pytorch() []quant.File {
	all := p.of[pytorchFile]
	if !p.config {
		return all
	}
	var list []quant.File
	for _, f := range all {
		if strings.HasPrefix(path.Base(f.Name), "pytorch_model") {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return all
	}
	return list
}

// shards opens files of one kind without an index: the one that such a folder
// calls its model, or its numbered parts, or all there are.
func (p *pile) shards(container string, files []quant.File, whole string) (*Model, error) {
	if p.config {
		for _, f := range files {
			if path.Base(f.Name) == whole {
				files = []quant.File{f}
				break
			}
		}
	}
	numbered, err := numberedOf(files)
	if err != nil {
		return nil, err
	}
	if numbered != nil && (p.config || len(numbered) == len(files)) {
		files = numbered
	}
	return joinAll(container, files)
}

// numberedOf is the numbered parts among files, in order, all there; nil
// where there are none or several such sets.
func numberedOf(files []quant.File) ([]quant.File, error) {
	sets := map[string][]quant.File{}
	var key string
	for _, f := range files {
		if prefix, _, count, _, ok := gguf.SplitName(f.Name); ok {
			key = fmt.Sprintf("%s/%d", prefix, count)
			sets[key] = append(sets[key], f)
		}
	}
	if len(sets) != 1 {
		return nil, nil
	}
	parts := sets[key]
	prefix, _, count, ending, _ := gguf.SplitName(parts[0].Name)
	if count > 1<<12 {
		return nil, nil
	}
	var missing []string
	for no := range count {
		name := gguf.NameOf(prefix, no, count, ending)
		if !slices.ContainsFunc(parts, func(f quant.File) bool { return f.Name == name }) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, missed(missing)
	}
	slices.SortFunc(parts, func(a, b quant.File) int { return strings.Compare(a.Name, b.Name) })
	return parts, nil
}

// joinAll opens each file and joins their tensors; container is the kind that
// they must be of, "" for any.
func joinAll(container string, files []quant.File) (*Model, error) {
	var parts []joined.Part
	for _, f := range files {
		s, err := Open(f.Name, f.R, f.Size)
		if err != nil {
			return nil, naming(f.Name, err)
		}
		if container == "" {
			container = s.Container()
		}
		if s.Container() != container {
			return nil, fmt.Errorf("container: %q is a file of kind %s and not %s as the others; open files of one kind together", f.Name, s.Container(), container)
		}
		parts = append(parts, joined.Part{Name: f.Name, Source: s})
	}
	return join(container, parts, files, nil)
}

// join makes a model of open files.
func join(container string, parts []joined.Part, files []quant.File, owner func(string) string) (*Model, error) {
	if len(parts) == 1 {
		return &Model{Source: parts[0].Source, Files: files}, nil
	}
	s, err := source(joined.New(container, parts[0].Source.Metadata(), parts, owner))
	if err != nil {
		return nil, fmt.Errorf("container: %w", err)
	}
	return &Model{Source: s, Files: files}, nil
}

// naming puts a file's name before a message that does not have it.
func naming(name string, err error) error {
	if strings.Contains(err.Error(), name) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}
