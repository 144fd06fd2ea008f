package affine

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"fewbits/quant"
)

// [−1, 1] to INT8: a step of 2/255, and 0.5 becomes round(63.75) = 64.
func TestWorkedExample(t *testing.T) {
	x := []float32{-1, -0.25, 0, 0.5, 1}
	for name, o := range map[string]quant.Options{"default": {}, "symmetric": {Symmetric: true}} {
		t.Run(name, func(t *testing.T) {
			f := named(t, "INT8")
			y, m, p := quantized(t, f, tensor(x, 5), o)
			if m.Scales[0] != 2.0/255 || m.Zeros[0] != 0 {
				t.Errorf("scale %v, zero %v, want 2/255, 0", m.Scales[0], m.Zeros[0])
			}
			if m.Codes[3] != 64 || m.Codes[2] != 0 {
				t.Errorf("codes %v, want 64 for 0.5 and 0 for 0", m.Codes)
			}
			if want := float32(64) * float32(2.0/255); y[3] != want {
				t.Errorf("0.5 comes back as %v, want %v", y[3], want)
			}
			r, err := f.Open(p, 3)
			if err != nil {
				t.Fatal(err)
			}
			formula, rule := "x̂ = (q − z) · s = (64 − 0) · 0.007843138 = 0.5019608", "q = round(x / s) + z = round(x / 0.007843138) + 0 = 64"
			if o.Symmetric {
				formula, rule = "x̂ = q · s = 64 · 0.007843138 = 0.5019608", "q = round(x / s) = round(x / 0.007843138) = 64"
			}
			if got := text(r.Formula); got != formula {
				t.Errorf("formula %q, want %q", got, formula)
			}
			if got := text(r.Rule); got != rule {
				t.Errorf("rule %q, want %q", got, rule)
			}
		})
	}
}

func text(ts []quant.Term) (s string) {
	for _, t := range ts {
		s += t.Text
	}
	return s
}

func TestTable(t *testing.T) {
	var names []string
	for i, f := range Formats() {
		info := f.Info()
		names = append(names, info.Name)
		if info.Bits != rows[i].bits || info.BitsPerWeight != float64(info.Bits) || info.Family != quant.FamilyAffine || info.Summary == "" || info.Title == "" {
			t.Errorf("%+v", info)
		}
		for _, o := range info.Options {
			if !slices.Contains(quant.OptionNames(), o) {
				t.Errorf("%s: option %q is not known", info.Name, o)
			}
		}
	}
	if want := []string{"INT8", "INT6", "INT5", "INT4", "INT3", "INT2"}; !slices.Equal(names, want) {
		t.Errorf("formats %v, want %v", names, want)
	}
}

