package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container"
)

// input is an open file of tensors, or several that are one model.
type input struct {
	quant.Source
	path  string
	size  int64
	notes []string
	used  []string // names of the files that hold tensors, where path is none of them
	files []quant.File
	all   []quant.File // files, or what the archive that they are holds
}

// openFile opens a regular file. Its errors name it.
func openFile(path string) (*os.File, int64, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, fault(path, err)
	case st.IsDir():
		return nil, 0, fmt.Errorf("%s is a folder; name a file in it", path)
	case !st.Mode().IsRegular():
		return nil, 0, fmt.Errorf("%s is no regular file; save what it gives to one", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fault(path, err)
	}
	return f, st.Size(), nil
}

// fault is what went wrong with a file, by its name.
func fault(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no such file", path)
	}
	return named(path, err)
}

// named puts the file's name before a message that does not have it.
func named(path string, err error) error {
	if err == nil || strings.Contains(err.Error(), path) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// open opens a file of any container, or the files of a model: its folder, its
// index, or one of its parts, beside which the others lie. The caller closes it.
func open(path string) (*input, error) {
	files, err := gather(path)
	if err != nil {
		return nil, err
	}
	in := &input{path: path, files: files}
	m, err := container.Files(files)
	if err == nil {
		err = m.Lack
	}
	if err != nil {
		in.Close()
		return nil, named(path, err)
	}
	in.Source, in.size, in.notes, in.all = m.Source, m.Size(), m.Notes, m.All
	for _, f := range m.Files {
		if f.Name != path {
			in.used = append(in.used, f.Name)
		}
	}
	return in, nil
}

// open opens what a command works on, and says what a person should know of it.
func (c *call) open(path string) (*input, error) {
	in, err := open(path)
	if err == nil {
		for _, n := range in.notes {
			c.note("%s: %s", path, n)
		}
	}
	return in, err
}

// Close closes the files.
func (in *input) Close() {
	for _, f := range in.files {
		if c, ok := f.R.(io.Closer); ok {
			c.Close()
		}
	}
}

// choose is the index of the tensor that a command works on: the named one, or
// the only one.
func (in *input) choose(name string) (int, error) {
	infos := in.Tensors()
	if name != "" {
		for i, t := range infos {
			if t.Name == name {
				return i, nil
			}
		}
		return 0, fmt.Errorf("%s has no tensor %q among its %d; fewbits inspect lists them", in.path, name, len(infos))
	}
	switch len(infos) {
	case 0:
		return 0, in.empty()
	case 1:
		return 0, nil
	}
	return 0, fmt.Errorf("%s holds %d tensors: choose one with -tensor NAME; fewbits inspect lists them", in.path, len(infos))
}

const (
	// Deflate makes 1032 bytes of one at most, and a code of one bit is a value.
	maxExpansion = 8 * 1032
	// Below this many values a tensor is read whatever the size of its file.
	modest = 1 << 26
)

// readable fails where tensor i has no values that can be read.
func (in *input) readable(i int) error {
	t := in.Tensors()[i]
	switch n := int64(t.Len()); {
	case !t.Readable:
		return fmt.Errorf("tensor %q cannot be read: %s", t.Name, t.Why)
	case n == 0:
		return fmt.Errorf("tensor %q is empty: its shape is %v", t.Name, t.Shape)
	case n > modest && n/maxExpansion > in.size:
		return fmt.Errorf("tensor %q claims %d values in a file of %d bytes; save it without repeating values (PyTorch: .contiguous())", t.Name, n, in.size)
	}
	return nil
}

// maxWhole bounds a tensor that is held whole, in values: 8 GiB as float32.
const maxWhole = 1 << 31

// fits fails where tensor i is too large to be held whole.
func (in *input) fits(i int) error {
	if t := in.Tensors()[i]; int64(t.Len()) > maxWhole {
		return fmt.Errorf("tensor %q holds %d values, and up to %d are held in memory at once", t.Name, t.Len(), int64(maxWhole))
	}
	return nil
}

// empty says that there is nothing to quantize.
func (in *input) empty() error {
	return fmt.Errorf("%s holds no tensors, only metadata; fewbits inspect shows it", in.path)
}
