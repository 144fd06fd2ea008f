package lesson

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/gptq"
)

// side is the rows and columns of the matrix of GPTQ's widget.
const side = 4

// gptqDamp is the damping of its Hessian, as a part of the mean diagonal.
const gptqDamp = 0.01

// gptqSeed gives weights on which the effect shows wherever the inputs are alike
// by a half or more: on so few of them plain rounding may be better by luck.
const gptqSeed = 210

// gptqWidget takes the columns of a small matrix one after the other.
var gptqWidget = Widget{
	ID: "gptq",
	Controls: []Control{
		slider("step", "Columns done", 0, side, 1, 1),
		slider("alike", "How alike the inputs are", 0, 0.98, 0.02, 0.8),
		choice("bits", "Bits", "2", "2", "3", "3", "4", "4"),
	},
	Draw: drawGPTQ,
}

// replay is GPTQ on a side × side matrix, taken step by step: the steps are
// those of gptq.Solve, with its grids and its factor of the inverse Hessian.
type replay struct {
	w, now, plain []float32 // as it was, as it stands, rounded without more
	codes         []byte
	x             []float32 // tokens × side
	u             []float32 // row j, column i: U[i][j]
	scale, zero   []float32
	bits          int
}

func newReplay(bits int, alike float64) (*replay, error) {
	r := rand.New(rand.NewPCG(gptqSeed, 1))
	p := &replay{bits: bits, w: make([]float32, side*side), x: make([]float32, 64*side), codes: make([]byte, side*side)}
	for i := range p.w {
		p.w[i] = float32(math.Round(r.NormFloat64()*40) / 100)
	}
	for t := range 64 {
		common := r.NormFloat64()
		for c := range side {
			p.x[t*side+c] = float32(alike*common + math.Sqrt(1-alike*alike)*r.NormFloat64())
		}
	}
	w, err := quant.NewTensor("w", []int{side, side}, p.w)
	if err != nil {
		return nil, err
	}
	g, err := calib.NewGram(side)
	if err != nil {
		return nil, err
	}
	if err = g.AddRows(context.Background(), p.x); err != nil {
		return nil, err
	}
	o := p.options()
	solved, err := gptq.Solve(context.Background(), w, g, o)
	if err != nil {
		return nil, err
	}
	p.scale, p.zero = solved.Scales, solved.Zeros
	if p.plain, err = gptq.Round(w, o); err != nil {
		return nil, err
	}
	h := g.Hessian()
	mean := 0.0
	for c := range side {
		mean += h[c*side+c] / side
	}
	for c := range side {
		h[c*side+c] += gptqDamp * mean
	}
	p.u, err = calib.InverseFactor(context.Background(), h, side)
	p.now = append([]float32(nil), p.w...)
	return p, err
}

func (p *replay) options() quant.Options {
	return quant.Options{Bits: p.bits, Group: -1, Damp: quant.Some(gptqDamp)}
}

// up is U[i][j].
func (p *replay) up(i, j int) float32 { return p.u[j*side+i] }

// column quantizes column i, and takes from those after it what its error asks
// for.
func (p *replay) column(i int) {
	top := float32(int(1)<<p.bits - 1)
	for r := range side {
		row := p.now[r*side:][:side]
		q := min(max(float32(math.RoundToEven(float64(row[i]/p.scale[r])))+p.zero[r], 0), top)
		p.codes[r*side+i] = byte(q)
		level := p.scale[r] * (q - p.zero[r])
		e := (row[i] - level) / p.up(i, i)
		row[i] = level
		for j := i + 1; j < side; j++ {
			row[j] -= float32(e * p.up(i, j))
		}
	}
}

// off is how far the output of w is off, in % of it.
func (p *replay) off(w []float32) float64 {
	return share(product(p.x, p.w, side), product(p.x, w, side))
}

func drawGPTQ(v Values) ([]Part, error) {
	p, err := newReplay(v.Int("bits"), v.Number("alike"))
	if err != nil {
		return nil, err
	}
	step := v.Int("step")
	var before []float32
	for i := range step {
		before = append(before[:0], p.now...)
		p.column(i)
	}
	grid := Grid{Columns: []string{"column 1", "column 2", "column 3", "column 4"}}
	for r := range side {
		row := Row{Head: fmt.Sprintf("row %d", r+1)}
		for c := range side {
			i := r*side + c
			text := num(float64(p.now[i]), 3)
			if p.now[i] != p.w[i] {
				text = num(float64(p.w[i]), 3) + " → " + text
			}
			row.Cells = append(row.Cells, Cell{Text: text, Shade: max(-1, min(1, 5*float64(p.now[i]-p.w[i]))), Mark: c < step})
		}
		grid.Rows = append(grid.Rows, row)
	}
	say := "Nothing is quantized yet. Move the first slider to 1."
	switch {
	case step == side:
		say = "All columns stand at levels. The later ones were moved before they were rounded."
	case step > 0:
		say = fmt.Sprintf("Column %d stands at levels; the columns after it moved to make up for its error.", step)
	}
	parts := []Part{{Name: "The weights", Wide: true, Grid: &grid, Say: say}, p.table(step), p.formula(step, before)}
	done := append([]float32(nil), p.now...)
	for i := step; i < side; i++ {
		p.column(i)
	}
	soFar, plain, all := p.off(done), p.off(p.plain), p.off(p.now)
	return append(parts, Part{Name: "How far the output is off", Wide: true, Bars: &Bars{Unit: "% of the output", Digits: 2, Rows: []Bar{{"as it stands", soFar, true}, {"GPTQ in the end", all, false}, {"plain rounding", plain, false}}},
		Say: fmt.Sprintf("As it stands %s %%. In the end GPTQ has %s %%, plain rounding %s %%.", num(soFar, 3), num(all, 3), num(plain, 3))}), nil
}

