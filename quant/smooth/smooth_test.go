package smooth

import (
	"math"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// reference is a case that the authors' code ran.
type reference struct {
	Rows        int
	Alpha       float64
	Granularity quant.Granularity
	InputScales []float32 `json:"input_scales"`
	Scales      []float32
	Codes       []string
	Rounding    float64
	OutputError float64 `json:"output_error"`
}

// TestReference holds scales, codes and the output of W8A8 against the
// authors' own code.
func TestReference(t *testing.T) {
	var file struct{ Cases map[string]reference }
	testdata.Vectors(t, "testdata/reference.json", &file)
	x := testdata.Activations()
	for name, c := range file.Cases {
		t.Run(name, func(t *testing.T) {
			w := testdata.Weights().Slice(0, c.Rows)
			p, err := Format.Quantize(w, quant.Options{Alpha: quant.Some(c.Alpha), Granularity: c.Granularity, Activations: x})
			if err != nil {
				t.Fatal(err)
			}
			m, err := Format.Params(p, true)
			if err != nil {
				t.Fatal(err)
			}
			for j, s := range c.InputScales {
				if math.Abs(float64(m.InputScales[j]/s-1)) > 1e-5 {
					t.Fatalf("input scale %d is %v, want %v", j, m.InputScales[j], s)
				}
			}
			for r, s := range c.Scales {
				if math.Abs(float64(m.Scales[r]/s-1)) > 1e-5 {
					t.Fatalf("scale %d is %v, want %v", r, m.Scales[r], s)
				}
			}
			differ := 0
			for i, q := range testdata.Codes(t, c.Codes, 2) {
				if m.Codes[i] != q-128 {
					differ++
				}
			}
			if differ > len(m.Codes)/1000 {
				t.Errorf("%d of %d codes differ", differ, len(m.Codes))
			}
			e, err := Format.OutputError(t.Context(), w, p, x)
			if err != nil || math.Abs(e.Relative/c.OutputError-1) > 2e-3 || math.Abs(e.Rounding/c.Rounding-1) > 2e-3 {
				t.Errorf("output error %+v, want %v and %v, %v", e, c.OutputError, c.Rounding, err)
			}
			back := make([]float32, w.Len())
			if err := Format.Dequantize(p, back); err != nil {
				t.Fatal(err)
			}
			for i, v := range back {
				if want := float32(m.Codes[i]) * m.Scales[i/128] / m.InputScales[i%128]; v != want {
					t.Fatalf("value %d is %v, and its parts say %v", i, v, want)
				}
			}
			t.Logf("%d codes differ; output error %.3g, rounding's %.3g", differ, e.Relative, e.Rounding)
		})
	}
}

// TestDead: inputs that are never there, or that no weight looks at, do no harm.
func TestDead(t *testing.T) {
	w, x := testdata.Weights(), testdata.Activations()
	for i := range x.Data {
		if i%128 == 7 {
			x.Data[i] = 0
		}
	}
	for i := range w.Data {
		if i%128 == 9 || i/128 == 3 {
			w.Data[i] = 0
		}
	}
	for _, alpha := range []float64{0, 0.5, 1} {
		p, err := Format.Quantize(w, quant.Options{Alpha: quant.Some(alpha), Activations: x})
		if err != nil {
			t.Fatal(err)
		}
		e, err := Format.OutputError(t.Context(), w, p, x)
		if err != nil || !(e.Relative < 0.01) {
			t.Errorf("alpha %v: %+v, %v", alpha, e, err)
		}
	}
}

func TestFaults(t *testing.T) {
	w, x := testdata.Weights(), testdata.Activations()
	for name, tt := range map[string]struct {
		x    *quant.Tensor
		o    quant.Options
		want string
	}{
		"none":  {nil, quant.Options{}, "no activations"},
		"alpha": {x, quant.Options{Alpha: quant.Some(1.5)}, "alpha=1.5"},
		"bits":  {x, quant.Options{Bits: 4}, "bits=4"},
		"group": {x, quant.Options{Granularity: quant.PerGroup}, "granularity=group"},
	} {
		tt.o.Activations = tt.x
		if _, err := Format.Quantize(w, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}
