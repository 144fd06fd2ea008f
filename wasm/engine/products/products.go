package products

import (
	"fmt"
	"time"

	"fewbits/kernels"
	"fewbits/quant/speed"
	"fewbits/wasm/wire"
)

// Bench is what products are timed in: as many bytes of weights for each type,
// so that memory is what all of them wait for alike.
type Bench struct{ memory *speed.Memory }

// A call of a kernel is a pass over all the memory, and V8 runs in it what it had when the
// call began: the code of its quick compiler, until that of the other is there, which takes
// some 50 ms. So there are many passes, of which the fastest counts.
const (
	cols      = 4096 // as a 7B model has
	leastRows = 16
	batchRows = 1024 // of a product of matrices
	passes    = 50
	span      = 200 * time.Millisecond // no more passes after that, but two at least

	leastBytes = 4 * cols * leastRows
	mostBytes  = 128 << 20
	mostBatch  = 512
)

// Call answers one of the operations of products, with what wire says.
func (b *Bench) Call(op string, args []byte) (any, error) {
	switch op {
	case wire.OpSpeedOpen:
		var a wire.SpeedOpenArgs
		if err := wire.Unmarshal(args, &a); err != nil {
			return nil, fmt.Errorf("the request cannot be read: %w", err)
		}
		return b.open(a)
	case wire.OpSpeed:
		var a wire.SpeedArgs
		if err := wire.Unmarshal(args, &a); err != nil {
			return nil, fmt.Errorf("the request cannot be read: %w", err)
		}
		return b.time(a)
	}
	return nil, fmt.Errorf("this program only times products: it knows no %q", op)
}

// open makes room, and measures how fast memory is read.
func (b *Bench) open(a wire.SpeedOpenArgs) (wire.Bandwidth, error) {
	b.memory = nil
	if a.Bytes < leastBytes || a.Bytes > mostBytes {
		return wire.Bandwidth{}, fmt.Errorf("%d bytes of weights are asked for; %d to %d are timed", a.Bytes, leastBytes, mostBytes)
	}
	m, err := speed.NewMemory(a.Bytes)
	if err != nil {
		return wire.Bandwidth{}, err
	}
	b.memory = m
	return wire.Bandwidth{Read: m.Bandwidth(span, passes), Kernel: kernels.Active(), Relaxed: kernels.Relaxed}, nil
}

// time times one product.
func (b *Bench) time(a wire.SpeedArgs) (wire.Speed, error) {
	if b.memory == nil {
		return wire.Speed{}, fmt.Errorf("no memory is there to time products in")
	}
	if a.Tokens < 1 || a.Tokens > mostBatch {
		return wire.Speed{}, fmt.Errorf("%d tokens are asked for; 1 to %d are timed", a.Tokens, mostBatch)
	}
	rowBytes, err := speed.RowBytes(a.Type, cols)
	if err != nil {
		return wire.Speed{}, err
	}
	rows := b.memory.Len() / rowBytes
	if a.Tokens > 1 {
		rows = min(rows, batchRows)
	}
	pass, err := speed.Case{Type: a.Type, Way: way(a), Tokens: a.Tokens, Rows: rows, Cols: cols}.Pass(b.memory)
	if err != nil {
		return wire.Speed{}, err
	}
	d, err := speed.Best(span, passes, pass)
	return wire.Speed{Seconds: d.Seconds(), Weights: rows * cols, Bytes: rows * rowBytes}, err
}

// way is how a type is multiplied: what is quantized, with activations of 8 bits.
func way(a wire.SpeedArgs) string {
	floats := a.Type == "F32" || a.Type == "F16"
	switch {
	case floats && a.Relaxed:
		return speed.Relaxed
	case floats:
		return speed.Exact
	case a.Relaxed:
		return speed.RelaxedIntegers
	}
	return speed.Integers
}
