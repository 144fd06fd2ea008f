package ggml

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/x448/float16"

	"fewbits/quant/internal/libggml"
)

func TestTypes(t *testing.T) {
	for i, typ := range Types() {
		if typ.ID != uint32(i) {
			t.Errorf("type %d stands at %d", typ.ID, i)
		}
		if got, ok := TypeByID(typ.ID); !ok || got != typ {
			t.Errorf("TypeByID(%d) = %v, %v", typ.ID, got, ok)
		}
		for _, name := range []string{typ.Name, strings.ToLower(typ.Name)} {
			if got, ok := TypeByName(name); !ok || got != typ {
				t.Errorf("TypeByName(%q) = %v, %v", name, got, ok)
			}
		}
	}
	if _, ok := TypeByID(43); ok {
		t.Error("there is a type 43")
	}
	if _, ok := TypeByName("Q9_K"); ok {
		t.Error("there is a type Q9_K")
	}
}

// The table against libggml's.
func TestTypesReference(t *testing.T) {
	o := libggml.Need(t)
	for _, typ := range Types() {
		name, err := o.TypeName(typ.ID)
		if err != nil {
			t.Fatal(err)
		}
		size, err := o.RowSize(typ.ID, 256)
		if typ.Removed != "" {
			if err == nil || !strings.Contains(name, "REMOVED") && name != "DEPRECATED" {
				t.Errorf("%s is removed here, but the reference has %q", typ.Name, name)
			}
			if _, err := typ.RowSize(256); err == nil || !strings.Contains(err.Error(), typ.Removed) {
				t.Errorf("%s: a row of a removed type: %v", typ.Name, err)
			}
			continue
		}
		if !strings.EqualFold(name, typ.Name) {
			t.Errorf("type %d is %q, want %q", typ.ID, typ.Name, name)
		}
		if got, gotErr := typ.RowSize(256); gotErr != nil || err != nil || got != size {
			t.Errorf("%s: 256 values take %d bytes (%v), want %d (%v)", typ.Name, got, gotErr, size, err)
		}
	}
	if _, err := o.TypeName(uint32(len(types))); err == nil {
		t.Errorf("the reference has a type %d", len(types))
	}
}

func TestRowSizeErrors(t *testing.T) {
	q4, _ := TypeByName("Q4_0")
	for _, cols := range []int{-32, 31, 33} {
		if n, err := q4.RowSize(cols); err == nil {
			t.Errorf("a row of %d takes %d bytes", cols, n)
		}
	}
	if _, err := (Type{}).RowSize(0); err == nil {
		t.Error("the zero Type has rows")
	}
}

// Dequantize on bytes that nobody quantized, against libggml.
func TestDequantizeReference(t *testing.T) {
	o := libggml.Need(t)
	r := rand.New(rand.NewPCG(5, 8))
	for _, typ := range Types() {
		if !typ.Readable() || !typ.quantizedOrHalf() {
			continue
		}
		t.Run(typ.Name, func(t *testing.T) {
			src := make([]byte, 2000*typ.Bytes)
			if typ.Block == 1 {
				src = make([]byte, 2<<16) // every half there is
			}
			for i := range src {
				src[i] = byte(r.Uint32())
			}
			if typ.Block == 1 {
				for i := range 1 << 16 {
					binary.LittleEndian.PutUint16(src[2*i:], uint16(i))
				}
			}
			n := len(src) / typ.Bytes * typ.Block
			got := make([]float32, n)
			if err := Dequantize(typ, src, got); err != nil {
				t.Fatal(err)
			}
			want, err := o.Dequantize(typ.ID, src, n)
			if err != nil {
				t.Fatal(err)
			}
			equalValues(t, typ.Name, got, want)
		})
	}
}

// quantizedOrHalf are the types that libggml can read back to float32.
func (t Type) quantizedOrHalf() bool { return t.Block > 1 || t.Bytes == 2 && t.Name != "I16" }

func TestDequantizePlain(t *testing.T) {
	for _, tt := range []struct {
		name string
		src  []byte
		want []float32
	}{
		{"F32", []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, []float32{1, -2}},
		{"F64", binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1)), []float32{0.1}},
		{"I8", []byte{1, 0x80}, []float32{1, -128}},
		{"I16", []byte{0xff, 0xff}, []float32{-1}},
		{"I32", []byte{0, 0, 0, 0x80}, []float32{-1 << 31}},
		{"I64", []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []float32{-2}},
	} {
		typ, _ := TypeByName(tt.name)
		got := make([]float32, len(tt.want))
		if err := Dequantize(typ, tt.src, got); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		equalValues(t, tt.name, got, tt.want)
	}
}

func TestDequantizeErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bytes int
		n     int
		want  string
	}{
		{"Q4_0", 18, 31, "not a multiple"},
		{"Q4_0", 17, 32, "17 bytes given where 18 belong"},
		{"F32", 5, 1, "5 bytes given where 4 belong"},
		{"Q4_2", 18, 32, "no longer supported"},
		{"Q8_K", 292, 256, "not readable yet"},
	} {
		typ, _ := TypeByName(tt.name)
		err := Dequantize(typ, make([]byte, tt.bytes), make([]float32, tt.n))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, %d bytes for %d values: %v, want …%s…", tt.name, tt.bytes, tt.n, err, tt.want)
		}
	}
}

// Halves against float16, which is proven over all of float32: every half, the
// midpoints between them and their neighbours, and bits at random.
func TestHalf(t *testing.T) {
	check := func(v float32) {
		if got, want := toHalf(v), float16.Fromfloat32(v).Bits(); v == v && got != want {
			t.Fatalf("%v (%08x) becomes %04x, want %04x", v, math.Float32bits(v), got, want)
		}
	}
	for h := range 1 << 16 {
		v := fromHalf(uint16(h))
		if want := float16.Frombits(uint16(h)).Float32(); !same(v, want) {
			t.Fatalf("%04x is %v, want %v", h, v, want)
		}
		if v != v || infinite(v) {
			continue
		}
		check(v)
		middle := math.Float32bits(v/2 + fromHalf(uint16(h)+1)/2)
		for _, b := range []uint32{middle - 1, middle, middle + 1, math.Float32bits(v) + 1, math.Float32bits(v) - 1} {
			check(math.Float32frombits(b))
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 1 << 18 {
		check(math.Float32frombits(r.Uint32()))
	}
	for _, nan := range []uint32{0x7fc00000, 0xffc00000, 0x7f800001} {
		if h := toHalf(math.Float32frombits(nan)); h != 0xfe00 {
			t.Errorf("NaN %08x becomes %04x", nan, h)
		}
	}
}
