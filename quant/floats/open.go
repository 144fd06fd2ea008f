package floats

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
)

// Open implements quant.Format. A block is one value; its fields stand from
// the highest bit down: sign, exponent, mantissa.
func (f *format) Open(p *quant.Packed, i int) (*quant.Opened, error) {
	n, err := f.check(p)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= n {
		return nil, fmt.Errorf("floats: tensor %q: there is no value %d, it holds %d", p.Name, i, n)
	}
	size := f.size()
	block := slices.Clone(p.Bytes[i*size : (i+1)*size])
	var value [1]float32
	f.decode(value[:], block)
	u := pattern(block)
	return &quant.Opened{
		Index:   i,
		Block:   i,
		Offset:  int64(i) * int64(size),
		Bytes:   block,
		Fields:  f.fields(f.split(u)),
		Value:   value[0],
		Code:    int32(u),
		Levels:  slices.Clone(f.levels),
		Formula: f.formula(f.split(u)),
		Rule:    []quant.Term{{Text: f.rule}},
	}, nil
}

// split is a bit pattern's sign, exponent and mantissa.
func (f *format) split(u uint32) (s, e, m uint32) {
	return u >> (f.exp + f.man) & 1, u >> f.man & (1<<f.exp - 1), u & (1<<f.man - 1)
}

func (f *format) fields(s, e, m uint32) []quant.Field {
	field := func(name string, role quant.Role, first, bits int, v uint32) quant.Field {
		spans := []quant.Span{{First: first, Bits: bits}}
		return quant.Field{Name: name, Role: role, Spans: spans, Mine: spans, Text: number(v)}
	}
	return []quant.Field{
		field("sign, 1 bit", quant.RoleSign, f.exp+f.man, 1, s),
		field(fmt.Sprintf("exponent, %d bits, bias %d", f.exp, f.bias), quant.RoleExponent, f.man, f.exp, e),
		field(fmt.Sprintf("mantissa, %d bits", f.man), quant.RoleMantissa, 0, f.man, m),
	}
}

// formula says how a value comes from its three fields:
//
//	normal            (−1)^s · 2^(e − bias) · (1 + m / 2^man)
//	zero, subnormal   (−1)^s · 2^(1 − bias) · (0 + m / 2^man)   where e is 0
//	infinity, NaN     where e is all ones; E4M3 has NaN alone, where m is too
func (f *format) formula(s, e, m uint32) []quant.Term {
	top, full := uint32(1)<<f.exp-1, uint32(1)<<f.man-1
	sign := func(text string) quant.Term { return quant.Term{Text: text, Role: quant.RoleSign} }
	exponent := func(text string) quant.Term { return quant.Term{Text: text, Role: quant.RoleExponent} }
	mantissa := func(text string) quant.Term { return quant.Term{Text: text, Role: quant.RoleMantissa} }
	text := func(format string, a ...any) quant.Term { return quant.Term{Text: fmt.Sprintf(format, a...)} }
	switch {
	case e == top && f.noInf && m == full:
		return []quant.Term{exponent("e"), text(" = "), exponent(number(e)), text(", "), mantissa("m"), text(" = "), mantissa(number(m)), text(": x̂ is not a number")}
	case e == top && !f.noInf && m != 0:
		return []quant.Term{exponent("e"), text(" = "), exponent(number(e)), text(", "), mantissa("m"), text(" = "), mantissa(number(m)), text(" ≠ 0: x̂ is not a number")}
	case e == top && !f.noInf:
		return []quant.Term{exponent("e"), text(" = "), exponent(number(e)), text(", "), mantissa("m"), text(" = "), mantissa("0"),
			text(": x̂ = (−1)^"), sign("s"), text(" · ∞ = (−1)^"), sign(number(s)), text(" · ∞ = %s", signed(s, "∞"))}
	case e == 0:
		return []quant.Term{exponent("e"), text(" = "), exponent("0"),
			text(": x̂ = (−1)^"), sign("s"), text(" · 2^(1−%d) · (0 + ", f.bias), mantissa("m"), text("/%d) = (−1)^", full+1),
			sign(number(s)), text(" · 2^(1−%d) · (0 + ", f.bias), mantissa(number(m)), text("/%d) = %s", full+1, f.print(s, e, m))}
	}
	return []quant.Term{
		text("x̂ = (−1)^"), sign("s"), text(" · 2^("), exponent("e"), text("−%d) · (1 + ", f.bias), mantissa("m"), text("/%d) = (−1)^", full+1),
		sign(number(s)), text(" · 2^("), exponent(number(e)), text("−%d) · (1 + ", f.bias), mantissa(number(m)), text("/%d) = %s", full+1, f.print(s, e, m))}
}

// print is the value of finite fields, in the fewest digits that name it.
func (f *format) print(s, e, m uint32) string {
	v := math.Ldexp(float64(m)/float64(uint32(1)<<f.man), 1-f.bias)
	if e > 0 {
		v = math.Ldexp(1+float64(m)/float64(uint32(1)<<f.man), int(e)-f.bias)
	}
	return signed(s, strings.ReplaceAll(strconv.FormatFloat(v, 'g', -1, 32), "-", "−"))
}

func signed(s uint32, text string) string {
	if s == 1 {
		return "−" + text
	}
	return text
}

func number(v uint32) string { return strconv.FormatUint(uint64(v), 10) }
