package floats

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/x448/float16"

	"fewbits/quant/internal/libggml"
)

func TestMain(m *testing.M) {
	libggml.Serve()
	os.Exit(m.Run())
}

// edges are float32 of every sign, exponent and upper seven mantissa bits, each
// with the lower mantissa bits around which a rounding could go wrong.
func edges() []float32 {
	low := []uint32{0, 1, 0x0fff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001, 0xefff, 0xf000, 0xf001, 0xffff}
	x := make([]float32, 0, len(low)<<16)
	for high := range uint32(1 << 16) {
		for _, l := range low {
			x = append(x, math.Float32frombits(high<<16|l))
		}
	}
	return x
}

func TestF16Decode(t *testing.T) {
	src, dst := make([]byte, 2<<16), make([]float32, 1<<16)
	for h := range 1 << 16 {
		binary.LittleEndian.PutUint16(src[2*h:], uint16(h))
	}
	F16ToF32(dst, src)
	for h, got := range dst {
		want := float16.Frombits(uint16(h)).Float32()
		if math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("half %#04x is %v (%#08x), want %v (%#08x)", h, got, math.Float32bits(got), want, math.Float32bits(want))
		}
		if F16Value(uint16(h)) != want && want == want {
			t.Fatalf("F16Value(%#04x) is not %v", h, want)
		}
	}
}

func TestF16Encode(t *testing.T) {
	x := edges()
	got := make([]byte, 2*len(x))
	F32ToF16(got, x)
	for i, v := range x {
		if got, want := binary.LittleEndian.Uint16(got[2*i:]), float16.Fromfloat32(v).Bits(); got != want || F16Bits(v) != want {
			t.Fatalf("%v (%#08x) became %#04x, want %#04x", v, math.Float32bits(v), got, want)
		}
	}
}

// TestF16RoundTrip: a half survives, but for a signalling NaN, which is made quiet.
func TestF16RoundTrip(t *testing.T) {
	for h := range 1 << 16 {
		want := uint16(h)
		if float16.Frombits(want).IsNaN() {
			want |= 0x200
		}
		var x [1]float32
		var b [2]byte
		F16ToF32(x[:], []byte{byte(h), byte(h >> 8)})
		F32ToF16(b[:], x[:])
		if got := binary.LittleEndian.Uint16(b[:]); got != want {
			t.Fatalf("%#04x came back as %#04x", h, got)
		}
	}
}

func TestBF16(t *testing.T) {
	x := edges()
	got := make([]byte, 2*len(x))
	F32ToBF16(got, x)
	back := make([]float32, len(x))
	BF16ToF32(back, got)
	for i, v := range x {
		got := binary.LittleEndian.Uint16(got[2*i:])
		if want := nearestBF16(v); got != want {
			t.Fatalf("%v (%#08x) became %#04x, want %#04x", v, math.Float32bits(v), got, want)
		}
		if BF16Bits(v) != got || math.Float32bits(BF16Value(got)) != uint32(got)<<16 {
			t.Fatalf("%v: BF16Bits is %#04x, BF16Value of %#04x is %v", v, BF16Bits(v), got, BF16Value(got))
		}
		if b := math.Float32bits(back[i]); b != uint32(got)<<16 {
			t.Fatalf("%#04x was read as %#08x", got, b)
		}
	}
}

// nearestBF16 compares distances instead of adding to bit patterns.
func nearestBF16(x float32) uint16 {
	u := math.Float32bits(x)
	if x != x {
		return uint16(u>>16) | 0x40
	}
	below := uint16(u >> 16)
	if math.IsInf(float64(x), 0) {
		return below
	}
	value := func(b uint16) float64 { // the magnitude, with 2^128 in the place of infinity
		if b &= 0x7fff; b == 0x7f80 {
			return 0x1p128
		}
		return float64(math.Float32frombits(uint32(b) << 16))
	}
	a := math.Abs(float64(x))
	switch down, up := a-value(below), value(below+1)-a; {
	case down < up || down == up && below&1 == 0:
		return below
	}
	return below + 1
}

// TestAgainstLibggml holds FP16 and BF16 against the bytes that ggml writes,
// and FP16's reading against the numbers that it reads.
func TestAgainstLibggml(t *testing.T) {
	const typeF16, typeBF16 = 1, 30
	ggml := libggml.Need(t)
	x := edges()
	nan := 0
	for _, c := range []struct {
		name   string
		id     uint32
		encode func([]byte, []float32)
	}{{"FP16", typeF16, F32ToF16}, {"BF16", typeBF16, F32ToBF16}} {
		want, err := ggml.Quantize(c.id, x, 1, len(x), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2*len(x))
		c.encode(got, x)
		for i, v := range x {
			got, want := binary.LittleEndian.Uint16(got[2*i:]), binary.LittleEndian.Uint16(want[2*i:])
			if c.id == typeF16 && v != v {
				got = got&0x8000 | 0x7e00 // ggml drops the payload
				nan++
			}
			if got != want {
				t.Fatalf("%s: %v (%#08x) became %#04x, ggml writes %#04x", c.name, v, math.Float32bits(v), got, want)
			}
		}
	}
	if nan == 0 {
		t.Error("no NaN was tried")
	}
	src := make([]byte, 2<<16)
	for h := range 1 << 16 {
		binary.LittleEndian.PutUint16(src[2*h:], uint16(h))
	}
	want, err := ggml.Dequantize(typeF16, src, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 1<<16)
	F16ToF32(got, src)
	for h := range got {
		if math.Float32bits(got[h]) != math.Float32bits(want[h]) {
			t.Fatalf("half %#04x is %v, ggml reads %v", h, got[h], want[h])
		}
	}
}

