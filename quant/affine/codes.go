package affine

import (
	"math"

	"fewbits/kernels"
	"fewbits/quant"
)

// magic is 1.5·2^23: adding it to a float32 of less than 2^22 leaves the
// integer nearest to that number, ties to even, in the low bits.
const (
	magic     = 12582912
	magicBits = 0x4b400000
)

// chunk is how many values are worked on at a time: a multiple of 8, so that
// every chunk's codes begin at a byte.
const chunk = 4096

// quantizer turns values into codes.
type quantizer struct {
	grid
	rounding quant.Rounding
	seed     uint64
}

// codes quantizes x, of which the first is value first of the tensor.
func (z *quantizer) codes(dst []int8, x []float32, m params, first int) {
	if z.rounding == quant.RoundEven {
		kernels.QuantizeAffine(dst, x, m.scale, m.zero, z.lo, z.hi)
		return
	}
	for i, v := range x {
		dst[i] = z.code(v, m, first+i)
	}
}

// columnCodes quantizes x, each value with params of its own; the first is
// value first of the tensor.
func (z *quantizer) columnCodes(dst []int8, x []float32, ms []params, first int) {
	if z.rounding != quant.RoundEven {
		for i, v := range x {
			dst[i] = z.code(v, ms[i], first+i)
		}
		return
	}
	dst, ms = dst[:len(x)], ms[:len(x)]
	for i, v := range x {
		m := ms[i]
		t := v / m.scale
		if a := float32(z.lo - m.zero); t < a {
			t = a
		}
		if b := float32(z.hi - m.zero); t > b {
			t = b
		}
		dst[i] = int8(int32(math.Float32bits(t+magic)) - magicBits + m.zero)
	}
}

// code quantizes v, value i of the tensor, away from zero or stochastically.
func (z *quantizer) code(v float32, m params, i int) int8 {
	// Clamping to integers before rounding gives what clamping after gives,
	// and keeps the quotient small enough for every way to round.
	t := v / m.scale
	t = max(float32(z.lo-m.zero), min(float32(z.hi-m.zero), t))
	var r int32
	if z.rounding == quant.RoundStochastic {
		r = int32(math.Floor(float64(t) + uniform(z.seed, uint64(i))))
	} else {
		r = int32(float64(t) + math.Copysign(0.5, float64(t)))
	}
	return int8(r + m.zero)
}

// uniform is a number in [0, 1), a multiple of 2^-32, for counter i: the
// upper half of output i (from 0) of SplitMix64 started with the seed.
func uniform(seed, i uint64) float64 {
	z := seed + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>32) * 0x1p-32
}

// work packs one tensor.
type work struct {
	layout
	quantizer
	finder
	buf [chunk]int8
}

// blocks fills b block by block. It is the index of the largest value of the
// block whose scale does not fit, or −1.
func (w *work) blocks(b []byte, x []float32) int {
	for r := range w.runs() {
		if w.rounding == quant.RoundEven && w.group <= smallGroup {
			if bad := w.smallBlocks(b[r.offset:], x[r.first:r.end]); bad >= 0 {
				return r.first + bad
			}
			continue
		}
		for first, offset := r.first, r.offset; first < r.end; {
			part := x[first:min(first+w.group, r.end)]
			m, ok := w.find(w.grid, part)
			if !ok {
				return first + largest(part, 1)
			}
			w.putParams(b[offset:], 0, m)
			w.run(b[offset+w.header():], part, m, first)
			first, offset = first+len(part), offset+w.header()+w.codeBytes(len(part))
		}
	}
	return -1
}

// smallGroup is up to how many values a block is packed together with others.
const smallGroup = 512

// together is how many blocks are packed at a time.
const together = 64

// smallBlocks fills b with blocks that follow one another, of which the last may be
// shorter. It returns as blocks.
func (w *work) smallBlocks(b []byte, x []float32) int {
	k := w.kernel()
	k.Bottom = w.grid.lo
	size := k.Size()
	for first := 0; first < len(x); {
		part := x[first:min(first+together*w.group, len(x))]
		if len(part) < w.group {
			k.N = len(part)
		}
		part = part[:len(part)/k.N*k.N]
		if bad := w.findAll(w.grid, part, k.N); bad >= 0 {
			return first + k.N*bad + largest(part[k.N*bad:][:k.N], 1)
		}
		n := len(part) / k.N
		kernels.QuantizeAffineBlocks(b, part, w.found.scale[:n], w.found.least[:n], w.found.most[:n], &k)
		first += len(part)
		b = b[min(n*size, len(b)):]
	}
	return -1
}

