package ggml

import "fewbits/quant"

// rounded writes the rule of a legacy type: before, the scale, after, and how
// the scale was found. nil where the scale is 0 and the codes say nothing.
func (r *reading) rounded(before, after, scale string) []quant.Term {
	if r.d == 0 {
		return nil
	}
	var e terms
	e.text(before).add(number(r.d), quant.RoleScale).text(after)
	e.text("; " + scale + ", not yet rounded to 16 bits")
	return e
}

// ruleRange is the rule of the legacy types with a minimum.
func ruleRange(r *reading, importance bool) []quant.Term {
	if r.d == 0 || importance {
		return nil
	}
	var e terms
	e.text("q = ⌊(x − m) / d + 0.5⌋ = ⌊(x − ").add(factor(number(r.m)), quant.RoleMin).text(") / ")
	e.add(number(r.d), quant.RoleScale).text(" + 0.5⌋; m = min x, d = (max x − m) / ")
	e.text(integer(1<<r.f.bits-1) + ", not yet rounded to 16 bits")
	return e
}

// ruleGroup is the rule of the K-quants: the search settles the scales, and
// the codes are then rounded anew with the scales that were stored. nil where
// the stored scale is 0 and the codes are those of the search.
func ruleGroup(r *reading, _ bool) []quant.Term {
	if r.step == 0 {
		return nil
	}
	var e terms
	top := 1<<r.f.bits - 1
	if r.f.hasMin() {
		e.text("q = round((x + dmin · m) / (d · sc)) = round((x + ").add(factor(number(-r.low)), quant.RoleMin).text(") / ")
		e.add(number(r.step), quant.RoleScale).text(")")
	} else {
		step := "d · sc"
		if r.f.scaleZero != 0 {
			step = "d · (sc − " + integer(r.f.scaleZero) + ")"
		}
		e.text("q = round(x / (" + step + ")) + " + integer(r.f.zero) + " = round(x / ")
		e.add(factor(number(r.step)), quant.RoleScale).text(") + ").add(integer(r.f.zero), quant.RoleZero)
	}
	e.text(", from 0 to " + integer(int32(top)))
	return e
}

// nearestEntry is the rule of the types with a table: step is the scale of a
// group in letters, tail how it was found. nil where it is 0 and the codes say
// nothing.
func (r *reading) nearestEntry(step, tail string) []quant.Term {
	if r.step == 0 {
		return nil
	}
	var e terms
	t := r.f.table
	e.text("q = the code whose "+t.before).add("q", quant.RoleCode).text(t.after + " is nearest x / " + step + " = x / ")
	e.add(factor(r.scaleText(r.step)), quant.RoleScale).text(tail)
	return e
}
