package kernels

// RoundGroups rounds groups of n values anew once what is read back of their
// scale s and minimum m is known: q = clamp(round((x + m)/s), least, most) −
// least, rounded to even. A group whose scale is 0 keeps its codes.
func RoundGroups(q []uint8, x, s, m []float32, n int, least, most int32) {
	if n < 1 {
		return
	}
	groups := min(len(q)/n, len(x)/n, len(s), len(m))
	roundGroups(q[:groups*n], x[:groups*n], s[:groups], m[:groups], n, least, most)
}

// Settled is what SettleScales says of a block of sixteen groups.
type Settled struct {
	Top     float32 // of the scales, the first of greatest magnitude
	D       uint16  // half float of which they are multiples
	NoSteps uint16  // a bit for each group whose step is 0
}

// SettleScales rounds the scales of the sixteen groups of each block to codes of one
// scale: the first of greatest magnitude, top, takes the code least, −128 … −1. That
// scale is 1/(least/top), kept as half float d; the codes, in two's complement, are
// round(least/top · s), from least to −least − 1, and steps, what is read back: d ·
// code. Where top is 0 all is 0. A product past the integers, or NaN, gives code 0.
//
// Source: quantize_row_q3_K_ref and quantize_row_q6_K_ref of ggml-quants.c, which
// keep the code in a byte before they clamp it.
func SettleScales(of []Settled, codes []uint8, steps, scales []float32, least int32) {
	n := min(len(of), len(codes)/superGroups, len(steps)/superGroups, len(scales)/superGroups)
	groups := n * superGroups
	settleScales(of[:n], codes[:groups], steps[:groups], scales[:groups], min(max(least, -128), -1))
}

// PackBits packs bits shift … shift+bits−1 of each code; bits is 1, 2 or 4. Of
// run neighbours each stands in a byte of its own, in its lowest bits; the next
// run takes the next bits of the same bytes, until they are full.
func PackBits(dst []byte, q []uint8, bits, run, shift int) {
	if run < 1 || shift < 0 || bits != 1 && bits != 2 && bits != 4 || bits+shift > 8 {
		return
	}
	chunks := min(len(dst)/run, len(q)/(run*8/bits))
	packBits(dst[:chunks*run], q[:chunks*run*8/bits], bits, run, shift)
}

// UnpackBits undoes PackBits. The bits of q below shift are kept, those above
// what was packed are cleared.
func UnpackBits(q []int8, src []byte, bits, run, shift int) {
	if run < 1 || shift < 0 || bits != 1 && bits != 2 && bits != 4 || bits+shift > 8 {
		return
	}
	chunks := min(len(src)/run, len(q)/(run*8/bits))
	unpackBits(q[:chunks*run*8/bits], src[:chunks*run], bits, run, shift)
}

func roundGroupsGeneric(q []uint8, x, s, m []float32, n int, least, most int32) {
	for g, s := range s {
		if s == 0 {
			continue
		}
		v, out, m := x[g*n:g*n+n], q[g*n:g*n+n], m[g]
		for i, v := range v {
			out[i] = uint8(max(min(nearestInt((v+m)/s), most), least) - least)
		}
	}
}

func settleScalesGeneric(of []Settled, codes []uint8, steps, scales []float32, least int32) {
	for i := range of {
		at := i * superGroups
		of[i] = settleBlock(codes[at:at+superGroups], steps[at:at+superGroups], scales[at:at+superGroups], least)
	}
}

func settleBlock(codes []uint8, steps, scales []float32, least int32) Settled {
	b := Settled{Top: firstLargest(scales)}
	if b.Top == 0 {
		clear(codes)
		clear(steps)
		b.NoSteps = 0xffff
		return b
	}
	inverse := float32(least) / b.Top
	b.D = floatToHalf(1 / inverse)
	back := halfToFloat(b.D)
	for j, s := range scales {
		c := int32(int8(min(127, nearestInt(float32(inverse*s)))))
		c = min(max(c, least), -least-1)
		codes[j], steps[j] = uint8(c), back*float32(c)
		if steps[j] == 0 {
			b.NoSteps |= 1 << j
		}
	}
	return b
}

// expandGroups turns the codes of groups of n into values: float32(s·(q − zero)) +
// low, each group with its own s and, where low is not nil, its low.
func expandGroups(dst []float32, q []int8, s, low []float32, n int, zero int32) {
	for g, s := range s {
		out, q := dst[g*n:g*n+n], q[g*n:g*n+n]
		if low == nil {
			for i, q := range q {
				out[i] = s * float32(int32(q)-zero)
			}
			continue
		}
		low := low[g]
		for i, q := range q {
			out[i] = float32(s*float32(int32(q)-zero)) + low
		}
	}
}

func packBitsGeneric(dst []byte, q []uint8, bits, run, shift int) {
	mask := uint8(1)<<bits - 1
	for ; len(dst) >= run; dst = dst[run:] {
		clear(dst[:run])
		for at := 0; at < 8; at += bits {
			for j, v := range q[:run] {
				dst[j] |= v >> shift & mask << at
			}
			q = q[run:]
		}
	}
}

func unpackBitsGeneric(q []int8, src []byte, bits, run, shift int) {
	mask, kept := uint8(1)<<bits-1, uint8(1)<<shift-1
	for ; len(src) >= run; src = src[run:] {
		for at := 0; at < 8; at += bits {
			out := q[:run]
			for j, v := range src[:run] {
				out[j] = int8(uint8(out[j])&kept | v>>at&mask<<shift)
			}
			q = q[run:]
		}
	}
}
