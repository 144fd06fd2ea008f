package ggml

import (
	"encoding/binary"
	"math"
	bitlen "math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

// randomPacked is blocks of any bits, as two rows.
func randomPacked(f *format, r *rand.Rand) *quant.Packed {
	t := f.typ()
	p := &quant.Packed{Format: t.Name, Shape: []int{2, 3 * t.Block}, Bytes: make([]byte, 6*t.Bytes)}
	for i := range p.Bytes {
		p.Bytes[i] = byte(r.Uint32())
	}
	return p
}

// Dequantize, Params and Open are three readings of the same bytes: the last
// goes bit by bit through the layout.
func TestReadingsAgree(t *testing.T) {
	times := 4
	if testing.Short() {
		times = 1
	}
	for _, f := range all {
		t.Run(f.typ().Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(9, uint64(f.id)))
			for range times {
				agree(t, f, randomPacked(f, r), 1)
			}
		})
	}
}

// agree compares all values, and opens each that every divides.
func agree(t *testing.T, f *format, p *quant.Packed, every int) {
	t.Helper()
	values := make([]float32, p.Len())
	if err := f.Dequantize(p, values); err != nil {
		t.Fatal(err)
	}
	params, err := f.Params(p, true)
	if err != nil {
		t.Fatal(err)
	}
	if params.Rows != quant.Rows(p.Shape) || params.Cols != quant.Cols(p.Shape) ||
		len(params.Scales) != params.Rows*params.Groups || len(params.Codes) != p.Len() || len(params.GroupIndex) != params.Cols {
		t.Fatalf("%d × %d in %d groups, %d scales, %d codes, %d columns in groups", params.Rows, params.Cols,
			params.Groups, len(params.Scales), len(params.Codes), len(params.GroupIndex))
	}
	for i, v := range values {
		g := i/params.Cols*params.Groups + int(params.GroupIndex[i%params.Cols])
		if params.Table != (f.table != nil) {
			t.Fatal("Params do not say whether codes index a table")
		}
		code := float32(params.Codes[i])
		if f.table != nil {
			code = float32(f.table.values[params.Codes[i]]) / f.table.whole(1)
		}
		if params.Zeros != nil {
			code -= params.Zeros[g]
		}
		x := params.Scales[g] * code
		if params.Mins != nil {
			x = float32(params.Scales[g]*code) + params.Mins[g]
		}
		// MXFP4's last exponent is a scale of 2^128, which float32 has not.
		if beyond := f == mxfp4 && math.IsInf(float64(params.Scales[g]), 1); beyond && (math.Abs(float64(v)) > math.MaxFloat32/16 || v == 0) {
			x = v
		}
		if x != v && !(x != x && v != v) {
			t.Fatalf("value %d: Params give %v, Dequantize %v", i, x, v)
		}
		if i%every != 0 {
			continue
		}
		o, err := f.Open(p, i)
		if err != nil {
			t.Fatal(err)
		}
		if !same(o.Value, v) || o.Code != params.Codes[i] {
			t.Fatalf("value %d: Open gives code %d, value %v; Params %d, Dequantize %v", i, o.Code, o.Value, params.Codes[i], v)
		}
		if v == v && !slices.Contains(o.Levels, v) {
			t.Fatalf("value %d: %v is not among its levels %v", i, v, o.Levels)
		}
		if !slices.IsSorted(o.Levels) {
			t.Fatalf("value %d: levels %v do not rise", i, o.Levels)
		}
	}
}

