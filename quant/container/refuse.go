package container

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"fewbits/quant/torch"
)

const (
	oldGGML = "a model in an old form of ggml from before GGUF, which is not read; convert it with llama.cpp's convert_llama_ggml_to_gguf.py, or get the model as GGUF"
	llama2c = "a model of llama2.c, which is not read; convert it with llama.cpp's llama-convert-llama2c-to-ggml"
	packed  = ", which is not opened; unpack it first"
	image   = ", not tensors"
)

// others are files that are told by how they begin, and what to do with them.
// The magic of ggml's older files is a number, so it may stand either way round.
var others = []struct {
	at    int
	magic string
	what  string
}{
	{0, "lmgg", oldGGML}, {0, "ggml", oldGGML},
	{0, "fmgg", oldGGML}, {0, "ggmf", oldGGML},
	{0, "tjgg", oldGGML}, {0, "ggjt", oldGGML},
	{0, "algg", "a LoRA adapter in an old form of ggml, which is not read; get it as GGUF"},
	{0, "24ka", llama2c},
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file (as Keras writes), which is not read; save its weights as safetensors or npz"},
	{4, "TFL3", "a TensorFlow Lite model, which is not read"},
	{0, "PAR1", "a Parquet table, which is not read; save its columns as npy"},
	{0, "ARROW1", "an Arrow table, which is not read; save its columns as npy"},
	{0, "MATLAB 5.0 MAT-file", "a MATLAB file, which is not read; save its arrays as npy"},
	{0, "\x1f\x8b", "packed with gzip" + packed},
	{0, "BZh", "packed with bzip2" + packed},
	{0, "\xfd7zXZ\x00", "packed with xz" + packed},
	{0, "\x28\xb5\x2f\xfd", "packed with zstandard" + packed},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive" + packed},
	{0, "Rar!\x1a\x07", "a RAR archive" + packed},
	{0, "%PDF-", "a PDF document" + image},
	{0, "\x89PNG\r\n\x1a\n", "a PNG picture" + image},
	{0, "\xff\xd8\xff", "a JPEG picture" + image},
	{0, "GIF8", "a GIF picture" + image},
	{0, "RIFF", "a sound or picture (RIFF)" + image},
	{0, "\x7fELF", "a program (ELF)" + image},
	{0, "\x00asm", "a WebAssembly module" + image},
	{0, "version https://git-lfs", "a Git LFS pointer, not the file itself; get the file with git lfs pull"},
	{0, "<!DOCTYPE", "a web page in place of a file; the download went wrong: get it again"},
	{0, "<!doctype", "a web page in place of a file; the download went wrong: get it again"},
	{0, "<html", "a web page in place of a file; the download went wrong: get it again"},
}

// refusal says what a file is that is not opened, and what to do; "" where
// its first bytes do not tell. Names that promise raw values are believed,
// as such values may begin in any way, but for the kinds with a long magic.
func refusal(ext string, head []byte, size int64) string {
	s := string(head)
	promised := ext == ".f32" || ext == ".raw"
	for _, o := range others {
		if len(s) >= o.at && strings.HasPrefix(s[o.at:], o.magic) && (!promised || len(o.magic) >= 6) {
			return o.what
		}
	}
	switch {
	case promised:
		return ""
	case torch.Form(head) != "":
		return torch.Form(head)
	case ext == ".onnx":
		return "an ONNX model, which is not read; save its weights as safetensors or npz"
	case isLlama2c(head, size):
		return llama2c
	case isText(head) && strings.HasPrefix(strings.TrimSpace(s), "{"):
		return "text (JSON), not tensors; where it is the index of a model in several files, open those"
	case isText(head):
		return "text, not tensors; what can be opened is " + Kinds
	}
	return ""
}

// isText says whether the start of a file is printable UTF-8.
func isText(head []byte) bool {
	if len(head) == headLen {
		for i := 0; i < utf8.UTFMax && !utf8.RuneStart(head[len(head)-1]); i++ {
			head = head[:len(head)-1]
		}
		head = head[:len(head)-1] // it may begin a rune that is cut
	}
	for _, b := range head {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f {
			return false
		}
	}
	return len(head) > 0 && utf8.Valid(head)
}

// isLlama2c recognizes the first form of llama2.c's files, which has no
// magic: seven sizes, and then exactly the values that a model of those sizes
// has (export.py and run.c of llama2.c).
func isLlama2c(head []byte, size int64) bool {
	if len(head) < 28 {
		return false
	}
	var p [7]int64 // dim, hidden, layers, heads, kv heads, vocabulary, length
	for i := range p {
		p[i] = int64(int32(binary.LittleEndian.Uint32(head[4*i:])))
	}
	dim, hidden, layers, heads, kv, vocab, length := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	shared := vocab > 0
	vocab = max(vocab, -vocab)
	for _, n := range []int64{dim, hidden, heads, kv, vocab, length} {
		if n < 1 || n > 1<<20 {
			return false
		}
	}
	if layers < 1 || layers > 1<<10 || dim%heads != 0 || kv > heads {
		return false
	}
	head1 := dim / heads
	n := vocab*dim + dim + length*head1 // embedding, last norm, the two tables of angles
	n += layers * (2*dim + 2*dim*heads*head1 + 2*dim*kv*head1 + 3*dim*hidden)
	if !shared {
		n += vocab * dim
	}
	return size == 28+4*n
}
