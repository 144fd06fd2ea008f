package affine

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

// Open, Params and Dequantize say the same of every value.
func TestOpen(t *testing.T) {
	for name, o := range every() {
		for _, f := range Formats() {
			t.Run(f.Info().Name+" "+name, func(t *testing.T) {
				for _, shape := range [][2]int{{3, 21}, {1, 5}, {4, 300}, {600, 2}, {1, 2000}} {
					x := tensor(normal(9, shape[0]*shape[1]), shape[1])
					y, m, p := quantized(t, f, x, o)
					step := 1
					if testing.Short() || x.Len() > 100 {
						step = 7
					}
					for i := 0; i < x.Len(); i += step {
						checkOpened(t, f, m, p, y, i)
					}
					checkOpened(t, f, m, p, y, x.Len()-1)
				}
			})
		}
	}
}

func checkOpened(t *testing.T, f quant.Format, m *quant.Params, p *quant.Packed, y []float32, i int) {
	t.Helper()
	r, err := f.Open(p, i)
	if err != nil {
		t.Fatal(err)
	}
	if r.Index != i || r.Value != y[i] || r.Code != m.Codes[i] {
		t.Fatalf("value %d opens as %d: %v, code %d; want %v, code %d", i, r.Index, r.Value, r.Code, y[i], m.Codes[i])
	}
	if !bytes.Equal(r.Bytes, p.Bytes[r.Offset:int(r.Offset)+len(r.Bytes)]) || len(r.Bytes) > wholeBlock {
		t.Fatalf("value %d: %d bytes at %d are not the tensor's", i, len(r.Bytes), r.Offset)
	}
	if !slices.Contains(r.Levels, r.Value) || !slices.IsSorted(r.Levels) {
		t.Fatalf("value %d: %v is not among the levels %v", i, r.Value, r.Levels)
	}
	at := i/m.Cols*m.Groups + int(m.GroupIndex[i%m.Cols])
	want := map[quant.Role]string{quant.RoleScale: number(m.Scales[at]), quant.RoleZero: integer(int32(m.Zeros[at])), quant.RoleCode: integer(m.Codes[i])}
	covered := make([]int, 8*len(r.Bytes))
	for _, field := range r.Fields {
		for _, s := range field.Spans {
			for b := s.First; b < s.First+s.Bits; b++ {
				covered[b]++
			}
		}
		if s := want[field.Role]; field.Text != s {
			t.Fatalf("value %d: %s says %q, want %q", i, field.Name, field.Text, s)
		}
		checkMine(t, f.Info().Bits, m, r, field, at, i)
	}
	if slices.Max(covered) != 1 || slices.Min(covered) != 1 {
		t.Fatalf("value %d: the fields do not cover the bytes once each", i)
	}
	if s := text(r.Formula); !strings.HasSuffix(s, " = "+number(y[i])) || !strings.Contains(s, number(m.Scales[at])) {
		t.Fatalf("value %d: formula %q", i, s)
	}
	if s := text(r.Rule); !strings.Contains(s, " = "+integer(r.Code)) {
		t.Fatalf("value %d: rule %q", i, s)
	}
}

// checkMine reads the bits that a field says are the weight's.
func checkMine(t *testing.T, bits int, m *quant.Params, r *quant.Opened, field quant.Field, at, i int) {
	t.Helper()
	if len(field.Mine) == 0 {
		if field.Role == quant.RoleCode || field.Role != quant.RolePad && len(field.Spans) > 0 {
			t.Fatalf("value %d: nothing of %s is its own", i, field.Name)
		}
		return
	}
	s := field.Mine[0]
	v := uint64(0)
	for k := range s.Bits {
		b := s.First + k
		v |= uint64(r.Bytes[b/8]>>(b%8)&1) << k
	}
	ok := true
	switch {
	case field.Role == quant.RoleCode:
		ok = s.Bits == bits && int32(v<<(64-bits)>>(64-bits)) == m.Codes[i]&(1<<bits-1)
	case field.Role == quant.RoleZero:
		ok = s.Bits == 8 && int8(v) == int8(m.Zeros[at])
	case s.Bits == 32:
		ok = math.Float32frombits(uint32(v)) == m.Scales[at]
	default:
		ok = s.Bits == 16
	}
	if !ok {
		t.Fatalf("value %d: the bits of %s hold %#x", i, field.Name, v)
	}
}

