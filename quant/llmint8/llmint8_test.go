package llmint8

import (
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// reference is a case that bitsandbytes' code ran.
type reference struct {
	Threshold   float64
	Tokens      int
	Outliers    []int32
	Scales      []float32 `json:"activation_scales"`
	Activations []string  `json:"activation_codes"`
	Output      []float32 `json:"output_row0"`
	Dequantized float64   `json:"output_error_dequantized"`
	OutputError float64   `json:"output_error"`
	Absmax      []float32
	Codes       []string
}

// TestReference holds codes and outputs against bitsandbytes'.
func TestReference(t *testing.T) {
	var file struct{ Cases map[string]reference }
	testdata.Vectors(t, "testdata/reference.json", &file)
	w := testdata.Weights()
	for name, c := range file.Cases {
		t.Run(name, func(t *testing.T) {
			all := testdata.Activations().Slice(0, c.Tokens)
			x := &all
			p, err := Format.Quantize(w, quant.Options{Threshold: quant.Some(c.Threshold), Activations: x})
			if err != nil {
				t.Fatal(err)
			}
			m, err := Format.Params(p, true)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(m.Outliers, c.Outliers) {
				t.Errorf("outliers %v, want %v", m.Outliers, c.Outliers)
			}
			for i, q := range testdata.Codes(t, c.Codes, 2) {
				if m.Codes[i] != q-128 {
					t.Fatalf("code %d is %d, want %d", i, m.Codes[i], q-128)
				}
			}
			for row, a := range c.Absmax {
				if math.Abs(float64(m.Scales[row]*127/a-1)) > 1e-6 {
					t.Fatalf("scale %d is %v, want %v / 127", row, m.Scales[row], a)
				}
			}
			checkTokens(t, x, c, m)
			e, err := Format.OutputError(t.Context(), w, p, x)
			plain := file.Cases["threshold 0"].OutputError
			if err != nil || math.Abs(e.Relative/c.OutputError-1) > 1e-3 || c.Tokens == 256 && math.Abs(e.Rounding/plain-1) > 1e-3 {
				t.Errorf("output error %+v, want %v and %v, %v", e, c.OutputError, plain, err)
			}
			t.Logf("output error %.3g, rounding's %.3g", e.Relative, e.Rounding)
		})
	}
}

// checkTokens wants the activations' codes, and the first token's output where
// outliers are multiplied by dequantized INT8, as bitsandbytes has it.
func checkTokens(t *testing.T, x *quant.Tensor, c reference, m *quant.Params) {
	t.Helper()
	codes, absmax := Rows(x.Data, 128, c.Threshold)
	for row, s := range c.Scales {
		if absmax[row] != s {
			t.Fatalf("token %d: absmax %v, want %v", row, absmax[row], s)
		}
	}
	for i, q := range testdata.Codes(t, c.Activations, 2) {
		want := int8(q - 128)
		// All of an outlier column is cleared there; here it is not looked at.
		if !slices.Contains(c.Outliers, int32(i%128)) && codes[i] != want {
			t.Fatalf("activation %d is %d, want %d", i, codes[i], want)
		}
	}
	seen := activations(x, m.Outliers, c.Threshold)
	for r, want := range c.Output {
		y := 0.0
		for k := range 128 {
			y += float64(seen[k]) * float64(m.Codes[r*128+k]) * float64(m.Scales[r])
		}
		if math.Abs(y-float64(want)) > 1e-4 {
			t.Fatalf("output %d is %v, want %v", r, y, want)
		}
	}
}

// TestKept: outlier columns come back as float16, the others from their codes.
func TestKept(t *testing.T) {
	w, x := testdata.Weights(), testdata.Activations()
	p, err := Format.Quantize(w, quant.Options{Activations: x})
	if err != nil {
		t.Fatal(err)
	}
	back := make([]float32, w.Len())
	if err := Format.Dequantize(p, back); err != nil {
		t.Fatal(err)
	}
	m, err := Format.Params(p, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range back {
		if slices.Contains([]int{3, 19, 35, 51, 67, 83, 99, 115}, i%128) {
			if math.Abs(float64(v-w.Data[i])) > 0x1p-11*math.Abs(float64(w.Data[i])) {
				t.Fatalf("value %d is %v, was %v", i, v, w.Data[i])
			}
		} else if want := float32(m.Codes[i]) * m.Scales[i/128]; v != want {
			t.Fatalf("value %d is %v, and its parts say %v", i, v, want)
		}
	}
	if bits := p.BitsPerWeight(); math.Abs(bits-(8+32.0/128+16.0*8/128)) > 0.1 {
		t.Errorf("%v bits a weight", bits)
	}
	alone, err := Format.Quantize(w, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := Format.Params(alone, true); err != nil || len(m.Outliers) != 0 {
		t.Errorf("without activations %v are kept, %v", m.Outliers, err)
	}
}

func TestFaults(t *testing.T) {
	w, x := testdata.Weights(), testdata.Activations()
	w.Data[3] = 1e6 // in a column that is kept
	for want, o := range map[string]quant.Options{
		"threshold=-1": {Threshold: quant.Some(-1.0)},
		"bits=4":       {Bits: 4},
		"65504":        {Activations: x},
	} {
		if _, err := Format.Quantize(w, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestSmall: the smallest numbers come back as well as they can.
func TestSmall(t *testing.T) {
	codes, absmax := Rows([]float32{1e-44, -3e-45, 0, 0, 0, 0}, 3, 0)
	if !slices.Equal(codes, []int8{127, -36, 0, 0, 0, 0}) || absmax[1] != 0 {
		t.Errorf("%v %v", codes, absmax)
	}
}