// run packs the codes of x, which share m, to dst.
func (w *work) run(dst []byte, x []float32, m params, first int) {
	for a := 0; a < len(x); a += chunk {
		part := x[a:min(a+chunk, len(x))]
		q := w.buf[:len(part)]
		w.codes(q, part, m, first+a)
		pack(dst[a/8*w.bits:], q, w.bits)
	}
}

// tile is how many columns are gathered at a time: a cache line of float32.
const tile = 16

// planes fills b with the planes of a scale a column, and returns as blocks.
func (w *work) planes(b []byte, x []float32) int {
	if w.n == 0 {
		return -1
	}
	ms := make([]params, w.cols)
	gathered := make([]float32, min(tile, w.cols)*w.rows)
	for from := 0; from < w.cols; from += tile {
		cs := min(tile, w.cols-from)
		for r := range w.rows {
			for j, v := range x[r*w.cols+from : r*w.cols+from+cs] {
				gathered[j*w.rows+r] = v
			}
		}
		for j := range cs {
			m, ok := w.find(w.grid, gathered[j*w.rows:(j+1)*w.rows])
			if !ok {
				return from + j + largest(x[from+j:], w.cols)
			}
			ms[from+j] = m
			w.putParams(b, from+j, m)
		}
	}
	for r := range w.rows {
		dst := b[w.row(r):]
		for a := 0; a < w.cols; a += chunk {
			n := min(chunk, w.cols-a)
			first := r*w.cols + a
			w.columnCodes(w.buf[:n], x[first:first+n], ms[a:a+n], first)
			pack(dst[a/8*w.bits:], w.buf[:n], w.bits)
		}
	}
	return -1
}

// largest is the index of the value of largest magnitude of every step-th of x.
func largest(x []float32, step int) int {
	at := 0
	for i := 0; i < len(x); i += step {
		if math.Abs(float64(x[i])) > math.Abs(float64(x[at])) {
			at = i
		}
	}
	return at
}

// dequantizeBlocks writes the values of blocks that follow one another.
func (l *layout) dequantizeBlocks(dst []float32, b []byte) {
	var codes [chunk]int8
	for r := range l.runs() {
		first, offset := r.first, r.offset
		if l.group <= smallGroup {
			k := l.kernel()
			n := (r.end - first) / l.group
			kernels.DequantizeAffineBlocks(dst[first:first+n*l.group], b[offset:offset+n*l.full], &k)
			first, offset = first+n*l.group, offset+n*l.full
		}
		for first < r.end {
			out := dst[first:min(first+l.group, r.end)]
			m, src := l.paramsAt(b, offset), b[offset+l.header():]
			for a := 0; a < len(out); a += chunk {
				part := out[a:min(a+chunk, len(out))]
				unpack(codes[:len(part)], src[a/8*l.bits:], l.bits)
				kernels.DequantizeAffine(part, codes[:len(part)], m.scale, m.zero)
			}
			first, offset = first+len(out), offset+l.header()+l.codeBytes(len(out))
		}
	}
}

// dequantizePlanes writes the values of a tensor with a scale a column.
func (l *layout) dequantizePlanes(dst []float32, b []byte) {
	if l.n == 0 {
		return
	}
	var codes [chunk]int8
	ms := make([]params, l.cols)
	for c := range ms {
		ms[c] = l.params(b, c)
	}
	l.eachRun(func(first, offset, n int) {
		for a := 0; a < n; a += chunk {
			part := codes[:min(chunk, n-a)]
			unpack(part, b[offset+a/8*l.bits:], l.bits)
			for j, q := range part {
				m := &ms[a+j]
				dst[first+a+j] = float32(int32(q)-m.zero) * m.scale
			}
		}
	})
}
