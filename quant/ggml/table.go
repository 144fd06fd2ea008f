package ggml

// table is the values that codes stand for, where these are not even steps:
// x̂ = scale · values[code].
type table struct {
	before, after string // of a code in a formula: "IQ4_NL[" and "]"
	values        []int8
	// Values are twice, and scales half of what they are called by: what is
	// computed takes halves, what is shown wholes.
	doubled bool
}

// reader reads rows with a kernel that takes the table.
func (t *table) reader(kernel func(dst []float32, src []byte, t *[16]int8)) func(dst []float32, src []byte) {
	return func(dst []float32, src []byte) { kernel(dst, src, (*[16]int8)(t.values)) }
}

// whole is a scale as it is called; without a table, or one of halves, itself.
func (t *table) whole(scale float32) float32 {
	if t == nil || !t.doubled {
		return scale
	}
	return 2 * scale
}

// name is the value of a code, printed.
func (t *table) name(code int32) string {
	v := float32(t.values[code])
	if t.doubled {
		v /= 2
	}
	return number(v)
}
