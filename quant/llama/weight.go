package llama

import (
	"encoding/binary"
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/ggml"
	"fewbits/quant/linear"
)

// weight is a matrix of rows × cols, in the type that the file stores.
type weight struct {
	name       string
	typ        ggml.Type
	rows, cols int
	rowBytes   int
	data       []byte    // all rows; nil where floats has them or src is asked
	floats     []float32 // of an F32 tensor
	src        quant.Source
	index      int       // in src
	bias       []float32 // one a row, or nil
	factor     float32   // of the products: a scale that stands in a tensor of its own
}

// read writes rows [row, row+n) as float32 to dst. raw is scratch.
func (w *weight) read(row, n int, dst []float32, raw *[]byte) error {
	if w.floats != nil {
		copy(dst, w.floats[row*w.cols:(row+n)*w.cols])
		return nil
	}
	from := row * w.rowBytes
	size := n * w.rowBytes
	b := w.data
	if b != nil {
		b = b[from : from+size]
	} else {
		if cap(*raw) < size {
			*raw = make([]byte, size)
		}
		b = (*raw)[:size]
		if err := w.src.ReadRaw(w.index, int64(from), b); err != nil {
			return err
		}
	}
	if err := linear.Unpack(w.typ, b, dst); err != nil {
		return fmt.Errorf("llama: tensor %q: %w", w.name, err)
	}
	return nil
}

// loader finds tensors in a file and checks them.
type loader struct {
	src     quant.Source
	infos   []quant.TensorInfo
	at      map[string]int
	room    int64 // bytes of weights that may still be held in memory
	bounded bool
}

func newLoader(src quant.Source, resident int64) *loader {
	l := &loader{src: src, infos: src.Tensors(), at: map[string]int{}, room: resident, bounded: resident > 0}
	for i, info := range l.infos {
		l.at[info.Name] = i
	}
	return l
}

// has says whether there is a tensor of a name.
func (l *loader) has(name string) bool { _, ok := l.at[name]; return ok }

// find is the index of a tensor that can be read and has a shape.
func (l *loader) find(name string, shape ...int) (int, ggml.Type, error) {
	i, ok := l.at[name]
	if !ok {
		return 0, ggml.Type{}, fmt.Errorf("llama: tensor %q is missing; the file does not hold the whole model", name)
	}
	info := l.infos[i]
	if !info.Readable {
		return 0, ggml.Type{}, fmt.Errorf("llama: tensor %q cannot be read: %s", name, info.Why)
	}
	if !sameShape(info.Shape, shape) {
		return 0, ggml.Type{}, fmt.Errorf("llama: tensor %q has the shape %v, and by the metadata it is %v", name, info.Shape, shape)
	}
	t, ok := ggml.TypeByName(info.Type)
	if !ok {
		return 0, t, fmt.Errorf("llama: tensor %q is of type %s, which ggml does not have", name, info.Type)
	}
	return i, t, nil
}

// sameShape compares shapes, of which a file may leave out leading ones.
func sameShape(got, want []int) bool {
	for len(got) > len(want) && got[0] == 1 {
		got = got[1:]
	}
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != want[i] {
			return false
		}
	}
	return true
}

// matrix loads a weight of rows × cols, and the bias beside it where there is
// one.
func (l *loader) matrix(base string, rows, cols int) (*weight, error) {
	name := base + ".weight"
	i, t, err := l.find(name, rows, cols)
	if err != nil {
		return nil, err
	}
	w := &weight{name: name, typ: t, rows: rows, cols: cols, src: l.src, index: i, factor: 1}
	if w.rowBytes, err = t.RowSize(cols); err != nil {
		return nil, fmt.Errorf("llama: tensor %q: %w", name, err)
	}
	if l.has(base + ".bias") {
		if w.bias, err = l.vector(base+".bias", rows); err != nil {
			return nil, err
		}
	}
	if l.has(base + ".scale") {
		s, err := l.vector(base+".scale", 1)
		if err != nil {
			return nil, err
		}
		w.factor = s[0]
	}
	return w, l.load(w)
}

// load brings a weight into memory, where there is room for it.
func (l *loader) load(w *weight) error {
	size := l.infos[w.index].Bytes
	if l.bounded && size > l.room {
		return nil
	}
	l.room -= size
	if w.typ.Name != "F32" {
		w.data = make([]byte, size)
		return l.src.ReadRaw(w.index, 0, w.data)
	}
	w.floats = make([]float32, size/4)
	piece := make([]byte, min(size, 1<<20)) // all of it at once would take twice the memory
	for at := int64(0); at < size; at += int64(len(piece)) {
		piece = piece[:min(size-at, int64(len(piece)))]
		if err := l.src.ReadRaw(w.index, at, piece); err != nil {
			return err
		}
		for i := range len(piece) / 4 {
			w.floats[int(at/4)+i] = math.Float32frombits(binary.LittleEndian.Uint32(piece[4*i:]))
		}
	}
	return nil
}

// vector loads n values.
func (l *loader) vector(name string, n int) ([]float32, error) {
	i, _, err := l.find(name, n)
	if err != nil {
		return nil, err
	}
	v := make([]float32, n)
	return v, l.src.ReadRows(i, 0, 1, v)
}

// perhaps loads n values where the tensor is there.
func (l *loader) perhaps(name string, n int) ([]float32, error) {
	if !l.has(name) {
		return nil, nil
	}
	return l.vector(name, n)
}
