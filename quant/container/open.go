package container

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container/archive"
	"fewbits/quant/gguf"
	"fewbits/quant/npy"
	"fewbits/quant/safetensors"
	"fewbits/quant/torch"
)

// Kinds says what Open opens, in words, for a file dialogue or a message.
const Kinds = "GGUF, safetensors, npy, npz, PyTorch checkpoints (.pt, .pth, .bin), and raw little-endian float32 (.f32, .raw, .bin)"

// ErrWhole is what a program built with the tag first says of what only one
// built without reads; that never says so.
var ErrWhole = errors.New("container: only the whole program reads this")

// headLen is how much of a file's start tells what it is.
const headLen = 512

// Open opens a file of size bytes by what it begins with; name is its file
// name, and decides where that says nothing. The tensor of an npy or raw file,
// which has no name, is called as the file is.
//
// It fails as the package of the kind found fails, and on other files, saying
// what they are. r is read later too, as the source is.
func Open(name string, r io.ReaderAt, size int64) (quant.Source, error) {
	if size <= 0 {
		return nil, fmt.Errorf("container: %s is empty", label(name))
	}
	head := make([]byte, min(size, headLen))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("container: reading the first %d bytes of %s: %w", len(head), label(name), err)
	}
	ext := strings.ToLower(path.Ext(strings.ReplaceAll(name, "\\", "/")))
	if s, known, err := openByMagic(name, ext, head, r, size); known {
		return s, err
	}
	if what := refusal(ext, head, size); what != "" {
		return nil, fmt.Errorf("container: %s is %s", label(name), what)
	}
	if s, known, err := openByName(name, ext, r, size); known {
		return s, err
	}
	return nil, fmt.Errorf("container: %s is of no known kind; what can be opened is %s", label(name), Kinds)
}

// openByMagic opens what the first bytes tell; known says whether they do.
func openByMagic(name, ext string, head []byte, r io.ReaderAt, size int64) (s quant.Source, known bool, err error) {
	start := string(head)
	switch {
	case strings.HasPrefix(start, "GGUF"):
		s, err = source(gguf.Open(r, size))
	case strings.HasPrefix(start, npy.Magic):
		s, err = openNpy(name, r, size)
	case strings.HasPrefix(start, "PK\x03\x04") || strings.HasPrefix(start, "PK\x05\x06"):
		s, err = openZip(name, ext, r, size)
	case isSafetensors(head, size):
		s, err = source(safetensors.Open(r, size))
	default:
		return nil, false, nil
	}
	return s, true, err
}

// openByName opens what only the name tells. Each kind says what is wrong.
func openByName(name, ext string, r io.ReaderAt, size int64) (s quant.Source, known bool, err error) {
	switch ext {
	case ".gguf":
		s, err = source(gguf.Open(r, size))
	case ".safetensors":
		s, err = source(safetensors.Open(r, size))
	case ".npy":
		s, err = openNpy(name, r, size)
	case ".npz":
		s, err = source(npy.OpenZip(r, size))
	case ".pt", ".pth", ".ckpt":
		s, err = openPickle(r, size)
	case ".f32", ".raw", ".bin":
		s, err = openRaw(name, r, size)
	default:
		return nil, false, nil
	}
	return s, true, err
}

// source drops the typed nil of a failed open.
func source[S quant.Source](s S, err error) (quant.Source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func openNpy(name string, r io.ReaderAt, size int64) (quant.Source, error) {
	f, err := npy.Open(r, size)
	if err != nil {
		return nil, err
	}
	f.SetName(tensorName(name))
	return f, nil
}

// openZip tells npz from a PyTorch checkpoint by what the archive holds.
func openZip(name, ext string, r io.ReaderAt, size int64) (quant.Source, error) {
	z, err := archive.Open(r, size)
	if err != nil {
		return nil, err
	}
	pickle, arrays := torch.Pickle(z) != nil, 0
	for _, m := range z.Members {
		if strings.HasSuffix(m.Name, ".npy") {
			arrays++
		}
	}
	switch {
	case pickle && (arrays == 0 || ext != ".npz"):
		return openPickle(r, size)
	case arrays > 0 || ext == ".npz":
		return source(npy.OpenZip(r, size))
	case zipped(z):
		return nil, asFolder(name)
	}
	return nil, fmt.Errorf("container: %s is a zip archive of %d files, with neither arrays (*.npy) nor a PyTorch checkpoint (data.pkl) in it; unpack it and open one of its files", label(name), len(z.Members))
}

// isSafetensors says whether a file begins with the length of a header that
// it has room for, and a JSON object.
func isSafetensors(head []byte, size int64) bool {
	if len(head) < 9 || head[8] != '{' {
		return false
	}
	n := uint64(0)
	for i := 7; i >= 0; i-- {
		n = n<<8 | uint64(head[i])
	}
	return n >= 2 && n <= uint64(size-8)
}

// label is a file's name in a message.
func label(name string) string {
	if name == "" {
		return "the file"
	}
	return fmt.Sprintf("%q", name)
}

// tensorName is a file's name without folders and ending.
func tensorName(name string) string {
	base := path.Base(strings.ReplaceAll(name, "\\", "/"))
	base = strings.TrimSuffix(base, path.Ext(base))
	if base == "." || base == "/" {
		return ""
	}
	return base
}

var errTensor = errors.New("raw: there is one tensor, 0")
