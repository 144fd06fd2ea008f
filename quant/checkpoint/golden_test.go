package checkpoint

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// vectors are what the authors' own code packed.
type vectors struct {
	GPTQ map[string]struct {
		Bits            int
		Sym             bool
		Qweight, Qzeros string
		Zeros           [][]float32
		Scales          string
	}
	AWQ    struct{ Qweight, Qzeros, Scales string }
	Packed map[string]struct {
		Sym              bool
		WeightPacked     string `json:"weight_packed"`
		ZeroPointsPacked string `json:"zero_point_packed"`
		Scale            string
	}
	NVFP4 struct {
		Global         float64
		Scales, Packed string
	}
	Underflow struct {
		Zeros   []float32
		Correct uint32 `json:"correct_masked_v1"`
		V2      uint32
	}
}

func golden(t *testing.T) vectors {
	t.Helper()
	var v vectors
	testdata.Vectors(t, "testdata/packing.json", &v)
	return v
}

func base(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rounded is the layer of package testdata as a layout stores it.
func rounded(t testing.TB, l Layout, s Scheme, w quant.Tensor) Parts {
	t.Helper()
	parts, err := l.Parts(s, w.Rows(), w.Cols())
	if err != nil {
		t.Fatal(err)
	}
	parts.allocate()
	if err := l.Round(t.Context(), s, w, parts); err != nil {
		t.Fatal(err)
	}
	return parts
}

// same compares the bytes of a part.
func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d bytes, want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: byte %d of %d is %#02x, want %#02x", what, i, len(want), got[i], want[i])
		}
	}
}

// transposed is rows × cols of 4-byte values as cols × rows.
func transposed(b []byte, rows, cols int) []byte {
	out := make([]byte, len(b))
	for r := range rows {
		for c := range cols {
			copy(out[4*(c*rows+r):], b[4*(r*cols+c):4*(r*cols+c)+4])
		}
	}
	return out
}

// TestGoldenGPTQ holds the layout against AutoGPTQ's QuantLinear.pack. Where a
// zero point is 0 its qzeros have the borrow of 0 − 1 in all fields above;
// those are held by TestZeroOfOne.
func TestGoldenGPTQ(t *testing.T) {
	for name, v := range golden(t).GPTQ {
		t.Run(name, func(t *testing.T) {
			s := Scheme{Bits: v.Bits, Group: 32, Symmetric: v.Sym, Type: "F32"}
			l := gptq{v2: v.Bits == 2} // version 1 would avoid zero points of 0
			p := rounded(t, l, s, testdata.Weights())
			same(t, "qweight", p.get(".qweight").Data, base(t, v.Qweight))
			same(t, "scales", p.get(".scales").Data, transposed(base(t, v.Scales), 64, 4))
			if v.Bits == 4 {
				same(t, "qzeros", p.get(".qzeros").Data, base(t, v.Qzeros))
			}
			for k := range 4 {
				z := line(p.get(".qzeros").Data, k, 64*v.Bits/32)
				for o := range 64 {
					got := z.get(0, o*v.Bits, v.Bits)
					if !l.v2 {
						got++
					}
					if float32(got) != v.Zeros[o][k] {
						t.Fatalf("zero point of output %d, group %d is %d, want %v", o, k, got, v.Zeros[o][k])
					}
				}
			}
		})
	}
}

