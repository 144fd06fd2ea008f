package codebook

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"fewbits/quant"
)

// vectors is testdata/bnb_4bit.json.
type vectors struct {
	Inputs struct {
		W string `json:"W_sha256_le_f32"`
	}
	Tables struct {
		NF4        []float32
		FP4        []float32 `json:"fp4_by_code"`
		Dynamic    []float32 `json:"dynamic_map_8bit_signed_256"`
		DynamicSHA string    `json:"dynamic_map_sha256_le_f32"`
	}
	Cases map[string]struct {
		Packed     string `json:"packed_hex"`
		Absmax     []float32
		DequantSHA string  `json:"dequant_sha256"`
		RelWErr    float64 `json:"rel_w_err"`
		Nested     struct {
			Offset        float32
			AbsmaxCodes   []int     `json:"absmax_codes"`
			NestedAbsmax  []float32 `json:"nested_absmax"`
			AbsmaxDequant []float32 `json:"absmax_dequant"`
			RelWErr       float64   `json:"rel_w_err"`
		}
	}
	Probe struct {
		X   []float32
		NF4 []uint8 `json:"nf4_codes_single_block"`
		FP4 []uint8 `json:"fp4_codes_single_block"`
	}
	Gaussian struct{ NF4, FP4 float64 } `json:"gaussian_nmse_b64"`
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/bnb_4bit.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// splitMix is the generator that the vectors' inputs come from.
type splitMix uint64

func (s *splitMix) next() uint64 {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// normal is nearly N(0, 1): twelve uniform numbers, less six.
func (s *splitMix) normal() float64 {
	sum := int64(0)
	for range 12 {
		sum += int64(s.next() >> 40)
	}
	return float64(sum-6<<24) / (1 << 24)
}

// weights is W of the vectors: 64 × 128, with outliers.
func weights(t testing.TB, sha string) quant.Tensor {
	t.Helper()
	s := splitMix(1)
	data := make([]float32, 64*128)
	for k := range data {
		v := s.normal() * 0.046875
		if (k/128*131+k%128*17)%97 == 0 {
			v *= 8
		}
		data[k] = float32(v)
	}
	if got := hash(data); got != sha {
		t.Fatalf("W has sha256 %s, want %s", got, sha)
	}
	return tensor(t, []int{64, 128}, data)
}

func hash(x []float32) string {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, x)
	return hex.EncodeToString(h.Sum(nil))
}

func tensor(t testing.TB, shape []int, data []float32) quant.Tensor {
	t.Helper()
	x, err := quant.NewTensor("x", shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func pack(t testing.TB, f quant.Format, x quant.Tensor, o quant.Options) (*quant.Packed, Parts) {
	t.Helper()
	p, err := f.Quantize(x, o)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Split(p)
	if err != nil {
		t.Fatal(err)
	}
	return p, parts
}

func unpacked(t testing.TB, f quant.Format, p *quant.Packed) []float32 {
	t.Helper()
	y := make([]float32, p.Len())
	if err := f.Dequantize(p, y); err != nil {
		t.Fatal(err)
	}
	return y
}

// foldZeros turns the code of FP4's second zero into that of its first: the
// vectors' choice between them is an accident (see the package comment).
func foldZeros(codes []byte) []byte {
	codes = bytes.Clone(codes)
	for i, b := range codes {
		if b>>4 == 8 {
			b &= 0x0f
		}
		if b&15 == 8 {
			b &= 0xf0
		}
		codes[i] = b
	}
	return codes
}

func relErr(x, y []float32) float64 {
	var e, s float64
	for i := range x {
		d := float64(x[i]) - float64(y[i])
		e += d * d
		s += float64(x[i]) * float64(x[i])
	}
	return e / s
}

func TestTables(t *testing.T) {
	v := readVectors(t)
	nf4, fp4, dynamic := NF4(), FP4(), DynamicMap()
	if !slices.Equal(nf4[:], v.Tables.NF4) {
		t.Errorf("NF4 is %v, want %v", nf4, v.Tables.NF4)
	}
	if !slices.Equal(fp4[:], v.Tables.FP4) || math.Signbit(float64(fp4[8])) {
		t.Errorf("FP4 is %v, want %v", fp4, v.Tables.FP4)
	}
	if !slices.Equal(dynamic[:], v.Tables.Dynamic) || hash(dynamic[:]) != v.Tables.DynamicSHA {
		t.Errorf("the dynamic map is %v, want %v", dynamic, v.Tables.Dynamic)
	}
}

// TestVectors holds every byte against bitsandbytes'.
func TestVectors(t *testing.T) {
	v := readVectors(t)
	w := weights(t, v.Inputs.W)
	for _, f := range []*format{nf4, fp4} {
		c := v.Cases[map[*format]string{nf4: "nf4_b64", fp4: "fp4_b64"}[f]]
		want, err := hex.DecodeString(c.Packed)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(f.name, func(t *testing.T) {
			p, parts := pack(t, f, w, quant.Options{})
			codes := parts.Codes
			if f == fp4 {
				want, codes = foldZeros(want), foldZeros(codes)
			}
			if !bytes.Equal(codes, want) {
				t.Error("the codes differ")
			}
			if parts.Blocks != len(c.Absmax) || len(parts.Absmax) != 4*len(c.Absmax) {
				t.Fatalf("%d blocks, want %d", parts.Blocks, len(c.Absmax))
			}
			for b, a := range c.Absmax {
				if got := float(parts.Absmax, b); got != a {
					t.Errorf("absmax %d is %v, want %v", b, got, a)
				}
			}
			y := unpacked(t, f, p)
			if got := hash(y); got != c.DequantSHA {
				t.Errorf("the reconstruction has sha256 %s, want %s", got, c.DequantSHA)
			}
			if got := relErr(w.Data, y); math.Abs(got-c.RelWErr) > 1e-9 {
				t.Errorf("the error is %v, want %v", got, c.RelWErr)
			}
		})
		t.Run(f.name+" nested", func(t *testing.T) {
			p, parts := pack(t, f, w, quant.Options{Nested: true})
			if _, plain := pack(t, f, w, quant.Options{}); !bytes.Equal(parts.Codes, plain.Codes) {
				t.Error("nesting changed the codes")
			}
			if got := float(parts.Offset, 0); got != c.Nested.Offset {
				t.Errorf("the offset is %v, want %v", got, c.Nested.Offset)
			}
			for k, a := range c.Nested.NestedAbsmax {
				if got := float(parts.NestedAbsmax, k); got != a {
					t.Errorf("nested absmax %d is %v, want %v", k, got, a)
				}
			}
			for b, code := range c.Nested.AbsmaxCodes {
				if got := parts.Absmax[b]; int(got) != code {
					t.Errorf("absmax %d has code %d, want %d", b, got, code)
				}
				if got := parts.Scale(b); got != c.Nested.AbsmaxDequant[b] {
					t.Errorf("absmax %d is %v, want %v", b, got, c.Nested.AbsmaxDequant[b])
				}
			}
			if got := relErr(w.Data, unpacked(t, f, p)); math.Abs(got-c.Nested.RelWErr) > 1e-9 {
				t.Errorf("the error is %v, want %v", got, c.Nested.RelWErr)
			}
		})
	}
}

// TestProbe: numbers close to where codes change, in one block whose absmax is 1.
func TestProbe(t *testing.T) {
	v := readVectors(t)
	for f, want := range map[*format][]uint8{nf4: v.Probe.NF4, fp4: v.Probe.FP4} {
		_, parts := pack(t, f, tensor(t, nil, v.Probe.X), quant.Options{Block: 512})
		for i, w := range want {
			got := parts.Code(i)
			if f == fp4 && got == 8 {
				got = 0
			}
			if f == fp4 && w == 8 {
				w = 0
			}
			if got != w {
				t.Errorf("%s: %v has code %d, want %d", f.name, v.Probe.X[i], got, w)
			}
		}
	}
}

// TestGaussian: the error on normal values is the published one.
func TestGaussian(t *testing.T) {
	v := readVectors(t)
	s := splitMix(99)
	x := make([]float32, 16384)
	for i := range x {
		x[i] = float32(s.normal())
	}
	for f, want := range map[*format]float64{nf4: v.Gaussian.NF4, fp4: v.Gaussian.FP4} {
		p, _ := pack(t, f, tensor(t, nil, x), quant.Options{})
		if got := relErr(x, unpacked(t, f, p)); math.Abs(got-want) > 1e-7 {
			t.Errorf("%s: %v, want %v", f.name, got, want)
		}
	}
}

// reference is quantize_4bit of bitsandbytes/backends/default/ops.py, one
// value after the other, with the middles between neighbours for boundaries.
// Its FP4 takes the sign of zeros from the value.
func reference(f *format, x []float32, block int) (codes []byte, absmaxes []float32) {
	rising := slices.Clone(f.values[:])
	slices.Sort(rising)
	rising = slices.Compact(rising)
	var all []uint8
	for len(x) > 0 {
		part := x[:min(block, len(x))]
		x = x[len(part):]
		a := float32(0)
		for _, v := range part {
			a = max(a, float32(math.Abs(float64(v))))
		}
		if len(part) < block {
			a = max(a, 1e-38)
		}
		inverse := 1 / max(a, 1e-38)
		for _, v := range part {
			y := v * inverse
			if len(part) < block {
				y = v / a
			}
			y = max(-1, min(1, y))
			place := 0
			for i := 1; i < len(rising); i++ {
				if y > (rising[i-1]+rising[i])/2 {
					place = i
				}
			}
			code := uint8(slices.Index(f.values[:], rising[place]))
			if f == fp4 && code == 0 && y < 0 {
				code = 8
			}
			all = append(all, code)
		}
		absmaxes = append(absmaxes, a)
	}
	if len(all)%2 == 1 {
		all = append(all, uint8(slices.Index(f.values[:], 0)))
	}
	for i := 0; i < len(all); i += 2 {
		codes = append(codes, all[i]<<4|all[i+1])
	}
	return codes, absmaxes
}

// inputs are hard and easy values.
func inputs(n int) map[string][]float32 {
	s := splitMix(7)
	fill := func(f func(i int) float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(f(i))
		}
		return x
	}
	return map[string][]float32{
		"normal":   fill(func(int) float64 { return s.normal() }),
		"zeros":    fill(func(int) float64 { return 0 }),
		"minus 0":  fill(func(int) float64 { return math.Copysign(0, -1) }),
		"half 0":   fill(func(i int) float64 { return float64(i/200%2) * s.normal() }),
		"equal":    fill(func(int) float64 { return -0.3 }),
		"tied":     fill(func(i int) float64 { return float64(i%129-64) / 64 }),
		"denormal": fill(func(int) float64 { return s.normal() * 1e-41 }),
		"tiny":     fill(func(int) float64 { return s.normal() * 3e-38 }),
		"huge":     fill(func(int) float64 { return max(-1, min(1, s.normal())) * math.MaxFloat32 }),
		"spread":   fill(func(int) float64 { return s.normal() * math.Exp2(float64(s.next()%250)-125) }),
		"outliers": fill(func(i int) float64 { return s.normal() * (1 + 100*float64((i%97)/96)) }),
	}
}

var lengths = []int{1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 1000, 4096, 4097, 9999}

// TestAgainstReference holds codes and absmax against a direct transcription.
func TestAgainstReference(t *testing.T) {
	for _, n := range lengths {
		for name, x := range inputs(n) {
			for _, block := range []int{32, 64, 256, 4096} {
				for _, f := range []*format{nf4, fp4} {
					before := slices.Clone(x)
					_, parts := pack(t, f, tensor(t, nil, x), quant.Options{Block: block})
					if !slices.Equal(x, before) {
						t.Fatal("the input was changed")
					}
					codes, absmaxes := reference(f, x, block)
					if !bytes.Equal(parts.Codes, codes) {
						t.Errorf("%s: %d %s values in blocks of %d have other codes", f.name, n, name, block)
					}
					for b, want := range absmaxes {
						if got := parts.Scale(b); got != want {
							t.Errorf("%s: %d %s values in blocks of %d: absmax %d is %v, want %v", f.name, n, name, block, b, got, want)
						}
					}
				}
			}
		}
	}
}

// TestBoundaries: a number on a boundary takes the lower code, the next one
// above it the higher.
func TestBoundaries(t *testing.T) {
	for _, f := range []*format{nf4, fp4} {
		for i, b := range f.book.Bounds {
			x := make([]float32, 64)
			x[0], x[1], x[2], x[3] = 1, b, math.Nextafter32(b, 2), math.Nextafter32(b, -2)
			_, parts := pack(t, f, tensor(t, nil, x), quant.Options{})
			for k, want := range map[int]uint8{1: f.book.Codes[i], 2: f.book.Codes[i+1], 3: f.book.Codes[i]} {
				if got := parts.Code(k); got != want {
					t.Errorf("%s: %v has code %d, want %d", f.name, x[k], got, want)
				}
			}
		}
	}
}

// TestCodes holds the codes of whole blocks against a search of all boundaries, on
// numbers of every exponent and upper mantissa.
func TestCodes(t *testing.T) {
	for _, f := range []*format{nf4, fp4} {
		x := make([]float32, 0, 64*5300)
		for high := range uint32(0x3f81) {
			for _, low := range []uint32{0, 1, 0x7fff, 0x8000, 0xffff} {
				for _, sign := range []uint32{0, 1 << 31} {
					if len(x)%64 == 0 {
						x = append(x, 1) // the block's scale
					}
					x = append(x, min(1, max(-1, math.Float32frombits(sign|high<<16|low))))
				}
			}
		}
		_, parts := pack(t, f, tensor(t, nil, x), quant.Options{})
		for i, y := range x {
			want := f.book.Codes[0]
			for i, b := range f.book.Bounds {
				if y > b {
					want = f.book.Codes[i+1]
				}
			}
			if got := parts.Code(i); got != want {
				t.Fatalf("%s: %v has code %d, want %d", f.name, y, got, want)
			}
		}
	}
}
