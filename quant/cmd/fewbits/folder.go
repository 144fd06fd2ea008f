package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"fewbits/quant"
	"fewbits/quant/container"
	"fewbits/quant/gguf"
)

// maxFolder is how many files a folder of a model may have.
const maxFolder = 10_000

// lazyFile is opened when it is first read: of a folder few files are.
type lazyFile struct {
	path string
	once sync.Once
	file *os.File
	err  error
}

func (l *lazyFile) ReadAt(p []byte, off int64) (int, error) {
	l.once.Do(func() {
		if l.file, l.err = os.Open(l.path); l.err != nil {
			l.err = fault(l.path, l.err)
		}
	})
	if l.err != nil {
		return 0, l.err
	}
	return l.file.ReadAt(p, off)
}

// Close closes the file, if it was opened.
func (l *lazyFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// gather lists the files that path stands for: those of a folder, those of an
// index's folder, or the parts that lie beside one of them. It is the file
// alone where it is no part of anything.
func gather(path string) ([]quant.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fault(path, err)
	}
	dir, base := filepath.Dir(path), filepath.Base(path)
	prefix, _, count, ending, numbered := gguf.SplitName(base)
	switch {
	case st.IsDir():
		return walk(path, func(string) bool { return true })
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file; save what it gives to one", path)
	case strings.HasSuffix(base, ".index.json"):
		return walk(dir, func(name string) bool { return name == base || !strings.HasSuffix(name, ".index.json") })
	case numbered && count > 1 && ending == ".gguf":
		return walk(dir, func(name string) bool {
			p, _, n, e, ok := gguf.SplitName(name)
			return ok && p == prefix && n == count && e == ending
		})
	case numbered && count > 1 && ending == ".safetensors":
		return walk(dir, func(name string) bool { // its index and its description count too
			p, _, n, e, ok := gguf.SplitName(name)
			return ok && p == prefix && n == count && e == ending || filepath.Dir(name) == "." && container.Describes(name)
		})
	}
	return []quant.File{{Name: path, R: &lazyFile{path: path}, Size: st.Size()}}, nil
}

// walk lists the files below dir whose names, from there on, are wanted.
// Hidden ones are left out. They are called as dir and from there on, since a
// model may have its name from its folder.
func walk(dir string, wanted func(name string) bool) ([]quant.File, error) {
	var files []quant.File
	folder := ""
	if abs, err := filepath.Abs(dir); err == nil && !strings.HasPrefix(filepath.Base(abs), ".") {
		folder = filepath.Base(abs)
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fault(p, err)
		}
		if p != dir && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		name, err := filepath.Rel(dir, p)
		if err != nil || !wanted(name) {
			return err
		}
		st, err := os.Stat(p) // a link is what it leads to, as in the cache of huggingface_hub
		if err != nil || !st.Mode().IsRegular() {
			return nil
		}
		if len(files) == maxFolder {
			return fmt.Errorf("%s holds more than %d files; name the folder of the model alone", dir, maxFolder)
		}
		files = append(files, quant.File{Name: filepath.ToSlash(filepath.Join(folder, name)), R: &lazyFile{path: p}, Size: st.Size()})
		return nil
	})
	return files, err
}
