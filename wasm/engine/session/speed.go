//go:build !first

package session

import (
	"fmt"
	"math"
	"time"
	"unsafe"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/ggml"
	"fewbits/quant/linear"
	"fewbits/wasm/wire"
)

// bench is what products are timed in: as many bytes of weights for each type,
// so that memory is what all of them wait for alike.
type bench struct {
	words   []float32 // the memory
	scratch linear.Scratch
}

const (
	benchCols   = 4096 // as a 7B model has
	benchTile   = 16   // rows that are quantized; the memory is filled with their copies
	benchRows   = 1024 // of a product of matrices
	benchPasses = 7
	benchTime   = 250 * time.Millisecond // no more passes after that, but two at least

	mostBench = 256 << 20
	mostBatch = 512
)

// speedOpen makes room, and measures how fast memory is read.
func (s *Session) speedOpen(a wire.SpeedOpenArgs) (Reply, error) {
	s.trial.speed = bench{}
	if a.Bytes < 4*benchCols || a.Bytes > mostBench {
		return Reply{}, fmt.Errorf("%d bytes of weights are asked for; %d to %d are timed", a.Bytes, 4*benchCols, mostBench)
	}
	b := &s.trial.speed
	b.words = make([]float32, a.Bytes/4)
	waves(b.words)
	half := len(b.words) / 2
	var seconds float64
	for _, read := range []func(){
		func() { kernels.CheckFinite(b.words) },
		func() { kernels.MinMax(b.words) },
		func() { kernels.DotF32(b.words[:half], b.words[half:2*half]) },
	} {
		if t := fastest(read); seconds == 0 || t < seconds {
			seconds = t
		}
	}
	return Reply{JSON: wire.Bandwidth{Read: float64(4*len(b.words)) / seconds}}, nil
}

// waves fills x with values like those of weights.
func waves(x []float32) {
	for i := range x {
		x[i] = float32(i*2654435761%65536-32768) / 65536
	}
}

// fastest is the seconds of the fastest of a few passes.
func fastest(f func()) float64 {
	best, from := math.Inf(1), time.Now()
	for i := range benchPasses {
		start := time.Now()
		f()
		best = min(best, time.Since(start).Seconds())
		if i > 0 && time.Since(from) > benchTime {
			break
		}
	}
	return max(best, 1e-6)
}

// timeProduct times one product.
func (s *Session) timeProduct(a wire.SpeedArgs) (Reply, error) {
	b := &s.trial.speed
	if len(b.words) == 0 {
		return Reply{}, fmt.Errorf("no memory is there to time products in")
	}
	if a.Tokens < 1 || a.Tokens > mostBatch {
		return Reply{}, fmt.Errorf("%d tokens are asked for; 1 to %d are timed", a.Tokens, mostBatch)
	}
	rows, rowBytes, err := b.fill(a.Type)
	if err != nil {
		return Reply{}, err
	}
	if a.Tokens > 1 {
		rows = min(rows, benchRows)
	}
	f, err := b.product(a, rows, rowBytes)
	if err != nil {
		return Reply{}, err
	}
	return Reply{JSON: wire.Speed{Seconds: fastest(f), Weights: rows * benchCols, Bytes: rows * rowBytes, Kernel: kernels.Active()}}, nil
}

// memory is the words as bytes.
func (b *bench) memory() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b.words))), 4*len(b.words))
}

// fill fills the memory with rows of a type.
func (b *bench) fill(name string) (rows, rowBytes int, err error) {
	tile := make([]float32, benchTile*benchCols)
	waves(tile)
	var bytes []byte
	if name == "INT8" {
		bytes = make([]byte, len(tile))
		for i, v := range tile {
			bytes[i] = byte(int8(127 * v))
		}
	} else {
		f, ok := formats.Lookup(name)
		if !ok {
			return 0, 0, fmt.Errorf("there is no format %q", name)
		}
		p, err := f.Quantize(quant.Tensor{Name: "weights", Shape: []int{benchTile, benchCols}, Data: tile}, quant.Options{})
		if err != nil {
			return 0, 0, err
		}
		bytes = p.Bytes
	}
	memory := b.memory()
	rowBytes = len(bytes) / benchTile
	rows = len(memory) / len(bytes) * benchTile
	if rows == 0 {
		return 0, 0, fmt.Errorf("the memory has no room for %d rows of %s", benchTile, name)
	}
	for at := 0; at < rows*rowBytes; at += len(bytes) {
		copy(memory[at:], bytes)
	}
	return rows, rowBytes, nil
}

// product is one pass.
func (b *bench) product(a wire.SpeedArgs, rows, rowBytes int) (func(), error) {
	x := make([]float32, a.Tokens*benchCols)
	waves(x)
	if a.Type == "INT8" {
		codes := make([]int8, len(x))
		for i, v := range x {
			codes[i] = int8(127 * v)
		}
		y := make([]int32, a.Tokens*rows)
		w := unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b.words))), rows*rowBytes)
		return func() { kernels.MatMulInt8(y, codes, w, a.Tokens, rows, benchCols) }, nil
	}
	y := make([]float32, a.Tokens*rows)
	if a.Type == "F32" {
		return func() { kernels.MatMulF32(y, x, b.words[:rows*benchCols], a.Tokens, rows, benchCols) }, nil
	}
	t, ok := ggml.TypeByName(a.Type)
	if !ok {
		return nil, fmt.Errorf("products with %s are not timed", a.Type)
	}
	m, err := linear.New(t, rows, benchCols, b.memory()[:rows*rowBytes])
	if err != nil {
		return nil, err
	}
	multiply := m.MultiplyInts
	if a.Type == "F16" {
		multiply = m.Multiply
	}
	if err := multiply(y, x, a.Tokens, &b.scratch); err != nil {
		return nil, err
	}
	return func() { _ = multiply(y, x, a.Tokens, &b.scratch) }, nil // it went well once
}
