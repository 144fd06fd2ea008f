package hqq

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// reference is a case that the authors' code ran.
type reference struct {
	Rows, Bits, Group, Axis int
	RoundZero               bool    `json:"round_zero"`
	Times                   float32 `json:"weights_times"`
	Slow                    bool
	Codes                   []string
	Scales, Zeros           []float32
	MeanAbs                 float64 `json:"mean_abs"`
	MeanAbsRounding         float64 `json:"mean_abs_rounding"`
	OutputError             float64 `json:"output_error"`
	Rounding                float64
}

func (c reference) options() quant.Options {
	return quant.Options{Bits: c.Bits, Group: c.Group, Axis: c.Axis, Axis0: c.Axis == 0, RoundZero: quant.Some(c.RoundZero)}
}

func (c reference) weights() quant.Tensor {
	w := testdata.Weights().Slice(0, c.Rows)
	for i := range w.Data {
		w.Data[i] *= c.Times
	}
	return w
}

// TestReference holds codes, scales and zero points against the authors' own code.
func TestReference(t *testing.T) {
	var file struct{ Cases map[string]reference }
	testdata.Vectors(t, "testdata/reference.json", &file)
	for name, c := range file.Cases {
		t.Run(name, func(t *testing.T) {
			w, solver := c.weights(), Default
			if c.Slow {
				solver = Slow
			}
			r, err := Solve(t.Context(), w, solver, c.options())
			if err != nil {
				t.Fatal(err)
			}
			want := testdata.Codes(t, c.Codes, 1+c.Bits/5)
			differ, most := 0, 0.0
			for i, q := range want {
				if int32(r.Codes[i]) != q {
					differ++
				}
			}
			for k, s := range c.Scales {
				if math.Abs(float64(r.Scales[k]/s-1)) > 1e-6 {
					t.Fatalf("scale %d is %v, want %v", k, r.Scales[k], s)
				}
				most = max(most, math.Abs(float64(r.Zeros[k]-c.Zeros[k])))
			}
			// A zero point is a mean of codes, up to 255.
			if most > 1e-5*float64(int(2)<<c.Bits) || differ > len(want)/500 || len(c.Scales) != len(r.Scales) {
				t.Errorf("%d of %d codes differ, zero points by up to %v, %d scales for %d", differ, len(want), most, len(r.Scales), len(c.Scales))
			}
			t.Logf("%d codes differ, zero points by up to %.2g; %d turns", differ, most, len(r.MeanAbs))
		})
	}
}

// TestFormat wants from the bytes what the authors' code gives back.
func TestFormat(t *testing.T) {
	var file struct{ Cases map[string]reference }
	testdata.Vectors(t, "testdata/reference.json", &file)
	for name, c := range file.Cases {
		if c.Slow {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := c.weights()
			p, err := Format.Quantize(w, c.options())
			if err != nil {
				t.Fatal(err)
			}
			m, back := decode(t, p)
			for i, v := range back {
				row, g := i/128, int32(0)
				if m.Flat {
					row, g = 0, m.GroupIndex[i]
				} else {
					g = m.GroupIndex[i%128]
				}
				k := row*m.Groups + int(g)
				if want := (float32(m.Codes[i]) - m.Zeros[k]) * m.Scales[k]; want != v {
					t.Fatalf("value %d is %v, and its parts say %v", i, v, want)
				}
			}
			round, err := Round(t.Context(), w, c.options())
			if err != nil {
				t.Fatal(err)
			}
			if a := meanAbs(w.Data, back); math.Abs(a/c.MeanAbs-1) > 1e-4 {
				t.Errorf("mean |w − ŵ| is %v, want %v", a, c.MeanAbs)
			}
			if a := meanAbs(w.Data, round); math.Abs(a/c.MeanAbsRounding-1) > 1e-4 {
				t.Errorf("mean |w − ŵ| of rounding is %v, want %v", a, c.MeanAbsRounding)
			}
			e, err := Format.OutputError(t.Context(), w, p, testdata.Activations())
			if err != nil || math.Abs(e.Relative/c.OutputError-1) > 5e-3 || math.Abs(e.Rounding/c.Rounding-1) > 5e-3 {
				t.Errorf("output error %+v, want %v and %v, %v", e, c.OutputError, c.Rounding, err)
			}
		})
	}
}

