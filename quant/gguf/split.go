package gguf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container/joined"
)

// Keys of a model in several files. Sources: tools/gguf-split/gguf-split.cpp,
// which writes them, and src/llama-model-loader.cpp, which reads them.
const (
	keySplitNo      = "split.no"            // of the file, from 0
	keySplitCount   = "split.count"         // of files; 0 or 1 is a whole model
	keySplitTensors = "split.tensors.count" // of the whole model
)

// maxSplits is as many as split.count, 16 bits, can say.
const maxSplits = 1<<16 - 1

// Split says which part the file is of a model in several files: number no,
// from 0, of count. A file that is whole has a count of 0 or 1.
func (f *File) Split() (no, count int) {
	n, _ := f.Int(keySplitNo)
	c, _ := f.Int(keySplitCount)
	if c < 0 || c > maxSplits || n < 0 || n >= max(c, 1) {
		return -1, int(min(max(c, 0), maxSplits))
	}
	return int(n), int(c)
}

// SplitName takes a name as gguf-split gives it apart:
// "dir/x-00002-of-00003.gguf" is the prefix "dir/x", number 1 from 0 on, of 3.
// Other endings go with the same numbers, as "x-00002-of-00003.safetensors".
func SplitName(name string) (prefix string, no, count int, ending string, ok bool) {
	at := strings.LastIndexByte(name, '.')
	if at < 0 || strings.ContainsAny(name[at:], "/\\") {
		return "", 0, 0, "", false
	}
	stem, ending := name[:at], name[at:]
	const form = "-00001-of-00001"
	if len(stem) <= len(form) {
		return "", 0, 0, "", false
	}
	prefix, tail := stem[:len(stem)-len(form)], stem[len(stem)-len(form):]
	no, count = digits(tail[1:6]), digits(tail[10:])
	ok = tail[0] == '-' && tail[6:10] == "-of-" && no >= 1 && no <= count
	return prefix, no - 1, count, ending, ok
}

// digits is the number that s, all digits, writes; −1 where it is not all.
func digits(s string) int {
	if strings.Trim(s, "0123456789") != "" {
		return -1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// NameOf is the name of part no, from 0, of count: the other way round.
func NameOf(prefix string, no, count int, ending string) string {
	return fmt.Sprintf("%s-%05d-of-%05d%s", prefix, no+1, count, ending)
}

// part is an open file of a split model.
type part struct {
	name  string
	file  *File
	no    int
	count int
}

// OpenSplit opens the files of a split model, in any order, as the model that
// it was before: the metadata is the first part's without the keys about the
// split. What is missing, twice there or of another model is named.
func OpenSplit(files []quant.File) (*joined.Source, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("gguf: there are no files")
	}
	var parts []part
	for _, f := range files {
		g, err := Open(f.R, f.Size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		no, count := g.Split()
		switch {
		case count < 2:
			return nil, fmt.Errorf("gguf: %q is no part of a split model (its split.count is not 2 or more); open it by itself", f.Name)
		case no < 0:
			return nil, fmt.Errorf("gguf: %q says that it is a part of %d, but not which (split.no); it is damaged", f.Name, count)
		}
		parts = append(parts, part{f.Name, g, no, count})
	}
	slices.SortStableFunc(parts, func(a, b part) int { return a.no - b.no })
	if err := complete(parts); err != nil {
		return nil, err
	}
	return join(parts)
}

// complete wants every part of one model once.
func complete(parts []part) error {
	first := parts[0]
	prefix, _, _, _, named := SplitName(first.name)
	for _, p := range parts[1:] {
		other, _, _, _, ok := SplitName(p.name)
		if p.count != first.count || named && ok && other != prefix {
			return fmt.Errorf("gguf: %q is part %d of %d of another model than %q, part %d of %d; open the parts of one model alone",
				p.name, p.no+1, p.count, first.name, first.no+1, first.count)
		}
	}
	for i, p := range parts[1:] {
		if before := parts[i]; before.no == p.no {
			return fmt.Errorf("gguf: %q and %q are both part %d of %d; open each part once", before.name, p.name, p.no+1, p.count)
		}
	}
	var missing []string
	for no, i := 0, 0; no < first.count; no++ {
		if i < len(parts) && parts[i].no == no {
			i++
			continue
		}
		missing = append(missing, first.sibling(no))
	}
	if len(missing) > 0 {
		return fmt.Errorf("gguf: of the %d parts of the model %s; open all parts together", first.count, lack(missing))
	}
	return nil
}

// sibling is the name that part no should have.
func (p part) sibling(no int) string {
	if prefix, _, _, ending, ok := SplitName(p.name); ok {
		return strconv.Quote(NameOf(prefix, no, p.count, ending))
	}
	return fmt.Sprintf("number %d", no+1)
}

// maxNamed is how many missing files a message names.
const maxNamed = 8

func lack(missing []string) string {
	more := ""
	if n := len(missing) - maxNamed; n > 0 {
		missing, more = missing[:maxNamed], fmt.Sprintf(" and %d more", n)
	}
	verb := " is missing"
	if len(missing) > 1 {
		verb = " are missing"
	}
	return strings.Join(missing, ", ") + more + verb
}

// join makes one source of all parts, in order.
func join(parts []part) (*joined.Source, error) {
	first, tensors := parts[0], 0
	var list []joined.Part
	for _, p := range parts {
		tensors += len(p.file.infos)
		list = append(list, joined.Part{Name: p.name, Source: p.file})
	}
	if want, ok := first.file.Int(keySplitTensors); ok && want != int64(tensors) {
		return nil, fmt.Errorf("gguf: the model in %q is said to have %d tensors, and its parts have %d; one of them is of another model or damaged", first.name, want, tensors)
	}
	var meta []quant.Meta
	for _, m := range first.file.meta {
		if m.Key != keySplitNo && m.Key != keySplitCount && m.Key != keySplitTensors {
			meta = append(meta, m)
		}
	}
	s, err := joined.New("gguf", meta, list, nil)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	return s, nil
}
