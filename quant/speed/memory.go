package speed

import (
	"fmt"
	"time"
	"unsafe"

	"fewbits/kernels"
	"fewbits/quant/ggml"
	"fewbits/quant/linear"
)

// Memory is where weights lie that are multiplied. Cases use it one after another: what a
// Pass returned is of no more use once there is another.
type Memory struct {
	words   []float32
	scratch linear.Scratch
}

// NewMemory is so many bytes, rounded up to whole float32. It fails for none, and for more
// than the weights of a Case may take.
func NewMemory(bytes int) (*Memory, error) {
	if bytes < 1 || bytes > mostBytes {
		return nil, fmt.Errorf("speed: %d bytes of weights are asked for, and 1 to %d are possible", bytes, mostBytes)
	}
	return &Memory{words: make([]float32, (bytes+3)/4)}, nil
}

// Len is how many bytes there are.
func (m *Memory) Len() int { return 4 * len(m.words) }

// bytes is all of it.
func (m *Memory) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(m.words))), 4*len(m.words))
}

// Bandwidth is how fast all of it is read, in bytes a second: by the fastest of a few
// kernels that do little beside.
func (m *Memory) Bandwidth(span time.Duration, most int) float64 {
	n := min(len(m.words), 1<<14)
	copy(m.words, normals(n, 1)) // memory that was never written may all be one page of zeros
	repeat(m.words, n)
	half := len(m.words) / 2
	var best time.Duration
	for _, read := range []func(){
		func() { kernels.CheckFinite(m.words) },
		func() { kernels.MinMax(m.words) },
		func() { kernels.DotF32(m.words[:half], m.words[half:2*half]) },
	} {
		d, _ := Best(span, most, func() error { read(); return nil }) // it does not fail
		if best == 0 || d < best {
			best = d
		}
	}
	return float64(4*len(m.words)) / best.Seconds()
}

// RowBytes is how many bytes a row of so many weights takes. It fails for a type that there
// is not, and for what is no whole number of its blocks.
func RowBytes(typ string, cols int) (int, error) {
	if typ == "INT8" {
		return cols, nil
	}
	t, ok := ggml.TypeByName(typ)
	if !ok {
		return 0, fmt.Errorf("speed: ggml has no type %q", typ)
	}
	return t.RowSize(cols)
}

// repeat fills all with what its first n values are.
func repeat[T any](all []T, n int) {
	for at := n; n > 0 && at < len(all); at += n {
		copy(all[at:], all[:n])
	}
}