// TestZeroOfOne wants a zero point of 0 stored without a borrow in version 1,
// and read back.
func TestZeroOfOne(t *testing.T) {
	v := golden(t).Underflow
	for _, tt := range []struct {
		name string
		l    gptq
		want uint32
	}{{"v1", gptq{}, v.Correct}, {"v2", gptq{v2: true}, v.V2}} {
		t.Run(tt.name, func(t *testing.T) {
			s := Scheme{Bits: 4, Group: -1, Type: "F16"}
			p, err := tt.l.Parts(s, 32, 32)
			if err != nil {
				t.Fatal(err)
			}
			p.allocate()
			m := &Matrix{Rows: 32, Cols: 32, Bits: 4, Groups: 1, Index: make([]int32, 32), Codes: make([]uint8, 1024), Scales: make([]float32, 32), Zeros: make([]float32, 32)}
			copy(m.Zeros, v.Zeros)
			if err := tt.l.Pack(s, m, 32, 0, p); err != nil {
				t.Fatal(err)
			}
			if got := binary.LittleEndian.Uint32(p.get(".qzeros").Data); got != tt.want {
				t.Errorf("qzeros %#08x, want %#08x", got, tt.want)
			}
			back, err := tt.l.Unpack(s, p, 32, 32, 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			for i, z := range back.Zeros {
				if z != m.Zeros[i] {
					t.Errorf("zero point %d came back as %v, was %v", i, z, m.Zeros[i])
				}
			}
		})
	}
}

func TestGoldenAWQ(t *testing.T) {
	v := golden(t).AWQ
	scales := base(t, v.Scales)
	w := testdata.Weights()
	// Its codes were found with scales of float32 and packed with those of
	// float16: so are these.
	m := matrixOf(t, w, Scheme{Bits: 4, Group: 32})
	p, err := awq{}.Parts(Scheme{Bits: 4, Group: 32, Type: "F16"}, 64, 128)
	if err != nil {
		t.Fatal(err)
	}
	p.allocate()
	if err := (awq{}).Pack(Scheme{Bits: 4, Group: 32}, m, 64, 0, p); err != nil {
		t.Fatal(err)
	}
	same(t, "qzeros", p.get(".qzeros").Data, base(t, v.Qzeros))
	same(t, "qweight", p.get(".qweight").Data, base(t, v.Qweight))
	got, err := p.get(".scales").floats(0, 256)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range got {
		if want := math.Float32frombits(binary.LittleEndian.Uint32(scales[4*i:])); s != want {
			t.Fatalf("scale %d is %v, want %v", i, s, want)
		}
	}
}

// matrixOf is w rounded with scales of float32.
func matrixOf(t testing.TB, w quant.Tensor, s Scheme) *Matrix {
	t.Helper()
	var m *Matrix
	r := rounder{bits: s.Bits, group: s.Group, symmetric: s.Symmetric, typ: "F32"}
	if err := r.each(t.Context(), w, func(_ int, part *Matrix) error { m = part; return nil }); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestGoldenPacked(t *testing.T) {
	for name, v := range golden(t).Packed {
		t.Run(name, func(t *testing.T) {
			p := rounded(t, packed{}, Scheme{Bits: 4, Group: 32, Symmetric: v.Sym, Type: "F32"}, testdata.Weights())
			same(t, "weight_packed", p.get(".weight_packed").Data, base(t, v.WeightPacked))
			same(t, "weight_scale", p.get(".weight_scale").Data, base(t, v.Scale))
			if !v.Sym {
				same(t, "weight_zero_point", p.get(".weight_zero_point").Data, base(t, v.ZeroPointsPacked))
			}
			if !bytes.Equal(p.get(".weight_shape").Data, pair(64, 128)) {
				t.Errorf("weight_shape %v", p.get(".weight_shape").Data)
			}
		})
	}
}

func TestGoldenNVFP4(t *testing.T) {
	v := golden(t).NVFP4
	want, err := hex.DecodeString(v.Packed)
	if err != nil {
		t.Fatal(err)
	}
	p := rounded(t, nvfp4{}, Scheme{}, testdata.Weights())
	global, err := p.get(".weight_global_scale").floats(0, 1)
	if err != nil || global[0] != float32(v.Global) {
		t.Errorf("global scale %v, want %v", global, v.Global)
	}
	scales, err := p.get(".weight_scale").floats(0, 64*8)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range scales {
		if w := math.Float32frombits(binary.LittleEndian.Uint32(base(t, v.Scales)[4*i:])); s != w {
			t.Fatalf("scale %d is %v, want %v", i, s, w)
		}
	}
	same(t, "weight_packed", p.get(".weight_packed").Data, want)
}