// The fields of a block cover each of its bits once, and the bits of the
// opened weight are among them.
func TestLayout(t *testing.T) {
	for _, f := range all {
		t.Run(f.typ().Name, func(t *testing.T) {
			p := randomPacked(f, rand.New(rand.NewPCG(1, 2)))
			size := 8 * f.typ().Bytes
			used := make([]int, size) // by how many weights, of the codes
			shared := slices.ContainsFunc(f.layout, func(p part) bool { return p.code != nil })
			for i := f.typ().Block; i < 2*f.typ().Block; i++ {
				o, err := f.Open(p, i)
				if err != nil {
					t.Fatal(err)
				}
				if o.Index != i || o.Block != 1 || o.Offset != int64(f.typ().Bytes) || len(o.Bytes) != f.typ().Bytes {
					t.Fatalf("value %d is opened as value %d of block %d at %d, %d bytes", i, o.Index, o.Block, o.Offset, len(o.Bytes))
				}
				owner := make([]int, size)
				codeBits := 0
				for n, field := range o.Fields {
					for _, s := range field.Spans {
						for b := s.First; b < s.First+s.Bits; b++ {
							if owner[b] != 0 {
								t.Fatalf("bit %d is in %q and in %q", b, o.Fields[owner[b]-1].Name, field.Name)
							}
							owner[b] = n + 1
						}
					}
					for _, s := range field.Mine {
						for b := s.First; b < s.First+s.Bits; b++ {
							if owner[b] != n+1 {
								t.Fatalf("bit %d of the weight is not in its field %q", b, field.Name)
							}
							if field.Role == quant.RoleCode {
								used[b]++
								codeBits++
							}
						}
					}
					if field.Text == "" || field.Name == "" {
						t.Fatalf("field %d has no name or no text", n)
					}
				}
				if at := slices.Index(owner, 0); at >= 0 {
					t.Fatalf("bit %d is in no field", at)
				}
				want := f.bits
				if f.grid != nil {
					want = bitlen.Len(uint(len(f.grid.grid.points) - 1))
				}
				if codeBits != want && !shared {
					t.Fatalf("weight %d has %d bits of code, want %d", i, codeBits, want)
				}
			}
			for b, n := range used {
				if n > 1 && !shared && (f.grid == nil || n != f.grid.grid.dims) {
					t.Fatalf("bit %d is code of %d weights", b, n)
				}
			}
		})
	}
}