// Of a large block there is a window, and it moves with the weight.
func TestOpenWindow(t *testing.T) {
	x := tensor(normal(10, 10000), 10000)
	for _, f := range Formats() {
		p, err := f.Quantize(x, quant.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 5000, 9999} {
			r, err := f.Open(p, i)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Bytes) > maxWindow || len(r.Bytes) < maxWindow-f.Info().Bits || r.Block != 0 {
				t.Errorf("%s, value %d: %d bytes of block %d", f.Info().Name, i, len(r.Bytes), r.Block)
			}
			mine := r.Fields[len(r.Fields)-1].Mine
			if len(mine) == 0 { // the last one is padding
				mine = r.Fields[len(r.Fields)-2].Mine
			}
			if bit := int(r.Offset)*8 + mine[0].First; bit != 5*8+i*f.Info().Bits {
				t.Errorf("%s, value %d: its code is at bit %d", f.Info().Name, i, bit)
			}
			if at := float64(mine[0].First) / float64(8*len(r.Bytes)); i == 5000 && math.Abs(at-0.5) > 0.15 {
				t.Errorf("%s: the code stands at %v of the window", f.Info().Name, at)
			}
			if r.Fields[0].Role != quant.RoleScale || r.Fields[0].Spans != nil || r.Fields[0].Text == "" {
				t.Errorf("%s: the scale is %+v", f.Info().Name, r.Fields[0])
			}
		}
	}
}

func TestRule(t *testing.T) {
	x := tensor([]float32{-3, 5, 0.4, 1}, 4)
	for _, c := range []struct {
		o             quant.Options
		i             int
		formula, rule string
	}{
		{quant.Options{}, 2, "x̂ = (q − z) · s = (−1 − (−2)) · 0.53333336 = 0.53333336", "q = round(x / s) + z = round(x / 0.53333336) + (−2) = −1"},
		{quant.Options{}, 1, "", "q = round(x / s) + z = round(x / 0.53333336) + (−2) = 7, kept within −8 … 7"},
		{quant.Options{Rounding: quant.RoundAway, Symmetric: true}, 3, "", "q = round(x / s) = round(x / 0.6666667) = 2, ties away from zero"},
		{quant.Options{Rounding: quant.RoundStochastic, Symmetric: true, Seed: 1234567}, 0, "", "q = ⌊x / s + u⌋ = ⌊x / 0.6666667 + 0.3501⌋ = −5"},
	} {
		f := named(t, "INT4")
		_, _, p := quantized(t, f, x, c.o)
		r, err := f.Open(p, c.i)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(r.Rule); got != c.rule {
			t.Errorf("rule %q, want %q", got, c.rule)
		}
		if got := text(r.Formula); c.formula != "" && got != c.formula {
			t.Errorf("formula %q, want %q", got, c.formula)
		}
	}
}

// Bytes from elsewhere may hold any scale.
func TestOpenForeign(t *testing.T) {
	f := named(t, "INT2")
	for _, scale := range []float32{-1, 0, float32(math.NaN()), float32(math.Inf(-1))} {
		p := &quant.Packed{Format: "INT2", Shape: []int{4}, Bytes: make([]byte, 6)}
		l, _, err := format{rows[5]}.open(p)
		if err != nil {
			t.Fatal(err)
		}
		l.putParams(p.Bytes, 0, params{scale: scale, zero: -100})
		p.Bytes[5] = 0b11100100
		r, err := f.Open(p, 2)
		if err != nil {
			t.Fatal(err)
		}
		if scale == scale && !slices.IsSorted(r.Levels) {
			t.Errorf("scale %v: levels %v", scale, r.Levels)
		}
		if r.Code != -2 {
			t.Errorf("code %d, want −2", r.Code)
		}
	}
}