func decode(t *testing.T, p *quant.Packed) (*quant.Params, []float32) {
	t.Helper()
	m, err := Format.Params(p, true)
	if err != nil {
		t.Fatal(err)
	}
	back := make([]float32, p.Len())
	if err := Format.Dequantize(p, back); err != nil {
		t.Fatal(err)
	}
	return m, back
}

func meanAbs(a, b []float32) float64 {
	s := 0.0
	for i := range a {
		s += math.Abs(float64(a[i]) - float64(b[i]))
	}
	return s / float64(len(a))
}

// TestLessError: the mean |w − ŵ| at the start of a turn falls until the last.
func TestLessError(t *testing.T) {
	for _, bits := range []int{1, 2, 3, 4, 8} {
		r, err := Solve(t.Context(), testdata.Weights(), Default, quant.Options{Bits: bits})
		if err != nil {
			t.Fatal(err)
		}
		n := len(r.MeanAbs)
		for i := 1; i < n-1; i++ {
			if !(r.MeanAbs[i] < r.MeanAbs[i-1]) {
				t.Errorf("%d bits: turn %d began with %v after %v", bits, i, r.MeanAbs[i], r.MeanAbs[i-1])
			}
		}
		if n < 2 || n > 20 {
			t.Errorf("%d bits: %d turns", bits, n)
		}
	}
}

// TestDefaults: axis 1, group 64, 4 bits, a whole zero point to begin with.
func TestDefaults(t *testing.T) {
	w := testdata.Weights()
	a, err := Format.Quantize(w, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Format.Quantize(w, quant.Options{Bits: 4, Group: 64, Axis: 1, RoundZero: quant.Some(true)})
	if err != nil || !slices.Equal(a.Bytes, b.Bytes) {
		t.Errorf("not the defaults, %v", err)
	}
	o := a.Options
	if fmt.Sprint(o.Map()) != "map[axis:1 bits:4 group:64 round-zero:true]" {
		t.Errorf("options %v", o.Map())
	}
	var zero quant.Options
	if err := zero.Set("axis", "0"); err != nil {
		t.Fatal(err)
	}
	c, err := Format.Quantize(w, zero)
	if err != nil || c.Options.Get("axis") != "0" || slices.Equal(a.Bytes, c.Bytes) {
		t.Errorf("axis=0: %v, %v", c.Options.Map(), err)
	}
}

func TestFaults(t *testing.T) {
	w := testdata.Weights()
	var rows *quant.ShapeError
	if _, err := Format.Quantize(w, quant.Options{Group: 48}); !errors.As(err, &rows) {
		t.Errorf("group 48: %v", err)
	}
	for _, o := range []quant.Options{{Bits: 9}, {Group: -2}, {Axis: 2}} {
		if _, err := Format.Quantize(w, o); err == nil {
			t.Errorf("%v: no fault", o.Map())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Format.QuantizeContext(ctx, w, quant.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestHardValues wants finite results, or a *quant.RowError.
func TestHardValues(t *testing.T) {
	for _, v := range []float32{0, math.SmallestNonzeroFloat32, 1e-30, 1, 1e30, 1e38, math.MaxFloat32} {
		for _, bits := range []int{1, 2, 8} {
			w := testdata.Weights().Slice(0, 1)
			for i := range w.Data {
				w.Data[i] = v * float32(1-2*(i%2))
			}
			p, err := Format.Quantize(w, quant.Options{Bits: bits})
			var row *quant.RowError
			if errors.As(err, &row) && v > 1e37 {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, back := decode(t, p); quant.CheckFinite(quant.Tensor{Shape: w.Shape, Data: back}) != nil {
				t.Errorf("%v in %d bits: %v", v, bits, back[:4])
			}
		}
	}
}
