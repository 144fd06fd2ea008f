package safetensors

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

const (
	maxIndex = 64 << 20 // bytes; the largest models' take a few MB
	maxDepth = 32       // of what is skipped
)

// Index is what a model.safetensors.index.json says: in which of several
// files each tensor lies. Its form is that of Hugging Face's libraries
// (split_torch_state_dict_into_shards in huggingface_hub), which write the
// same for PyTorch's files.
type Index struct {
	Files []string          // in the order that they are first mentioned
	In    map[string]string // the file of each tensor
	Total int64             // bytes of all tensors; −1 where it does not say
}

// ReadIndex reads an index of size bytes. Names of files outside its folder
// are refused.
//
// Errors about the index are of type *Error.
func ReadIndex(r io.ReaderAt, size int64) (*Index, error) {
	if size > maxIndex {
		return nil, &Error{Damaged, 0, "", fmt.Sprintf("the index has %d bytes, more than any model needs", size)}
	}
	s := &scanner{r: bufio.NewReader(io.NewSectionReader(r, 0, size)), index: true}
	x := &Index{Total: -1}
	if err := s.expect('{'); err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		s.place = ""
		done, err := s.end('}', first)
		if err != nil {
			return nil, err
		}
		if done {
			break
		}
		if err := x.field(s); err != nil {
			return nil, err
		}
	}
	if err := s.rest(); err != nil {
		return nil, err
	}
	if x.In == nil {
		return nil, &Error{Damaged, 0, "", "there is no weight_map; this is no index of a model in several files"}
	}
	if len(x.Files) == 0 {
		return nil, &Error{Damaged, 0, "weight_map", "it names no tensors"}
	}
	return x, nil
}

// field reads one of the fields at the top.
func (x *Index) field(s *scanner) error {
	name, err := s.text()
	if err != nil {
		return err
	}
	if err := s.expect(':'); err != nil {
		return err
	}
	switch {
	case name == "weight_map" && x.In == nil:
		return x.weightMap(s)
	case name == "weight_map":
		return s.fail(Damaged, "weight_map is there twice; the file is damaged")
	case name == "metadata":
		return x.metadata(s)
	}
	return s.skip(0)
}

func (x *Index) weightMap(s *scanner) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	x.In = map[string]string{}
	known := map[string]bool{}
	for {
		s.place = "weight_map"
		done, err := s.end('}', len(x.In) == 0)
		if done || err != nil {
			return err
		}
		tensor, err := s.text()
		if err != nil {
			return err
		}
		s.place = fmt.Sprintf("weight_map, tensor %q", clip(tensor))
		if _, twice := x.In[tensor]; twice {
			return s.fail(Damaged, "the name is there twice; the file is damaged")
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		file, err := s.text()
		if err != nil {
			return err
		}
		if !fs.ValidPath(file) || file == "." || strings.ContainsAny(file, "\\:") {
			return s.fail(Damaged, "%q is no file in the folder of the index", clip(file))
		}
		x.In[tensor] = file
		if !known[file] {
			known[file] = true
			x.Files = append(x.Files, file)
		}
	}
}

// metadata reads total_size and skips the rest. Some programs write it as a float.
func (x *Index) metadata(s *scanner) error {
	b, err := s.token("metadata")
	if err != nil {
		return err
	}
	s.back()
	if b != '{' {
		return s.skip(0)
	}
	if err := s.expect('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		done, err := s.end('}', first)
		if done || err != nil {
			return err
		}
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if key != "total_size" {
			if err := s.skip(0); err != nil {
				return err
			}
			continue
		}
		word, err := s.word()
		if err != nil {
			return err
		}
		if f, err := strconv.ParseFloat(word, 64); err == nil && f >= 0 && f < math.MaxInt64 && f == math.Trunc(f) {
			x.Total = int64(f)
		}
	}
}

// skip takes any value of JSON.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return s.fail(Damaged, "lists and objects are nested more than %d deep; the file is damaged or hostile", maxDepth)
	}
	b, err := s.token("a value")
	if err != nil {
		return err
	}
	s.back()
	switch b {
	case '"':
		_, err := s.text()
		return err
	case '{', '[':
		return s.skipMany(b, depth)
	}
	_, err = s.word()
	return err
}

func (s *scanner) skipMany(open byte, depth int) error {
	closing := byte(']')
	if open == '{' {
		closing = '}'
	}
	if err := s.expect(open); err != nil {
		return err
	}
	for first := true; ; first = false {
		done, err := s.end(closing, first)
		if done || err != nil {
			return err
		}
		if open == '{' {
			if _, err := s.text(); err != nil {
				return err
			}
			if err := s.expect(':'); err != nil {
				return err
			}
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
	}
}

// word takes a number, true, false or null.
func (s *scanner) word() (string, error) {
	b, err := s.token("a value")
	if err != nil {
		return "", err
	}
	var word []byte
	for strings.IndexByte("+-.0123456789abcdefghijklmnopqrstuvwxyzENI", b) >= 0 && len(word) < 64 {
		word = append(word, b)
		if b, err = s.next("the end of a value"); err != nil {
			return "", err
		}
	}
	s.back()
	switch string(word) {
	case "true", "false", "null":
		return string(word), nil
	}
	if _, err := strconv.ParseFloat(string(word), 64); err != nil {
		return "", s.fail(Damaged, "%q stands where a value should; the file is damaged", b)
	}
	return string(word), nil
}