// Formulas and rules, written out.
func TestFormula(t *testing.T) {
	h := func(b []byte, at int, v float32) { binary.LittleEndian.PutUint16(b[at:], toHalf(v)) }
	for _, tt := range []struct {
		f             *format
		fill          func(b []byte)
		index         int
		formula, rule string
		fields        string
	}{
		{q80, func(b []byte) { h(b, 0, 0.25); b[2+3] = 0x100 - 45 }, 3,
			"x̂ = d · q = 0.25 · (−45) = −11.25",
			"q = round(x / d) = round(x / 0.25); d = max|x| / 127, not yet rounded to 16 bits", "0.25 −45"},
		{q40, func(b []byte) { h(b, 0, -0.5); b[2+1] = 0xb2 }, 17,
			"x̂ = d · (q − 8) = −0.5 · (11 − 8) = −1.5",
			"q = ⌊x / d + 8.5⌋ = ⌊x / −0.5 + 8.5⌋, at most 15; d = the weight of greatest magnitude / −8, not yet rounded to 16 bits", "−0.5 11"},
		{q51, func(b []byte) { h(b, 0, 0.5); h(b, 2, -2); b[4] = 2; b[8+1] = 3 }, 1,
			"x̂ = d · q + m = 0.5 · 19 + (−2) = 7.5",
			"q = ⌊(x − m) / d + 0.5⌋ = ⌊(x − (−2)) / 0.5 + 0.5⌋; m = min x, d = (max x − m) / 31, not yet rounded to 16 bits", "0.5 −2 1 3"},
		{q4K, func(b []byte) { h(b, 0, 0.125); h(b, 2, 0.0625); b[4+2] = 37; b[8+2] = 41; b[16+32+11] = 0x02 }, 75,
			"x̂ = d · sc · q − dmin · m = 0.125 · 37 · 2 − 0.0625 · 41 = 9.25 − 2.5625 = 6.6875",
			"q = round((x + dmin · m) / (d · sc)) = round((x + 2.5625) / 4.625), from 0 to 15", "0.125 0.0625 37 41 2"},
		{q3K, func(b []byte) { h(b, 108, 0.5); b[96] = 0x5; b[104] = 0x1; b[32] = 1; b[0] = 1 }, 0,
			"x̂ = d · (sc − 32) · (q − 4) = 0.5 · (21 − 32) · (5 − 4) = −5.5 · 1 = −5.5",
			"q = round(x / (d · (sc − 32))) + 4 = round(x / (−5.5)) + 4, from 0 to 7", "1 1 21 0.5"},
		{q6K, func(b []byte) { h(b, 208, 0.5); b[192] = 0x100 - 3; b[0] = 0xf; b[128] = 2 }, 0,
			"x̂ = d · sc · (q − 32) = 0.5 · (−3) · (47 − 32) = −1.5 · 15 = −22.5",
			"q = round(x / (d · sc)) + 32 = round(x / (−1.5)) + 32, from 0 to 63", "15 2 −3 0.5"},
		{q2K, func(b []byte) { h(b, 80, 0.5); b[0] = 0x20 }, 0,
			"x̂ = d · sc · q − dmin · m = 0.5 · 0 · 0 − 0 · 2 = 0 − 0 = 0", "", "0 2 0 0.5 0"},
		{iq4NL, func(b []byte) { h(b, 0, -0.25); b[2+3] = 0xb2 }, 19,
			"x̂ = d · IQ4_NL[q] = −0.25 · IQ4_NL[11] = −0.25 · 38 = −9.5",
			"q = the code whose IQ4_NL[q] is nearest x / d = x / (−0.25); d is searched for, not yet rounded to 16 bits", "−0.25 11"},
		{iq4XS, func(b []byte) { h(b, 0, 0.5); b[3] = 0x40; b[4+3] = 0x50; b[8+16*7] = 3 }, 224,
			"x̂ = d · (sc − 32) · IQ4_NL[q] = 0.5 · (21 − 32) · IQ4_NL[3] = −5.5 · (−65) = 357.5",
			"q = the code whose IQ4_NL[q] is nearest x / (d · (sc − 32)) = x / (−5.5); d is searched for, not yet rounded to 16 bits", "0.5 21 3"},
		{mxfp4, func(b []byte) { b[0] = 121; b[1+2] = 0xd0 }, 18,
			"x̂ = d · E2M1[q] = 0.015625 · E2M1[13] = 0.015625 · (−3) = −0.046875",
			"q = the code whose E2M1[q] is nearest x / d = x / 0.015625; d = 2^(⌊log2 max|x|⌋ − 2)", "2^−6 13"},
		{mxfp4, func(b []byte) { b[0] = 255; b[1] = 1 }, 0,
			"x̂ = d · E2M1[q] = 3.4028e+38 · E2M1[1] = 3.4028e+38 · 0.5 = 1.7014e+38",
			"q = the code whose E2M1[q] is nearest x / d = x / 3.4028e+38; d = 2^(⌊log2 max|x|⌋ − 2)", "2^128 1"},
		{nvfp4, func(b []byte) { b[3] = 0x39; b[4+3*8+2] = 0x50 }, 58,
			"x̂ = d · E2M1[q] = 1.125 · E2M1[5] = 1.125 · 3 = 3.375",
			"q = the code whose E2M1[q] is nearest x / d = x / 1.125; d = max|x| / 6, rounded to UE4M3; 448 from 256 on", "1.125 5"},
		{q20, func(b []byte) { h(b, 0, 0.25); b[2+1] = 0x0c }, 5,
			"x̂ = d · (q − 1) = 0.25 · (3 − 1) = 0.5",
			"q = round(x / d) + 1 = round(x / 0.25) + 1; d = max|x|, not yet rounded to 16 bits", "0.25 3"},
		{tq20, func(b []byte) { h(b, 64, 0.25); b[32] = 0x08 }, 160,
			"x̂ = d · (q − 1) = 0.25 · (2 − 1) = 0.25",
			"q = round(x / d) + 1 = round(x / 0.25) + 1; d = max|x|, not yet rounded to 16 bits", "2 0.25"},
		{tq10, func(b []byte) { h(b, 52, 0.25); b[33] = 190 }, 193,
			"x̂ = d · (q − 1) = 0.25 · (2 − 1) = 0.25; q = ⌊3 · (190 · 3^2 mod 256) / 256⌋",
			"q = round(x / d) + 1 = round(x / 0.25) + 1; d = max|x|, not yet rounded to 16 bits", "190 0.25"},
		{q10, func(b []byte) { h(b, 0, 0.25); b[2+1] = 0x02 }, 8,
			"x̂ = d · (2 · q − 1) = 0.25 · (2 · 0 − 1) = 0.25 · (−1) = −0.25",
			"q = 1 where x ≥ 0, else 0; d = the mean of |x|", "0.25 0"},
		{iq2XXS, func(b []byte) { h(b, 0, 0.125); b[3] = 77; b[6], b[7], b[9] = 0x80, 0x80, 0x70 }, 15,
			"x̂ = −d · (0.5 + sc) / 4 · g = −0.125 · (0.5 + 7) / 4 · 8 = −1.875; g is value 8 of grid point 77: 8 8 43 25 8 8 25 8",
			"", "0.125 77 − 7"},
		{iq2S, func(b []byte) { h(b, 0, 0.125); b[3] = 77; b[66] = 8; b[35] = 0x20; b[74] = 3 }, 13,
			"x̂ = −d · (0.5 + sc) / 4 · g = −0.125 · (0.5 + 3) / 4 · 25 = −2.7344; g is value 6 of grid point 589: 25 8 25 25 25 25 8 25",
			"", "0.125 77 − 2 3"},
		{iq3XXS, func(b []byte) { h(b, 0, 0.125); b[3] = 77; b[69] = 0x30 }, 5,
			"x̂ = d · (0.5 + sc) / 2 · g = 0.125 · (0.5 + 3) / 2 · 12 = 2.625; g is value 2 of grid point 77: 20 12 20 12",
			"", "0.125 77 + 3"},
		{iq3S, func(b []byte) { h(b, 0, 0.125); b[3] = 77; b[66] = 2; b[74] = 0x20; b[106] = 3 }, 5,
			"x̂ = −d · (1 + 2 · sc) · g = −0.125 · (1 + 2 · 3) · 3 = −2.625; g is value 2 of grid point 333: 1 3 11 7",
			"", "0.125 77 1 − 3"},
		{iq1S, func(b []byte) { h(b, 0, 0.5); b[2] = 7; b[35] = 0x20 }, 0,
			"x̂ = d · (1 + 2 · sc) · (g + 1/8) = 0.5 · (1 + 2 · 2) · (−1 + 0.125) = −2.1875; g is value 1 of grid point 7: −1 −1 1 −1 −1 −1 −1 −1",
			"", "0.5 7 0 2 +"},
	} {
		t.Run(tt.f.typ().Name, func(t *testing.T) {
			p := &quant.Packed{Shape: []int{tt.f.typ().Block}, Bytes: make([]byte, tt.f.typ().Bytes)}
			tt.fill(p.Bytes)
			o, err := tt.f.Open(p, tt.index)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(o.Formula); got != tt.formula {
				t.Errorf("formula\n%s, want\n%s", got, tt.formula)
			}
			if got := text(o.Rule); got != tt.rule {
				t.Errorf("rule\n%s, want\n%s", got, tt.rule)
			}
			var fields []string
			for _, field := range o.Fields {
				fields = append(fields, field.Text)
			}
			if got := strings.Join(fields, " "); got != tt.fields {
				t.Errorf("fields %s, want %s", got, tt.fields)
			}
		})
	}
}

