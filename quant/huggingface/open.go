package huggingface

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"fewbits/quant"
)

const configName = "config.json"

// Model is an open folder. It is a quant.Source; what it returns belongs to it
// and must not be changed. Its methods may be called from several goroutines
// where those of the weights may.
type Model struct {
	Architecture string   // as llama.cpp calls it
	Notes        []string // what llama.cpp will do otherwise than transformers, a sentence each

	weights quant.Source
	list    []tensor
	infos   []quant.TensorInfo
	meta    []quant.Meta
}

var _ quant.Source = (*Model)(nil)

// Container is "huggingface": names and metadata are those of a GGUF file.
func (m *Model) Container() string { return "huggingface" }

// Metadata is what the GGUF file has but general.file_type and
// general.quantization_version, which tell of a conversion.
func (m *Model) Metadata() []quant.Meta { return m.meta }

// Tensors describes every tensor, in the weights' order. Offset is that of the
// tensor of the weights, 0 where there is none.
func (m *Model) Tensors() []quant.TensorInfo { return m.infos }

// Weights are the tensors as the folder has them, under their own names.
func (m *Model) Weights() quant.Source { return m.weights }

func (m *Model) tensor(i int) (*tensor, error) {
	if i < 0 || i >= len(m.list) {
		return nil, fmt.Errorf("huggingface: there is no tensor %d; the model has %d", i, len(m.list))
	}
	return &m.list[i], nil
}

// Open maps a model to llama.cpp's form. files are those of its folder, of
// which it reads config.json and, beside it, the tokenizer's; weights are its
// tensors, of all its files. It reads no tensor.
//
// It fails, saying what is wrong and where, on a model that llama.cpp would not
// run, or would run as another one: see Known, and Notes for what is near enough.
func Open(files []quant.File, weights quant.Source) (*Model, error) {
	m, err := open(files, weights)
	if err != nil {
		return nil, fmt.Errorf("huggingface: %w", err)
	}
	return m, nil
}

func open(files []quant.File, weights quant.Source) (*Model, error) {
	f, err := newFolder(files)
	if err != nil {
		return nil, err
	}
	o, err := f.object(configName)
	if err != nil {
		return nil, err
	}
	if o.m == nil {
		return nil, fmt.Errorf("there is no %s; open the whole folder of the model", configName)
	}
	c, err := readConfig(o)
	if err != nil {
		return nil, err
	}
	rows, err := c.embeddingRows(weights)
	if err != nil {
		return nil, err
	}
	m := &Model{Architecture: c.name, weights: weights}
	if m.list, err = c.tensors(weights, rows); err != nil {
		return nil, err
	}
	for _, t := range m.list {
		m.infos = append(m.infos, t.info)
	}
	v, err := f.tokenizer(c, rows)
	if err != nil {
		return nil, err
	}
	m.meta = metadata(c, v, f.modelName(c, v))
	m.Notes = append(c.notes, v.notes...)
	return m, nil
}

// folder is the files beside config.json, by their names.
type folder struct {
	dir   string
	files map[string]quant.File
}

// newFolder takes the folder of the config.json that lies highest.
func newFolder(files []quant.File) (folder, error) {
	dir, found := "", false
	for _, f := range files {
		if d, base := dirBase(f.Name); base == configName && (!found || strings.Count(d, "/") < strings.Count(dir, "/")) {
			dir, found = d, true
		}
	}
	if !found {
		return folder{}, fmt.Errorf("there is no %s among the %d files; open the whole folder of the model", configName, len(files))
	}
	b := folder{dir, map[string]quant.File{}}
	for _, f := range files {
		if d, base := dirBase(f.Name); d == dir {
			b.files[base] = f
		}
	}
	return b, nil
}

// dirBase is a file's folder, "" or with a slash behind, and its name in it.
func dirBase(name string) (dir, base string) {
	name = strings.TrimPrefix(strings.ReplaceAll(name, "\\", "/"), "./")
	i := strings.LastIndexByte(name, '/') + 1
	return name[:i], name[i:]
}

// read reads a small file whole; nil where there is none.
func (f folder) read(name string) ([]byte, error) {
	file, ok := f.files[name]
	if !ok {
		return nil, nil
	}
	if file.Size < 0 || file.Size > maxTree {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that are read of such a file", name, file.Size, maxTree)
	}
	b := make([]byte, file.Size)
	if n, err := file.R.ReadAt(b, 0); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file ends at byte %d, though it was longer when it was opened", name, n)
		}
		return nil, fmt.Errorf("%s: reading byte %d: %w", name, n, err)
	}
	return b, nil
}

// object reads a file that is one object; its m is nil where there is none.
func (f folder) object(name string) (object, error) {
	b, err := f.read(name)
	if err != nil || b == nil {
		return object{file: name}, err
	}
	return parseObject(name, b)
}

// modelName is the folder's name, or what config.json says the model came
// from. That a name says Phi-3 means to llama.cpp that special tokens take the
// spaces behind them, and that there are certain tokens.
func (f folder) modelName(c *config, v *vocabulary) string {
	_, name := dirBase(strings.TrimRight(f.dir, "/"))
	if name == "" || name == "." {
		from, _ := c.source.m["_name_or_path"].(string)
		_, name = dirBase(strings.TrimRight(from, "/"))
	}
	lower := strings.ToLower(name)
	says := strings.Contains(lower, "phi-3") || strings.Contains(lower, "phi3")
	can := true
	for _, t := range []string{"</s>", "<unk>", "<s>", "<|endoftext|>"} {
		_, ok := v.ids[t]
		can = can && ok
	}
	switch {
	case says && !can:
		return ""
	case !says && can && c.fused && v.strips:
		return strings.TrimSpace("Phi-3 " + name)
	}
	return name
}
