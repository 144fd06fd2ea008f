//go:build linux && amd64

package libllama

import (
	"encoding/gob"
	"os"
	"unsafe"
)

// Sums are of the inputs of one weight, as llama-imatrix takes them
// (IMatrixCollector::collect_imatrix in tools/imatrix/imatrix.cpp): in float32,
// token by token.
type Sums struct {
	Squares []float32 // Σx² of each input
	Count   int       // tokens
}

// collected are by the weight's name.
type collected map[string]*Sums

// tensor is the start of struct ggml_tensor, from ggml/include/ggml.h.
type tensor struct {
	typ      int32
	_        int32
	buffer   uintptr
	ne       [4]int64
	nb       [4]uint64
	op       int32
	params   [16]int32
	flags    int32
	src      [10]*tensor
	viewSrc  uintptr
	viewOffs uint64
	data     unsafe.Pointer
	name     [64]byte
	_        uintptr
	_        [8]byte
}

// opMulMat is GGML_OP_MUL_MAT.
const opMulMat = 29

// observe is ggml_backend_sched_eval_callback: asked, it says whether it wants
// to see what a node of the graph computes; then it is called with the node
// computed.
func (c collected) observe(node *tensor, ask bool, _ uintptr) bool {
	if node.op != opMulMat || node.src[0] == nil || node.src[1] == nil {
		return !ask
	}
	w, x := node.src[0], node.src[1]
	name := w.text()
	if x.ne[1] < 16 || x.typ != 0 || !(len(name) > 4 && name[:4] == "blk." || name == "output.weight") {
		return !ask
	}
	if ask {
		return true
	}
	cols, rows := int(x.ne[0]), int(x.ne[1])
	s := c[name]
	if s == nil {
		s = &Sums{Squares: make([]float32, cols)}
		c[name] = s
	}
	for r := range rows {
		row := unsafe.Slice((*float32)(unsafe.Add(x.data, r*int(x.nb[1]))), cols)
		for i, v := range row {
			s.Squares[i] += float32(v * v)
		}
	}
	s.Count += rows
	return true
}

func (t *tensor) text() string {
	for i, b := range t.name {
		if b == 0 {
			return string(t.name[:i])
		}
	}
	return ""
}

func (c collected) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	all := map[string]Sums{}
	for name, s := range c {
		all[name] = *s
	}
	return gob.NewEncoder(f).Encode(all)
}

func readSums(path string) (map[string]Sums, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string]Sums{}
	return all, gob.NewDecoder(f).Decode(&all)
}