// table is U with the row that the column before step took its shares from.
func (p *replay) table(step int) Part {
	g := Grid{Columns: []string{"for 1", "for 2", "for 3", "for 4"}}
	for i := range side {
		row := Row{Head: fmt.Sprintf("column %d", i+1), Now: i == step-1}
		for j := range side {
			cell := Cell{Text: "·"}
			if j >= i {
				cell.Text = num(float64(p.up(i, j)), 3)
			}
			row.Cells = append(row.Cells, cell)
		}
		g.Rows = append(g.Rows, row)
	}
	say := "A row has the shares that one column hands on. U is found before anything is rounded."
	if step > 0 {
		say = fmt.Sprintf("Row %d was used last: each share is a number of it over the first, %s.", step, num(float64(p.up(step-1, step-1)), 3))
	}
	return Part{Name: "U, from the inputs", Grid: &g, Say: say}
}

// formula is how the error of the first row in the last column that was rounded
// moved the next one.
func (p *replay) formula(step int, before []float32) Part {
	const name = "In the first row"
	if step == 0 {
		return Part{Name: name, Terms: line(word("e = (w − ŵ) ∕ U")), Say: "The error of each weight, over the first number of its row of U, is what is handed on."}
	}
	i := step - 1
	w, level, u := float64(before[i]), float64(p.now[i]), float64(p.up(i, i))
	e := (w - level) / u
	terms := line(word("e = (w − ŵ) ∕ U = ("), Term{Text: num(w, 4), Role: "x"}, word(" − "), Term{Text: num(level, 4), Role: "xhat"}, word(") ∕ "), Term{Text: num(u, 4), Role: "scale"}, word(" = "), word(num(e, 4)))
	if step == side {
		return Part{Name: name, Terms: terms, Say: "Nobody comes after the last column: its error stays."}
	}
	share := float64(p.up(i, i+1))
	terms = append(terms, line(word("next weight: "), Term{Text: num(float64(before[i+1]), 4), Role: "x"}, word(" − "), word(addend(e)), word(" · "), Term{Text: addend(share), Role: "scale"}, word(" = "), Term{Text: num(float64(p.now[i+1]), 4), Role: "xhat"})...)
	return Part{Name: name, Terms: terms, Say: "U comes from the inputs: where they are alike, a neighbour can stand in."}
}

// gptqExercise makes up for one rounding error in the next weight.
var gptqExercise = Exercise{ID: "gptq", Title: "Make up for it", Make: func(r *rand.Rand) Question {
	step := pick(r, 0.1, 0.2, 0.5)
	k := float64(1 + r.IntN(6))
	off := pick(r, -0.4, -0.3, 0.3, 0.4)
	w := (k + off) * step
	level := k * step
	next := step * (float64(r.IntN(7)-3) + 0.1)
	share := pick(r, 0.25, 0.5, 0.75)
	moved := next + (w-level)*share
	a := Field{Label: "Error", want: w - level, near: step / 500, other: "no. It is the weight less the level it is rounded to."}
	a.add(level-w, "the sign is the other way round: weight less level.")
	a.add(w, "that is the weight. How far is it from its level?")
	a.add(level, "that is the level. How far is the weight from it?")
	a.add((w-level)*share, "that is what the next weight takes over.")
	b := Field{Label: "Next weight", want: moved, near: step / 500, other: "no. It takes over that share of the error: what is missing now is added to it."}
	b.add(next-(w-level)*share, "the sign is the other way round: what the first one lost, the next one makes up for.")
	b.add(next+(w-level), "that takes over all of the error. Only a share of it helps.")
	b.add(next, "that is as before. It has to make up for the error.")
	b.add((w-level)*share, "that is what it changes by.")
	b.add(next*share, "the share is of the error, not of the weight.")
	return Question{
		Text:   fmt.Sprintf("Levels lie %s apart. The weight %s is rounded to %s. The inputs say that the next weight, %s, can make up for the share %s of the error. What is the error, and what becomes of the next weight before it is rounded itself?", num(step, 3), num(w, 4), num(level, 4), num(next, 4), num(share, 3)),
		Given:  []Given{{"Weight", num(w, 4)}, {"Its level", num(level, 4)}, {"Next", num(next, 4)}, {"Share", num(share, 3)}},
		Fields: []Field{a, b},
		hints:  []string{fmt.Sprintf("The error is %s − %s.", num(w, 4), num(level, 4)), fmt.Sprintf("Add %s of it to %s.", num(share, 3), num(next, 4))},
		right:  []string{"Where two inputs are alike, their sum hardly notices which weight carries it. In GPTQ the share is a quotient of two numbers of U."},
	}
}}
