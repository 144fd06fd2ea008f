package ggml

import (
	"slices"
	"strings"

	"fewbits/quant"
)

// gridForm is how a type that stores grid points reads: a weight's code is the
// level that its coordinate stands for, with its sign, and x̂ = step · code,
// where step = d · (base + factor · sc) · unit.
type gridForm struct {
	grid         *grid
	levels       []int32 // of the coordinates
	base, factor float32
	unit         float32
	before       string // of sc in a formula
	after        string
	shifted      bool // codes are in eighths: 8 · level ± 1
}

// The forms of the scales.
var (
	form2XXS = &gridForm{grid: grid2x256, levels: levels2, base: 0.5, factor: 1, unit: 0.25, before: "(0.5 + ", after: ") / 4"}
	form2XS  = &gridForm{grid: grid2x512, levels: levels2, base: 0.5, factor: 1, unit: 0.25, before: "(0.5 + ", after: ") / 4"}
	form2S   = &gridForm{grid: grid2x1024, levels: levels2, base: 0.5, factor: 1, unit: 0.25, before: "(0.5 + ", after: ") / 4"}
	form3XXS = &gridForm{grid: grid3x256, levels: levels3XXS, base: 0.5, factor: 1, unit: 0.5, before: "(0.5 + ", after: ") / 2"}
	form3S   = &gridForm{grid: grid3x512, levels: levels3S, base: 1, factor: 2, unit: 1, before: "(1 + 2 · ", after: ")"}
	form1    = &gridForm{grid: grid1x2048, levels: levels1, base: 1, factor: 2, unit: 0.125, before: "(1 + 2 · ", after: ")", shifted: true}
)

// The levels of the coordinates. Source: the bytes of iq2xxs_grid,
// iq3xxs_grid, iq3s_grid and iq1s_grid in src/ggml-common.h.
var (
	levels1    = []int32{-1, 0, 1}
	levels2    = []int32{8, 25, 43}
	levels3XXS = []int32{4, 12, 20, 28, 36, 44, 52, 62}
	levels3S   = []int32{1, 3, 5, 7, 9, 11, 13, 15}
)

// step is the scale of a group, exact but where d is infinite or NaN.
func (f *gridForm) step(d float32, sc uint8) float32 {
	return float32(float32(d*(f.base+float32(f.factor*float32(sc))))) * f.unit
}

// put writes the codes of one run: those of a point, with their signs.
func (f *gridForm) put(codes []int8, place int, signs uint8) {
	p, mask := f.grid.points[place], uint16(1)<<f.grid.bits-1
	for i := range codes[:f.grid.dims] {
		q := int8(f.levels[p&mask])
		if signs>>i&1 != 0 {
			q = -q
		}
		codes[i] = q
		p >>= f.grid.bits
	}
}

// putShifted is put for types without signs: 8 · level + shift.
func (f *gridForm) putShifted(codes []int8, place int, shift int8) {
	p := f.grid.points[place]
	for i := range codes[:8] {
		codes[i] = int8(p&3)*8 - 8 + shift
		p >>= 2
	}
}

// shift is 1 or −1, the eighths that a bit stands for.
func shift(minus bool) int8 {
	if minus {
		return -1
	}
	return 1
}

// gridReading is what a block says about one weight.
type gridReading struct {
	f      *gridForm
	d      float32
	sc     int32
	place  int32
	coord  int  // which coordinate of the point
	minus  bool // the sign, or that of the shift
	level  int32
	code   int32
	step   float32
	value  float32
	coords []int32 // levels of the whole point
}

// openGrid writes what the block b says about its weight k, reading it bit by bit
// through the layout.
func (f *format) openGrid(o *quant.Opened, b []byte, k int) {
	g := f.grid
	r := &gridReading{f: g, coord: k % g.grid.dims}
	for i := range f.layout {
		p := &f.layout[i]
		v := bits(b, p.own(k))
		switch {
		case p.kind == half:
			r.d = fromHalf(uint16(v))
		case p.kind == sign:
			r.minus = odd(v)
		case p.role == quant.RoleScale:
			r.sc = int32(v)
		default:
			r.place |= int32(v) << p.shift
		}
	}
	p := g.grid.points[r.place]
	for range g.grid.dims {
		r.coords = append(r.coords, g.levels[p&(1<<g.grid.bits-1)])
		p >>= g.grid.bits
	}
	r.level = r.coords[r.coord]
	r.code = g.code(r.level, r.minus)
	r.step = g.step(r.d, uint8(r.sc))
	r.value = r.step * float32(r.code)
	o.Value, o.Code = r.value, r.code
	o.Levels = r.levels()
	o.Formula = r.formula()
}

// code is a level with its sign, or in eighths with the sign of the shift.
func (f *gridForm) code(level int32, minus bool) int32 {
	switch {
	case f.shifted:
		return 8*level + int32(shift(minus))
	case minus:
		return -level
	}
	return level
}

// levels are the values that the group's weights can take, rising.
func (r *gridReading) levels() []float32 {
	var values []float32
	for _, minus := range []bool{true, false} {
		for _, level := range r.f.levels {
			if v := r.step * float32(r.f.code(level, minus)); v == v {
				values = append(values, v)
			}
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// formula writes x̂ = ±d · (0.5 + sc) / 4 · g, or d · (1 + 2 · sc) · (g ± 1/8),
// with its numbers, and says which point g is from.
func (r *gridReading) formula() []quant.Term {
	var e terms
	e.text("x̂ = ")
	r.product(&e, "d", "sc", "g", "1/8")
	e.text(" = ")
	r.product(&e, factor(number(r.d)), integer(r.sc), factor(integer(r.level)), "0.125")
	e.text(" = " + number(r.value) + "; g is value " + integer(int32(r.coord+1)) + " of grid point ")
	e.add(integer(r.place), quant.RoleCode)
	var list []string
	for _, c := range r.coords {
		list = append(list, integer(c))
	}
	e.text(": " + strings.Join(list, " "))
	return e
}

func (r *gridReading) product(e *terms, d, sc, level, shift string) {
	if r.minus && !r.f.shifted {
		e.add("−", quant.RoleSign)
	}
	e.add(d, quant.RoleScale).text(" · "+r.f.before).add(sc, quant.RoleScale).text(r.f.after + " · ")
	if !r.f.shifted {
		e.add(level, quant.RoleCode)
		return
	}
	e.text("(").add(strings.Trim(level, "()"), quant.RoleCode).add(" "+signText(r.minus)+" "+shift, quant.RoleZero).text(")")
}

// odd says whether an odd number of bits is set.
func odd(v uint32) bool {
	minus := false
	for ; v != 0; v &= v - 1 {
		minus = !minus
	}
	return minus
}

func signText(minus bool) string {
	if minus {
		return "−"
	}
	return "+"
}

// evenSigns are the bits of the sign of weight k, where seven are stored for
// eight weights: its own, or, of the eighth, all seven, whose parity it is.
func evenSigns(first func(run int) int) (all, own func(int) []quant.Span) {
	all = func(run int) []quant.Span { return []quant.Span{{First: first(run), Bits: 7}} }
	own = func(k int) []quant.Span {
		if k%8 == 7 {
			return all(k / 8)
		}
		return []quant.Span{{First: first(k/8) + k%8, Bits: 1}}
	}
	return all, own
}

// parity is seven signs with the eighth, which makes an even number minus.
// Source: ksigns_iq2xs.
func parity(signs uint8) uint8 {
	signs &= 127
	if odd(uint32(signs)) {
		signs |= 128
	}
	return signs
}
