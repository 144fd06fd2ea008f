package container

import (
	"fmt"
	"path"
	"strings"

	"fewbits/quant"
	"fewbits/quant/gguf"
)

// The kinds of files that matter.
type kind int

const (
	otherFile kind = iota
	ggufFile
	safetensorsFile
	pytorchFile
	arrayFile // npy, npz, raw
	indexFile
	configFile
)

// kindOf tells a file by its name; what is in it is looked at later.
func kindOf(name string) kind {
	base := strings.ToLower(path.Base(name))
	switch {
	case strings.HasSuffix(base, ".index.json"):
		return indexFile
	case base == "config.json":
		return configFile
	}
	switch path.Ext(base) {
	case ".gguf":
		return ggufFile
	case ".safetensors":
		return safetensorsFile
	case ".pt", ".pth", ".ckpt", ".bin":
		return pytorchFile
	case ".npy", ".npz", ".f32", ".raw":
		return arrayFile
	}
	return otherFile
}

// clean is a name with slashes, as all systems can write it.
func clean(name string) string { return path.Clean(strings.ReplaceAll(name, "\\", "/")) }

// hidden says whether a file is one that systems and programs keep for themselves.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") && part != "." && part != ".." || part == "__MACOSX" {
			return true
		}
	}
	return false
}

// pile is the files of one folder, by kind.
type pile struct {
	folder string
	of     map[kind][]quant.File
	all    []quant.File
	below  []quant.File // weights in folders within it, which an index may name
	config bool
}

// sort finds the outermost folder with weights; nil where there is none.
func sort(files []quant.File) *pile {
	piles := map[string]*pile{}
	var order []string
	for _, f := range files {
		f.Name = clean(f.Name)
		if hidden(f.Name) {
			continue
		}
		dir := path.Dir(f.Name)
		p := piles[dir]
		if p == nil {
			p = &pile{folder: dir, of: map[kind][]quant.File{}}
			piles[dir] = p
			order = append(order, dir)
		}
		k := kindOf(f.Name)
		p.of[k] = append(p.of[k], f)
		p.all = append(p.all, f)
		p.config = p.config || k == configFile
	}
	var best *pile
	depth := func(p *pile) int { return strings.Count("/"+strings.TrimPrefix(p.folder, "."), "/") }
	for _, dir := range order {
		p := piles[dir]
		if p.weights() && (best == nil || depth(p) < depth(best)) {
			best = p
		}
	}
	if best == nil {
		return nil
	}
	for _, dir := range order {
		if p := piles[dir]; p != best && strings.HasPrefix(dir+"/", strings.TrimPrefix(best.folder+"/", "./")) {
			best.below = append(best.below, p.all...)
		}
	}
	return best
}

func (p *pile) weights() bool {
	for _, k := range []kind{ggufFile, safetensorsFile, pytorchFile, arrayFile, indexFile} {
		if len(p.of[k]) > 0 {
			return true
		}
	}
	return false
}

// nothing says what was looked for in vain.
func nothing(files []quant.File) error {
	if len(files) == 0 {
		return fmt.Errorf("container: there are no files in it; what can be opened is %s", Kinds)
	}
	return fmt.Errorf("container: among %d files (%s) none holds tensors; looked for %s, or config.json with the weights that it describes", len(files), list(names(files)), Kinds)
}

func names(files []quant.File) []string {
	all := make([]string, len(files))
	for i, f := range files {
		all[i] = f.Name
	}
	return all
}

// list is names in a message, the first few of them.
func list(names []string) string {
	const most = 6
	more := ""
	if n := len(names) - most; n > 0 {
		names, more = names[:most], fmt.Sprintf(" and %d more", n)
	}
	short := make([]string, len(names))
	for i, n := range names {
		if len(n) > 100 {
			n = n[:97] + "..."
		}
		short[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(short, ", ") + more
}

// Stem is the name of what a file holds: "model" for model.gguf,
// model-00001-of-00003.gguf and model.safetensors.index.json. A name without an
// ending that is known stays, as that of a folder.
func Stem(name string) string {
	if prefix, _, _, _, ok := gguf.SplitName(name); ok {
		return prefix
	}
	if s, ok := strings.CutSuffix(name, ".index.json"); ok {
		name = s
	}
	if k := kindOf(name); k != otherFile && k != configFile {
		return strings.TrimSuffix(name, path.Ext(name))
	}
	return name
}

// Describes says whether a file of that name may tell what a model in
// safetensors files is: its index, its configuration, its tokenizer.
func Describes(name string) bool {
	switch path.Ext(strings.ToLower(name)) {
	case ".json", ".model", ".txt", ".jinja":
		return true
	}
	return false
}