func text(terms []quant.Term) string {
	var b strings.Builder
	for _, t := range terms {
		b.WriteString(t.Text)
	}
	return b.String()
}

// The rule, followed with the block's own numbers, gives the code of every
// weight that Quantize packed.
func TestRuleHolds(t *testing.T) {
	x := make([]float32, 2048)
	samples[0].fill(rand.New(rand.NewPCG(3, 3)), x)
	for _, f := range []*format{q6K, q5K, q4K, q3K, q2K} {
		p, err := f.Quantize(quant.Tensor{Shape: []int{len(x)}, Data: x}, quant.Options{})
		if err != nil {
			t.Fatal(err)
		}
		params, err := f.Params(p, true)
		if err != nil {
			t.Fatal(err)
		}
		top := int32(1)<<f.bits - 1
		for i, v := range x {
			g := i / f.group
			low := float32(0)
			if params.Mins != nil {
				low = params.Mins[g]
			}
			code := nearest((v-low)/params.Scales[g]) + f.zero
			if code = max(0, min(top, code)); params.Scales[g] != 0 && code != params.Codes[i] {
				t.Fatalf("%s: value %d has code %d, the rule says %d", f.typ().Name, i, params.Codes[i], code)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	for i := range all {
		f.Add(uint8(i), uint16(i), []byte{0x5a, 0xff, 0x00, 0x7c, 0x01})
	}
	f.Fuzz(func(t *testing.T, which uint8, index uint16, data []byte) {
		fm := all[int(which)%len(all)]
		typ := fm.typ()
		p := &quant.Packed{Shape: []int{2 * typ.Block}, Bytes: make([]byte, 2*typ.Bytes)}
		for i := range p.Bytes {
			if len(data) > 0 {
				p.Bytes[i] = data[i%len(data)]
			}
		}
		agree(t, fm, p, 61)
		if o, err := fm.Open(p, int(index)); err == nil {
			if len(o.Formula) == 0 || int(index) >= p.Len() {
				t.Errorf("value %d of %d: formula %v", index, p.Len(), o.Formula)
			}
		} else if int(index) < p.Len() {
			t.Error(err)
		}
		p.Bytes = data
		if err := fm.Dequantize(p, make([]float32, p.Len())); (err == nil) != (len(data) == 2*typ.Bytes) {
			t.Errorf("%d bytes for two blocks of %d: %v", len(data), typ.Bytes, err)
		}
	})
}
