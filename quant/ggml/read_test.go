package ggml

import (
	"math"
	"math/rand/v2"
	"testing"
)

// byDecode reconstructs whole blocks from what decode says of them.
func byDecode(f *format, dst []float32, src []byte) {
	var s block
	t := f.typ()
	for ; len(dst) > 0; dst, src = dst[t.Block:], src[t.Bytes:] {
		f.decode(src[:t.Bytes:t.Bytes], &s)
		for i, q := range s.code[:t.Block] {
			scale := s.scale[i/f.group]
			switch {
			case f.table != nil:
				dst[i] = scale * float32(f.table.values[q])
			case f.hasMin():
				dst[i] = float32(scale*float32(q)) + s.min[i/f.group]
			default:
				dst[i] = scale * float32(int32(q)-f.zero)
			}
		}
	}
}

// TestReadAnyBytes holds the two ways to take blocks apart against each other, on
// blocks of any bytes: every format reads whatever is stored.
func TestReadAnyBytes(t *testing.T) {
	for _, f := range all {
		t.Run(f.typ().Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, uint64(f.id)))
			const blocks = 300
			src := make([]byte, blocks*f.typ().Bytes)
			for i := range src {
				src[i] = byte(r.Uint32())
			}
			got, want := make([]float32, blocks*f.typ().Block), make([]float32, blocks*f.typ().Block)
			f.read(got, src)
			byDecode(f, want, src)
			for i, v := range want {
				if math.Float32bits(got[i]) != math.Float32bits(v) && (v == v || got[i] == got[i]) {
					t.Fatalf("value %d is %v (%#x), want %v (%#x); its block is % x", i, got[i], math.Float32bits(got[i]),
						v, math.Float32bits(v), src[i/f.typ().Block*f.typ().Bytes:][:f.typ().Bytes])
				}
			}
		})
	}
}
