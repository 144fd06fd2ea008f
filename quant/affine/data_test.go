package affine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"testing"

	"fewbits/quant"
)

// named is the format of that name.
func named(t testing.TB, name string) quant.Format {
	t.Helper()
	for _, f := range Formats() {
		if f.Info().Name == name {
			return f
		}
	}
	t.Fatalf("no format %s", name)
	return nil
}

// tensor is data as rows of cols values.
func tensor(data []float32, cols int) quant.Tensor {
	return quant.Tensor{Name: "x", Shape: []int{len(data) / cols, cols}, Data: data}
}

// normal is n values of a normal distribution with some outliers.
func normal(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		v := r.NormFloat64() * 0.05
		if r.IntN(97) == 0 {
			v *= 8
		}
		x[i] = float32(v)
	}
	return x
}

// quantized is the reconstruction, the params and the packed form of t.
func quantized(t testing.TB, f quant.Format, x quant.Tensor, o quant.Options) ([]float32, *quant.Params, *quant.Packed) {
	t.Helper()
	p, err := f.Quantize(x, o)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, x.Len())
	if err := f.Dequantize(p, y); err != nil {
		t.Fatal(err)
	}
	m, err := f.Params(p, true)
	if err != nil {
		t.Fatal(err)
	}
	return y, m, p
}

// mse is the mean squared error.
func mse(x, y []float32) float64 {
	s := 0.0
	for i := range x {
		d := float64(x[i]) - float64(y[i])
		s += d * d
	}
	return s / float64(len(x))
}

// every is one of each combination of options that changes the layout.
func every() map[string]quant.Options {
	return map[string]quant.Options{
		"tensor":      {},
		"tensor sym":  {Symmetric: true},
		"row":         {Granularity: quant.PerChannel},
		"row sym f16": {Granularity: quant.PerChannel, Symmetric: true, ScaleType: quant.ScaleF16},
		"column":      {Granularity: quant.PerChannel, Axis: 1},
		"column sym":  {Granularity: quant.PerChannel, Axis: 1, Symmetric: true},
		"column f16":  {Granularity: quant.PerChannel, Axis: 1, ScaleType: quant.ScaleF16},
		"group":       {Granularity: quant.PerGroup},
		"group 7":     {Group: 7},
		"group 1":     {Group: 1},
		"group max":   {Group: math.MaxInt},
		"group sym":   {Group: 16, Symmetric: true},
		"group f16":   {Group: 16, ScaleType: quant.ScaleF16},
		"group -1":    {Group: -1},
		"narrow":      {Narrow: true, Group: 8},
	}
}

// draws is the generator of the golden tensors.
type draws uint64

func (s *draws) next() uint64 {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return z ^ (z >> 31)
}

// ih is about normal: twelve uniform draws less six.
func (s *draws) ih() float64 {
	sum := int64(0)
	for range 12 {
		sum += int64(s.next() >> 40)
	}
	return float64(sum-6<<24) / (1 << 24)
}

// goldenW is the weights that the golden files were made from.
func goldenW(t testing.TB) quant.Tensor {
	t.Helper()
	s := draws(1)
	x := make([]float32, 64*128)
	for i := range 64 {
		for j := range 128 {
			v := s.ih() * 0.046875
			if (i*131+j*17)%97 == 0 {
				v *= 8
			}
			x[i*128+j] = float32(v)
		}
	}
	checkSum(t, x, "914733818b0357f369bc96920693b8ca2fad600cdb891cd468b2661b7031e591")
	return tensor(x, 128)
}

// goldenX is the activations that the golden files were made from.
func goldenX(t testing.TB) quant.Tensor {
	t.Helper()
	s := draws(2)
	x := make([]float32, 256*128)
	for i := range 256 {
		var g [128]float64
		for c := range g {
			g[c] = s.ih()
		}
		for c := range g {
			v := 0.625*g[c] + 0.75*g[(7*c)%16]
			switch {
			case c%16 == 3:
				v *= 8
			case c%5 == 0:
				v *= 0.25
			}
			x[i*128+c] = float32(v)
		}
	}
	checkSum(t, x, "001fae1bb8cb375bc679618c40e13f5e34ea60a4b33816cb63690178559410cc")
	return tensor(x, 128)
}

func checkSum(t testing.TB, x []float32, want string) {
	t.Helper()
	h := sha256.New()
	for _, v := range x {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		h.Write(b[:])
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Fatalf("the golden tensor comes out as %s, want %s", got, want)
	}
}
