package ggml

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
)

// reading is what a block says about one weight, as it is stored.
type reading struct {
	f          *format
	d          float32 // scale of the block
	m          float32 // minimum of the block, or what scales the minimums
	scale, min int32   // of the group; 1 where the block has none
	code       int32
	k          int     // the weight's place in the block
	shared     int32   // the bits that hold its code and others
	step       float32 // scale of the group: d times scale
	low        float32 // minimum of the group
	value      float32
}

// Open takes apart the block that holds value i, reading it bit by bit through
// its layout.
func (f *format) Open(p *quant.Packed, i int) (*quant.Opened, error) {
	if err := f.check(p); err != nil {
		return nil, err
	}
	if i < 0 || i >= p.Len() {
		return nil, fmt.Errorf("ggml: tensor %q holds %d values; there is no value %d", p.Name, p.Len(), i)
	}
	t := f.typ()
	n, k := i/t.Block, i%t.Block
	b := p.Bytes[n*t.Bytes : (n+1)*t.Bytes : (n+1)*t.Bytes]
	o := &quant.Opened{Index: i, Block: n, Offset: int64(n * t.Bytes), Bytes: b}
	for j := range f.layout {
		o.Fields = append(o.Fields, f.layout[j].field(b, k))
	}
	if f.grid != nil {
		f.openGrid(o, b, k)
		return o, nil
	}
	r := f.reading(b, k)
	o.Value, o.Code = r.value, r.code
	o.Levels = r.levels()
	o.Formula = r.formula()
	o.Rule = f.rule(r, p.Options.Importance != nil)
	return o, nil
}

// field is the part as weight k of the block sees it.
func (p *part) field(b []byte, k int) quant.Field {
	mine := p.own(k)
	v, text := bits(b, mine), ""
	switch p.kind {
	case half:
		text = number(fromHalf(uint16(v)))
	case e8m0:
		text = "2^" + integer(int32(v)-127)
	case ue4m3:
		text = number(2 * halfUE4M3(uint8(v)))
	case signed:
		text = integer(int32(int8(v)))
	case sign:
		text = signText(odd(v))
	default:
		text = integer(int32(v))
	}
	return quant.Field{Name: p.name, Role: p.role, Spans: p.all(), Mine: mine, Text: text}
}

// reading reads weight k of a block through its layout.
func (f *format) reading(b []byte, k int) *reading {
	r := &reading{f: f, scale: 1, min: 1}
	for i := range f.layout {
		p := &f.layout[i]
		v := bits(b, p.spans(p.index(k)))
		whole := int32(v)
		if p.kind == signed {
			whole = int32(int8(v))
		}
		float, isFloat := p.kind.float(v)
		switch {
		case isFloat && p.role == quant.RoleMin:
			r.m = float
		case isFloat:
			r.d = float
		case p.role == quant.RoleScale:
			r.scale = whole
		case p.role == quant.RoleMin:
			r.min = whole
		case p.code != nil:
			r.k, r.shared = k, whole
			r.code = p.code(k, whole)
		default:
			r.code |= whole << p.shift
		}
	}
	r.step, r.low = r.d, r.m
	if f.groupScales() {
		r.step = float32(r.d * float32(r.scale-f.scaleZero))
		r.low = -float32(r.m * float32(r.min))
	}
	r.value = r.at(r.code)
	return r
}

// at is the value that a code stands for.
func (r *reading) at(code int32) float32 {
	if r.f.table != nil {
		return r.step * float32(r.f.table.values[code])
	}
	if r.f.hasMin() {
		return float32(r.step*float32(code)) + r.low
	}
	return r.step * float32(code-r.f.zero)
}

// levels are the distinct values of the weight's group, rising.
func (r *reading) levels() []float32 {
	from, n := int32(0), int32(1)<<r.f.bits
	if r.f.states != 0 {
		n = r.f.states
	}
	if r.f.signed {
		from = -n / 2
	}
	var levels []float32
	for code := from; code < from+n; code++ {
		if v := r.at(code); v == v {
			levels = append(levels, v)
		}
	}
	slices.Sort(levels)
	return slices.Compact(levels)
}