// vectors is testdata/fp8.json.
type vectors struct {
	Tables map[string][]any // by pattern; "nan", "inf" and "-inf" are strings
	Casts  map[string]struct {
		X, Value []float32
		Code     []int
	}
}

// fp8s are both FP8 by the names of testdata/fp8.json.
var fp8s = map[string]struct {
	bits      func(float32) uint8
	value     func(uint8) float32
	encode    func([]byte, []float32)
	decode    func([]float32, []byte)
	maxFinite uint8
}{
	"e4m3fn": {E4M3Bits, E4M3Value, F32ToE4M3, E4M3ToF32, 0x7e},
	"e5m2":   {E5M2Bits, E5M2Value, F32ToE5M2, E5M2ToF32, 0x7b},
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	b, err := os.ReadFile("testdata/fp8.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFP8Tables(t *testing.T) {
	v := readVectors(t)
	for name, f := range fp8s {
		t.Run(name, func(t *testing.T) {
			if len(v.Tables[name]) != 256 {
				t.Fatalf("the table holds %d values", len(v.Tables[name]))
			}
			for code, w := range v.Tables[name] {
				got := float64(f.value(uint8(code)))
				want, ok := w.(float64)
				switch w {
				case "nan":
					want = math.NaN()
				case "inf":
					want = math.Inf(1)
				case "-inf":
					want = math.Inf(-1)
				default:
					if !ok {
						t.Fatalf("%v is not a number", w)
					}
				}
				if got != want && !(got != got && want != want) || code == 0x80 && !math.Signbit(got) {
					t.Errorf("%#02x is %v, want %v", code, got, want)
				}
				if got == got && f.bits(float32(got)) != uint8(code) {
					t.Errorf("%#02x came back as %#02x", code, f.bits(float32(got)))
				}
			}
		})
	}
}

func TestFP8Casts(t *testing.T) {
	v := readVectors(t)
	for name, f := range fp8s {
		t.Run(name, func(t *testing.T) {
			c := v.Casts[name]
			codes, values := make([]byte, len(c.X)), make([]float32, len(c.X))
			f.encode(codes, c.X)
			f.decode(values, codes)
			for i, x := range c.X {
				if int(codes[i]) != c.Code[i] || values[i] != c.Value[i] {
					t.Errorf("%v became %#02x (%v), want %#02x (%v)", x, codes[i], values[i], c.Code[i], c.Value[i])
				}
			}
		})
	}
}

// TestFP8Nearest searches the table for the nearest value.
func TestFP8Nearest(t *testing.T) {
	x := edges()
	for name, f := range fp8s {
		t.Run(name, func(t *testing.T) {
			all := make([]byte, len(x))
			f.encode(all, x)
			for i, v := range x {
				if one := f.bits(v); all[i] != one {
					t.Fatalf("%v (%#08x) became %#02x among others, %#02x alone", v, math.Float32bits(v), all[i], one)
				}
			}
			for i := 0; i < len(x); i += 3 { // 3 and the 17 low patterns share no factor
				if got, want := f.bits(x[i]), nearestFP8(x[i], f.value, f.maxFinite); got != want {
					t.Fatalf("%v (%#08x) became %#02x, want %#02x", x[i], math.Float32bits(x[i]), got, want)
				}
			}
			// The middle of two neighbours goes to the even one, what lies beside it to the nearer.
			for code := range f.maxFinite {
				middle := (f.value(code) + f.value(code+1)) / 2
				for _, c := range []struct {
					x    float32
					want uint8
				}{
					{middle, (code + 1) &^ 1},
					{math.Nextafter32(middle, 0), code},
					{math.Nextafter32(middle, 1e9), code + 1},
				} {
					if got := f.bits(c.x); got != c.want {
						t.Errorf("%v became %#02x, want %#02x", c.x, got, c.want)
					}
					if got := f.bits(-c.x); got != c.want|0x80 {
						t.Errorf("%v became %#02x, want %#02x", -c.x, got, c.want|0x80)
					}
				}
			}
		})
	}
}

func nearestFP8(x float32, value func(uint8) float32, maxFinite uint8) uint8 {
	sign := uint8(math.Float32bits(x) >> 24 & 0x80)
	a := math.Abs(float64(x))
	switch {
	case x != x:
		return sign | 0x7f
	case math.IsInf(a, 1) && maxFinite == 0x7b:
		return sign | 0x7c
	}
	lo, hi := uint8(0), maxFinite
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; float64(value(mid)) <= a {
			lo = mid
		} else {
			hi = mid
		}
	}
	switch down, up := a-float64(value(lo)), float64(value(hi))-a; {
	case down < up || down == up && lo&1 == 0:
		return sign | lo
	}
	return sign | hi
}

// TestUnevenSlices: a conversion writes what both sides hold and nothing else.
func TestUnevenSlices(t *testing.T) {
	const mark = 0xa5
	for name, f := range map[string]*format{"FP32": fp32, "FP16": fp16, "BF16": bf16, "FP8_E4M3": e4m3, "FP8_E5M2": e5m2} {
		for values := range 4 {
			for bytes := range 9 {
				t.Run(fmt.Sprintf("%s %d %d", name, values, bytes), func(t *testing.T) {
					x, b := []float32{1, 1, 1}[:values], make([]byte, 16)
					for i := range b {
						b[i] = mark
					}
					f.encode(b[:bytes], x)
					n := min(values, bytes/f.size())
					for i, v := range b {
						if written := v != mark; written != (i < n*f.size()) {
							t.Errorf("byte %d of %d values: %#02x", i, n, v)
						}
					}
					back := []float32{2, 2, 2}
					f.decode(back[:values], b[:bytes])
					for i, v := range back {
						if read := v != 2; read != (i < n) {
							t.Errorf("value %d of %d: %v", i, n, v)
						}
					}
				})
			}
		}
	}
}
