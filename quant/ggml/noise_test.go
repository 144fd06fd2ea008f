package ggml

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"fewbits/quant"
)

// TestNoise holds the estimate against what each type did lose of Gaussian
// weights and of some with heavier tails.
func TestNoise(t *testing.T) {
	const rows, cols = 64, 1024
	r := rand.New(rand.NewPCG(1, 2))
	gauss, tailed, alike := make([]float32, rows*cols), make([]float32, rows*cols), make([]float32, cols)
	for i := range gauss {
		v := r.NormFloat64()
		gauss[i], tailed[i] = float32(0.02*v), float32(0.02*v*(0.75+0.1*v*v))
	}
	for i := range alike {
		alike[i] = 1
	}
	for _, f := range all {
		name := f.typ().Name
		for _, c := range []struct {
			kind   string
			x      []float32
			within float64 // dB
		}{{"Gaussian", gauss, NoiseWithin(name)}, {"heavy tails", tailed, NoiseWithin(name) + 1}} {
			t.Run(name+"/"+c.kind, func(t *testing.T) {
				var o quant.Options
				if f.importance == quant.Required {
					o.Importance = alike
				}
				p, err := f.Quantize(quant.Tensor{Shape: []int{rows, cols}, Data: c.x}, o)
				if err != nil {
					t.Fatal(err)
				}
				y := make([]float32, len(c.x))
				if err := f.Dequantize(p, y); err != nil {
					t.Fatal(err)
				}
				noise, err := Noise(p)
				if err != nil {
					t.Fatal(err)
				}
				var e, yy, xx float64
				for i, x := range c.x {
					d := float64(x) - float64(y[i])
					e, xx, yy = e+d*d, xx+float64(x)*float64(x), yy+float64(y[i])*float64(y[i])
				}
				truth, estimate := 10*math.Log10(xx/e), 10*math.Log10((yy+noise)/noise)
				if math.Abs(estimate-truth) > c.within {
					t.Errorf("it lost %.2f dB, estimated %.2f: more than %v off", truth, estimate, c.within)
				}
			})
		}
	}
}

// TestNoiseByHand has blocks whose estimate can be worked out: half precision
// 1 is 0x3c00, and 32 weights of a step of 1 have 32/12.
func TestNoiseByHand(t *testing.T) {
	q8 := make([]byte, 34)
	q8[1] = 0x3c
	// Of MXFP4 with the scale 2^0, code 7 is 6, 2 above the next, so that its
	// cell reaches 1 both ways: 1/3. That of 0 reaches 0.25: 0.0625/3.
	fp4 := make([]byte, 17)
	fp4[0] = 127
	fp4[1] = 7
	tests := []struct {
		format string
		bytes  []byte
		values int
		want   float64
	}{
		{"Q8_0", q8, 32, 32. / 12},
		{"Q8_0", append(append([]byte{}, q8...), make([]byte, 34)...), 64, 32. / 12},
		{"MXFP4", fp4, 32, 1./3 + 31*0.0625/3},
	}
	for _, tt := range tests {
		p := &quant.Packed{Format: tt.format, Shape: []int{tt.values}, Bytes: tt.bytes}
		if got, err := Noise(p); err != nil || math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s: %v, %v, want %v", tt.format, got, err, tt.want)
		}
	}
}

func TestNoiseRefuses(t *testing.T) {
	for _, tt := range []struct {
		p    quant.Packed
		want string
	}{
		{quant.Packed{Format: "INT4"}, `no quantized type "INT4"`},
		{quant.Packed{Format: "Q8_0", Shape: []int{32}, Bytes: make([]byte, 33)}, "33 bytes"},
		{quant.Packed{Format: "Q4_K", Shape: []int{32}}, "not a multiple of the 256"},
	} {
		if _, err := Noise(&tt.p); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.p.Format, err)
		}
	}
}