// formula writes x̂ = d · sc · (q − zero) − dmin · m with its numbers. What a
// type does not have is left out.
func (r *reading) formula() []quant.Term {
	var e terms
	e.text("x̂ = ")
	r.product(&e, "d", "sc", "q")
	r.minimum(&e, "dmin", "m", "m")
	e.text(" = ")
	r.product(&e, r.scaleText(r.d), factor(integer(r.scale)), factor(integer(r.code)))
	r.minimum(&e, number(r.m), factor(integer(r.min)), factor(number(r.m)))
	switch {
	case r.f.table != nil:
		e.text(" = ").add(r.scaleText(r.step), quant.RoleScale).text(" · ").add(factor(r.f.table.name(r.code)), quant.RoleCode)
	case r.f.groupScales() && r.f.hasMin():
		e.text(" = "+number(r.step*float32(r.code))+" − ").add(factor(number(-r.low)), quant.RoleMin)
	case r.f.groupScales():
		e.text(" = ").add(number(r.step), quant.RoleScale).text(" · ").add(factor(integer(r.code-r.f.zero)), quant.RoleCode)
	}
	e.text(" = " + number(r.value))
	if r.f.origin != nil {
		r.f.origin(r, &e)
	}
	return e
}

// product writes d · (sc − scaleZero) · (q − zero).
func (r *reading) product(e *terms, d, scale, code string) {
	e.add(d, quant.RoleScale).text(" · ")
	switch {
	case r.f.scaleZero != 0:
		e.text("(").add(scale, quant.RoleScale).text(" − " + integer(r.f.scaleZero) + ") · ")
	case r.f.groupScales():
		e.add(scale, quant.RoleScale).text(" · ")
	}
	if t := r.f.table; t != nil {
		e.text(t.before).add(code, quant.RoleCode).text(t.after)
		return
	}
	if r.f.zero == 0 {
		e.add(code, quant.RoleCode)
		return
	}
	e.text("(").add(code, quant.RoleCode).text(" − ").add(integer(r.f.zero), quant.RoleZero).text(")")
}

// minimum writes − dmin · m, or + m where it is the block's own.
func (r *reading) minimum(e *terms, dmin, m, own string) {
	switch {
	case !r.f.hasMin():
	case r.f.groupScales():
		e.text(" − ").add(dmin, quant.RoleMin).text(" · ").add(m, quant.RoleMin)
	default:
		e.text(" + ").add(own, quant.RoleMin)
	}
}

// groupScales says whether groups have scales of their own that multiply the
// block's.
func (f *format) groupScales() bool {
	for i := range f.layout {
		p := &f.layout[i]
		if _, isFloat := p.kind.float(0); p.role == quant.RoleScale && !isFloat {
			return true
		}
	}
	return false
}

// scaleText prints a scale as it is called, past float32's range too.
func (r *reading) scaleText(scale float32) string {
	if t := r.f.table; t != nil && t.doubled {
		return digits(2 * float64(scale))
	}
	return number(scale)
}

// terms builds a formula.
type terms []quant.Term

func (e *terms) add(text string, role quant.Role) *terms {
	*e = append(*e, quant.Term{Text: text, Role: role})
	return e
}

// text adds plain text, joined to what is plain before it.
func (e *terms) text(text string) *terms {
	if n := len(*e); n > 0 && (*e)[n-1].Role == quant.RoleText {
		(*e)[n-1].Text += text
		return e
	}
	return e.add(text, quant.RoleText)
}

// number prints five digits of v, with a typographic minus.
func number(v float32) string { return digits(float64(v)) }

func digits(v float64) string {
	switch {
	case v != v:
		return "NaN"
	case v > math.MaxFloat64:
		return "∞"
	case v < -math.MaxFloat64:
		return "−∞"
	}
	return strings.ReplaceAll(strconv.FormatFloat(v, 'g', 5, 64), "-", "−")
}

// factor puts brackets around a number with a sign, to stand after an operator.
func factor(number string) string {
	if strings.HasPrefix(number, "−") {
		return "(" + number + ")"
	}
	return number
}

// integer prints v with a typographic minus.
func integer(v int32) string {
	return strings.ReplaceAll(strconv.Itoa(int(v)), "-", "−")
}