func TestResolve(t *testing.T) {
	f := format{rows[3]}
	d := quant.Options{Granularity: quant.PerTensor, Range: quant.RangeMinMax, Rounding: quant.RoundEven, ScaleType: quant.ScaleF32}
	with := func(change func(o *quant.Options)) quant.Options { o := d; change(&o); return o }
	for _, c := range []struct {
		name     string
		in, want quant.Options
	}{
		{"zero", quant.Options{}, d},
		{"ignored", quant.Options{Bits: 3, Block: 64, Nested: true, Importance: []float32{1}, Seed: 4, Percentile: 99, Axis: 1}, d},
		{"group", quant.Options{Group: 64}, with(func(o *quant.Options) { o.Granularity, o.Group = quant.PerGroup, 64 })},
		{"group default", quant.Options{Granularity: quant.PerGroup}, with(func(o *quant.Options) { o.Granularity, o.Group = quant.PerGroup, 32 })},
		{"row", quant.Options{Group: -1}, with(func(o *quant.Options) { o.Granularity, o.Group = quant.PerGroup, -1 })},
		{"tensor wins over group", quant.Options{Granularity: quant.PerTensor, Group: 64}, d},
		{"column", quant.Options{Granularity: quant.PerChannel, Axis: 1}, with(func(o *quant.Options) { o.Granularity, o.Axis = quant.PerChannel, 1 })},
		{"narrow", quant.Options{Narrow: true}, with(func(o *quant.Options) { o.Narrow, o.Symmetric = true, true })},
		{"percentile", quant.Options{Range: quant.RangePercentile}, with(func(o *quant.Options) { o.Range, o.Percentile = quant.RangePercentile, 99.9 })},
		{"stochastic", quant.Options{Rounding: quant.RoundStochastic, Seed: 9}, with(func(o *quant.Options) { o.Rounding, o.Seed = quant.RoundStochastic, 9 })},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := f.resolve(c.in)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
			if again, err := f.resolve(got); err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("resolved again: %+v, %v", again, err)
			}
			p, err := f.Quantize(tensor([]float32{1, 2}, 2), c.in)
			if err != nil || !reflect.DeepEqual(p.Options, c.want) {
				t.Errorf("packed with %+v, %v", p.Options, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	f := named(t, "INT4")
	good := tensor([]float32{1, 2, 3, 4}, 2)
	for name, o := range map[string]quant.Options{
		"granularity": {Granularity: "block"},
		"axis":        {Granularity: quant.PerChannel, Axis: 2},
		"group":       {Group: -2},
		"range":       {Range: "guess"},
		"percentile":  {Range: quant.RangePercentile, Percentile: 50},
		"percent NaN": {Range: quant.RangePercentile, Percentile: math.NaN()},
		"rounding":    {Rounding: "down"},
		"scale":       {ScaleType: "bf16"},
	} {
		if _, err := f.Quantize(good, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	t.Run("non-finite", func(t *testing.T) {
		_, err := f.Quantize(tensor([]float32{1, 2, 3, float32(math.NaN())}, 2), quant.Options{})
		var e *quant.NonFiniteError
		if !errors.As(err, &e) || e.Row != 1 || e.Col != 1 {
			t.Errorf("%v", err)
		}
	})
	t.Run("half", func(t *testing.T) {
		for name, o := range every() {
			o.ScaleType = quant.ScaleF16
			x := tensor([]float32{1, 2, 3, 4, -1e7, 6}, 2)
			_, err := f.Quantize(x, o)
			var e *quant.RowError
			if !errors.As(err, &e) || e.Row != 2 || e.Format != "INT4" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("sizes", func(t *testing.T) {
		var e *quant.SizeError
		if _, err := f.Quantize(quant.Tensor{Shape: []int{3, 2}, Data: good.Data}, quant.Options{}); !errors.As(err, &e) {
			t.Errorf("data short of its shape: %v", err)
		}
		if _, err := f.Quantize(quant.Tensor{Shape: []int{-2, -2}, Data: good.Data}, quant.Options{}); err == nil {
			t.Error("negative shape: no error")
		}
		p, err := f.Quantize(good, quant.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Dequantize(p, make([]float32, 3)); !errors.As(err, &e) {
			t.Errorf("short destination: %v", err)
		}
		for _, i := range []int{-1, 4} {
			if _, err := f.Open(p, i); err == nil {
				t.Errorf("value %d opened", i)
			}
		}
		p.Bytes = p.Bytes[:len(p.Bytes)-1]
		if err := f.Dequantize(p, make([]float32, 4)); !errors.As(err, &e) {
			t.Errorf("short bytes: %v", err)
		}
		if _, err := f.Params(p, true); !errors.As(err, &e) {
			t.Errorf("short bytes: %v", err)
		}
		if _, err := f.Open(p, 0); !errors.As(err, &e) {
			t.Errorf("short bytes: %v", err)
		}
	})
}

// The bytes of small blocks, written down by hand.
func TestLayout(t *testing.T) {
	x := tensor([]float32{-2, 1, 0, 3, 1, -1, 0, 2, -4, 3}, 5)
	for _, c := range []struct {
		name, format string
		o            quant.Options
		want         []byte
	}{
		// Range −4 … 3, scale 7/15 → 0.46666667 = 3eeeeeef; zero = round(−8 + 8.571) = 1.
		{"tensor", "INT4", quant.Options{}, []byte{0xef, 0xee, 0xee, 0x3e, 1, 0x3d, 0x71, 0xf3, 0x51, 0x78}},
		// Rows −2 … 3 and −4 … 3; scales 5/7 and 1; zeros round(−4+2.8) = −1 and 0.
		// Row 0: −4 0 −1 3 0; row 1: −1 0 2 −4 3.
		{"row", "INT3", quant.Options{Group: -1}, []byte{
			0x6e, 0xdb, 0x36, 0x3f, 0xff, 0b11000100, 0b00000111,
			0, 0, 0x80, 0x3f, 0, 0b10000111, 0b00111000}},
		// A scale a column as half: absmax 2 1 0 4 3 over 1 (narrow INT2).
		{"column", "INT2", quant.Options{Granularity: quant.PerChannel, Axis: 1, Narrow: true, ScaleType: quant.ScaleF16}, []byte{
			0x00, 0x40, 0x00, 0x3c, 0x00, 0x40, 0x00, 0x44, 0x00, 0x42,
			0b01000111, 0b00, 0b11010000, 0b01}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, p := quantized(t, named(t, c.format), x, c.o)
			if !slices.Equal(p.Bytes, c.want) {
				t.Errorf("% x, want % x", p.Bytes, c.want)
			}
		})
	}
}

func TestShapes(t *testing.T) {
	for name, o := range every() {
		for _, shape := range [][]int{{}, {0}, {1}, {3, 0}, {0, 3}, {9}, {1, 1}, {3, 5}, {2, 3, 17}} {
			n, err := quant.Count(shape)
			if err != nil {
				t.Fatal(err)
			}
			x := quant.Tensor{Shape: shape, Data: normal(3, n)}
			for _, f := range Formats() {
				y, m, p := quantized(t, f, x, o)
				if len(m.Codes) != n || len(m.Scales) != m.Rows*m.Groups && n > 0 || n == 0 && len(p.Bytes) != 0 {
					t.Errorf("%s %s %v: %d codes, %d scales of %d×%d, %d bytes", f.Info().Name, name, shape, len(m.Codes), len(m.Scales), m.Rows, m.Groups, len(p.Bytes))
				}
				if n > 1 && mse(x.Data, y) > 0.05 {
					t.Errorf("%s %s %v: mse %v", f.Info().Name, name, shape, mse(x.Data, y))
				}
			}
		}
	}
}
