//go:build !purego

package pins

import (
	"math"
	"testing"
	"unsafe"
)

const assembler = "Go's assembler has changed: look through the .s files of fewbits/kernels"

func TestLaneIsTheSecondOperand(t *testing.T) {
	v := [4]float32{1, 2, 3, 4}
	if got := extractSecond(&v); got != 4 {
		t.Errorf("F32x4ExtractLane $0, $3 gives %v: %s", got, assembler)
	}
	if got := extractOnly(&v); got != 1 {
		t.Errorf("F32x4ExtractLane $3 gives %v, no longer lane 0: %s", got, assembler)
	}
	if replaceSecond(&v); v != [4]float32{1, 2, 1, 4} {
		t.Errorf("F32x4ReplaceLane $0, $2 gives %v: %s", v, assembler)
	}
}

func TestStoreOffsetIsTheSecondOperand(t *testing.T) {
	const m = math.MaxUint32
	var p [12]uint32
	if storeSecond(&p); p != [12]uint32{4: m, m, m, m} {
		t.Errorf("V128Store $0, $16 gives %x: %s", p, assembler)
	}
	p = [12]uint32{}
	if storeOnly(&p); p != [12]uint32{m, m, m, m} {
		t.Errorf("V128Store $16 gives %x, no longer at offset 0: %s", p, assembler)
	}
	p = [12]uint32{4: 7, 0: 9}
	if got := loadOnly(&p); got != 7 {
		t.Errorf("V128Load $16 gives %d: %s", got, assembler)
	}
}

func TestPseudoMinMax(t *testing.T) {
	nan, zero, negZ := float32(math.NaN()), float32(0), float32(math.Copysign(0, -1))
	bits := func(v [4]float32) (b [4]uint32) {
		for i := range v {
			b[i] = math.Float32bits(v[i])
		}
		return b
	}
	b := [4]float32{2, nan, negZ, 1}
	a := [4]float32{1, 3, zero, nan}
	lo, hi := a, a
	pmin(&lo, &b)
	pmax(&hi, &b)
	if got, want := bits(lo), bits([4]float32{1, 3, zero, nan}); got != want {
		t.Errorf("pmin: %x, want %x", got, want)
	}
	if got, want := bits(hi), bits([4]float32{2, 3, zero, nan}); got != want {
		t.Errorf("pmax: %x, want %x", got, want)
	}
}

func TestOperandOrder(t *testing.T) {
	a, idx := [16]byte{10, 11, 12, 13, 14, 15}, [16]byte{5, 0, 16, 255, 1}
	if swizzle(&a, &idx); a != [16]byte{15, 10, 0, 0, 11, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10} {
		t.Errorf("swizzle: %v", a)
	}
	p, q := [4]int32{1, -1, 65536, 65535}, [4]int32{2, 3, 4, math.MinInt32}
	narrow(&p, &q)
	if got := *(*[8]uint16)(unsafe.Pointer(&p)); got != [8]uint16{1, 0, 65535, 65535, 2, 3, 4, 0} {
		t.Errorf("narrow: %v", got)
	}
	x, y := [4]uint32{0xff00, 1, 2, 3}, [4]uint32{0x0f0f, 5, 6, 7}
	z := x
	if andnot(&z, &y); z != [4]uint32{0xf000, 0, 0, 0} {
		t.Errorf("andnot: %x", z)
	}
	z = x
	if bitselect(&z, &y, &[4]uint32{0xffff, 0, 0xffffffff, 0}); z != [4]uint32{0xff00, 5, 2, 7} {
		t.Errorf("bitselect: %x", z)
	}
}

func TestConstantsAndConversions(t *testing.T) {
	var c [2]uint64
	if constant(&c); c != [2]uint64{0x0123456789abcdef, 0x8000000080000000} {
		t.Errorf("V128Const: %x: %s", c, assembler)
	}
	v := [4]float32{1.5, -2, 3, 4}
	promote(&v)
	if got := *(*[2]float64)(unsafe.Pointer(&v)); got != [2]float64{1.5, -2} {
		t.Errorf("promote: %v", got)
	}
	v = [4]float32{0.5, 1.5, -2.5, 8388607.5}
	if nearest(&v); v != [4]float32{0, 2, -2, 8388608} {
		t.Errorf("nearest: %v", v)
	}
	var p [2]float32
	if scalars(2.5, -3, &p); p != [2]float32{2.5, -3} {
		t.Errorf("scalars from the frame: %v: %s", p, assembler)
	}
}
