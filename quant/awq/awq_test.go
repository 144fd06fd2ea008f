package awq

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// reference is a case that AutoAWQ's code ran.
type reference struct {
	Bits, Group, Tokens int
	Sym, Duo, Clip      bool
	Dead                []int
	Losses              []float64
	Ratio               float64
	InputScales         []float32 `json:"input_scales"`
	Clips               [][]float32
	Offset              int32 `json:"codes_offset"`
	Codes               []string
	Scales, Zeros       [][]float32
	Rounding            float64
	OutputError         float64 `json:"output_error"`
}

// activations are the case's: more tokens than there are repeat, a little larger.
func (c reference) activations() *quant.Tensor {
	one := testdata.Activations()
	x := &quant.Tensor{Name: "x", Shape: []int{c.Tokens, 128}, Data: make([]float32, c.Tokens*128)}
	for i := range x.Data {
		x.Data[i] = one.Data[i%len(one.Data)]
		if c.Tokens > 256 {
			x.Data[i] *= float32(1 + 0.01*float64(i/len(one.Data)))
		}
	}
	for _, d := range c.Dead {
		for t := range c.Tokens {
			x.Data[t*128+d] = 0
		}
	}
	return x
}

// TestReference holds the searches and the codes against AutoAWQ's.
func TestReference(t *testing.T) {
	var file struct{ Cases map[string]reference }
	testdata.Vectors(t, "testdata/reference.json", &file)
	for name, c := range file.Cases {
		t.Run(name, func(t *testing.T) {
			w, x := testdata.Weights(), c.activations()
			o := quant.Options{Bits: c.Bits, Group: c.Group, Symmetric: c.Sym, Duo: c.Duo, Clip: quant.Some(c.Clip), Activations: x}
			r, err := Solve(t.Context(), w, x, o)
			if err != nil {
				t.Fatal(err)
			}
			for i, l := range c.Losses {
				if math.Abs(r.Losses[i]/l-1) > 1e-4 {
					t.Errorf("loss at %v is %v, want %v", float64(i)/20, r.Losses[i], l)
				}
			}
			if r.Ratio != c.Ratio {
				t.Fatalf("ratio %v, want %v", r.Ratio, c.Ratio)
			}
			closeTo(t, "input scale", r.InputScales, c.InputScales, 1e-5, 0)
			// A clip may be one step off where two are as good.
			closeTo(t, "clip", r.Clips, slices.Concat(c.Clips...), 1e-5, 0.01)
			closeTo(t, "scale", r.Scales, slices.Concat(c.Scales...), 1e-5, 0.01)
			closeTo(t, "zero point", r.Zeros, slices.Concat(c.Zeros...), 0, 0.01)
			p, err := Format.Quantize(w, o)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Format.Params(p, true)
			if err != nil {
				t.Fatal(err)
			}
			differ := 0
			for i, q := range testdata.Codes(t, c.Codes, 1) {
				if m.Codes[i] != q-c.Offset {
					differ++
				}
			}
			if differ > len(m.Codes)/200 {
				t.Errorf("%d of %d codes differ", differ, len(m.Codes))
			}
			e, err := Format.OutputError(t.Context(), w, p, x)
			if err != nil || math.Abs(e.Relative/c.OutputError-1) > 1e-2 || math.Abs(e.Rounding/c.Rounding-1) > 1e-4 {
				t.Errorf("output error %+v, want %v and %v, %v", e, c.OutputError, c.Rounding, err)
			}
			t.Logf("%d codes differ; output error %.6f, the reference's %.6f, rounding's %.6f", differ, e.Relative, c.OutputError, e.Rounding)
		})
	}
}

// closeTo wants all of got but a part to be as wanted, within rel.
func closeTo(t *testing.T, what string, got, want []float32, rel, part float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d of: %s, want %d", len(got), what, len(want))
	}
	off := 0
	for i, w := range want {
		if math.Abs(float64(got[i]-w)) > rel*math.Abs(float64(w)) {
			if off++; float64(off) > part*float64(len(want)) {
				t.Fatalf("%s %d is %v, want %v", what, i, got[i], w)
			}
		}
	}
}

// TestRatioZero: with all inputs alike, every ratio gives the scale 1, and
// without clips AWQ is rounding.
func TestRatioZero(t *testing.T) {
	w, x := testdata.Weights(), testdata.Activations()
	for i := range x.Data {
		x.Data[i] = float32(1 - 2*(i/128*7%13%2)) // |x| is 1 everywhere
	}
	for _, o := range []quant.Options{{}, {Symmetric: true, Group: 32}, {Bits: 3, Group: -1}, {Group: 50}} {
		o.Clip, o.Activations = quant.Some(false), x
		p, err := Format.Quantize(w, o)
		if err != nil {
			t.Fatal(err)
		}
		back := make([]float32, w.Len())
		if err := Format.Dequantize(p, back); err != nil {
			t.Fatal(err)
		}
		want, err := Round(w, o)
		if err != nil || !slices.Equal(back, want) {
			t.Errorf("%v: not what rounding gives, %v", o.Map(), err)
		}
	}
}

// TestNeverWorse: without duo plain rounding is one of the candidates, so the
// search loses nothing; with clips it may, as they look at one group at a time.
func TestNeverWorse(t *testing.T) {
	w, x := testdata.Weights(), testdata.Activations()
	for _, o := range []quant.Options{{}, {Bits: 2, Group: 16}, {Symmetric: true, Group: 32}, {Bits: 8}, {Bits: 3, Group: -1}, {Group: 50, Bits: 5}} {
		for _, clip := range []bool{false, true} {
			o.Clip, o.Activations = quant.Some(clip), x
			p, err := Format.Quantize(w, o)
			if err != nil {
				t.Fatal(err)
			}
			e, err := Format.OutputError(t.Context(), w, p, x)
			if err != nil || !(e.Relative < e.Rounding) {
				t.Errorf("%v, clip %v: output error %+v, %v", o.Map(), clip, e, err)
			}
		}
	}
}

// TestDecodes takes codes, grids and input scales apart independently.
func TestDecodes(t *testing.T) {
	w, x := testdata.Weights(), testdata.Activations()
	for _, o := range []quant.Options{{}, {Bits: 3, Group: 50}, {Symmetric: true, Bits: 5, Group: 32}, {Group: -1, Bits: 8, Symmetric: true}} {
		o.Activations = x
		p, err := Format.Quantize(w, o)
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
			g := i/128*m.Groups + int(m.GroupIndex[i%128])
			if want := (float32(m.Codes[i]) - m.Zeros[g]) * m.Scales[g] / m.InputScales[i%128]; v != want {
				t.Fatalf("%v: value %d is %v, and its parts say %v", o.Map(), i, v, want)
			}
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
		"1 bit": {x, quant.Options{Bits: 1}, "bits=1"},
		"group": {x, quant.Options{Group: -3}, "group=-3"},
	} {
		tt.o.Activations = tt.x
		if _, err := Format.Quantize(w, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Format.QuantizeContext(ctx, w, quant.Options{Activations: x}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
