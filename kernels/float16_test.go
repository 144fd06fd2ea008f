package kernels

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/x448/float16"
)

func TestAllHalves(t *testing.T) {
	src, dst := make([]byte, 2<<16), make([]float32, 1<<16)
	for h := range 1 << 16 {
		binary.LittleEndian.PutUint16(src[2*h:], uint16(h))
	}
	F16ToF32(dst, src)
	for h, v := range dst {
		if got, want := math.Float32bits(v), math.Float32bits(float16.Frombits(uint16(h)).Float32()); got != want {
			t.Fatalf("half %#04x is %#08x, want %#08x", h, got, want)
		}
	}
	back := make([]byte, 2<<16)
	F32ToF16(back, dst)
	for h := range 1 << 16 {
		want := uint16(h)
		if float16.Frombits(want).IsNaN() {
			want |= 0x0200
		}
		if got := binary.LittleEndian.Uint16(back[2*h:]); got != want {
			t.Fatalf("half %#04x comes back as %#04x, want %#04x", h, got, want)
		}
	}
}

// everyPattern calls f with slices of floats that have all upper 20 bits and,
// of the rest, those around what a conversion cuts off or rounds.
func everyPattern(t *testing.T, f func(x []float32)) {
	step := uint32(1)
	if testing.Short() {
		step = 37
	}
	low := []uint32{0, 1, 0x7ff, 0x800, 0x801, 0xfff}
	x := make([]float32, 0, 1<<13)
	for hi := uint32(0); hi < 1<<20; hi += step {
		for _, l := range low {
			x = append(x, math.Float32frombits(hi<<12|l))
		}
		if len(x) > 1<<13-8 {
			f(x)
			x = x[:0]
		}
	}
	f(x)
}

func TestF32ToF16(t *testing.T) {
	dst := make([]byte, 2<<13)
	everyPattern(t, func(x []float32) {
		F32ToF16(dst, x)
		for i, v := range x {
			if got, want := binary.LittleEndian.Uint16(dst[2*i:]), float16.Fromfloat32(v).Bits(); got != want {
				t.Fatalf("%g (%#08x) becomes %#04x, want %#04x", v, math.Float32bits(v), got, want)
			}
		}
	})
}

// nearestBF16 looks at the bfloat16 below |v| and the one above.
func nearestBF16(v float32) uint16 {
	u := math.Float32bits(v)
	if v != v {
		return uint16(u>>16) | 0x0040
	}
	if math.IsInf(float64(v), 0) {
		return uint16(u >> 16)
	}
	down := uint16(u >> 16)
	value := func(h uint16) float64 {
		if h&0x7fff == 0x7f80 {
			return math.Ldexp(1, 128) // where infinity would stand
		}
		return math.Abs(float64(math.Float32frombits(uint32(h) << 16)))
	}
	a := math.Abs(float64(v))
	below, above := a-value(down), value(down+1)-a
	if below < above || below == above && down&1 == 0 {
		return down
	}
	return down + 1
}

func TestBF16(t *testing.T) {
	dst := make([]byte, 2<<13)
	back := make([]float32, 1<<13)
	everyPattern(t, func(x []float32) {
		F32ToBF16(dst, x)
		BF16ToF32(back, dst)
		for i, v := range x {
			got := binary.LittleEndian.Uint16(dst[2*i:])
			if want := nearestBF16(v); got != want {
				t.Fatalf("%g (%#08x) becomes %#04x, want %#04x", v, math.Float32bits(v), got, want)
			}
			if b := math.Float32bits(back[i]); b != uint32(got)<<16 {
				t.Fatalf("%#04x becomes %#08x", got, b)
			}
		}
	})
}
