package quant

import (
	"io"
	"math"
)

// File is one of the files that a source is opened from: a model may lie in
// several, with a description of it in others beside them.
type File struct {
	Name string // with its folders, as "model/config.json"
	R    io.ReaderAt
	Size int64 // bytes
}

// Source is a file of named tensors, opened but not read: GGUF, safetensors,
// npy, npz, a PyTorch checkpoint. Reading goes through an io.ReaderAt and
// touches only what is asked for.
type Source interface {
	// Container is the kind of file: "gguf", "safetensors", "npy", "npz", "pytorch",
	// "raw"; "huggingface" is a folder shown with the names and metadata of GGUF.
	Container() string
	// Metadata is the file's own key-value pairs, in file order.
	Metadata() []Meta
	// Tensors describes every tensor, in file order.
	Tensors() []TensorInfo
	// ReadRows reads rows [row, row+n) of tensor i as float32 into dst, which
	// holds n × Cols values. Quantized types are dequantized.
	ReadRows(i, row, n int, dst []float32) error
	// ReadRaw reads len(dst) bytes from offset off of tensor i's own bytes.
	ReadRaw(i int, off int64, dst []byte) error
}

// Meta is one key-value pair of a file.
type Meta struct {
	Key   string
	Type  string // as the container names it: "u32", "string", "[string]"
	Value any    // integers, floats, bool, string, or a slice of one of those
}

// Int is a value that is an integer of any width; false where it is none, or
// does not fit.
func (m Meta) Int() (int64, bool) {
	switch v := m.Value.(type) {
	case uint8:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case int16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case int32:
		return int64(v), true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case int64:
		return v, true
	}
	return 0, false
}

// TensorInfo describes a tensor in a file.
type TensorInfo struct {
	Name     string
	Shape    []int  // outermost first
	Type     string // as the container names it: "F32", "Q4_K", "BF16", "<f4"
	Offset   int64  // of its first byte in the file; in a compressed member, 0
	Bytes    int64  // that it takes in the file
	Readable bool   // whether ReadRows can turn it into float32
	Why      string // why not
	File     string // of several, the name of the one that it lies in

	// Of a quantized checkpoint, whose matrices are several tensors and are
	// shown as one: what it is stored as, "GPTQ 4-bit g128", and the bytes that
	// takes. Type and Bytes are then of the values as ReadRaw gives them.
	Stored      string
	StoredBytes int64
}

// Len is the number of values.
func (i TensorInfo) Len() int { n, _ := Count(i.Shape); return n }

// ReadTensor reads tensor i of s whole.
func ReadTensor(s Source, i int) (Tensor, error) {
	info := s.Tensors()[i]
	t := Tensor{Name: info.Name, Shape: info.Shape, Data: make([]float32, info.Len())}
	if t.Len() == 0 {
		return t, nil
	}
	return t, s.ReadRows(i, 0, t.Rows(), t.Data)
}
