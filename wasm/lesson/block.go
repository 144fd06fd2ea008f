package lesson

import (
	"fmt"
	"math/rand/v2"

	"fewbits/quant"
)

// maxCells is how many bits of a field are drawn one by one; a longer one is
// cut where it begins and says so.
const maxCells = 64

// blockFields are the fields of an opened block, each with its bits.
func blockFields(o *quant.Opened) []Bits {
	out := make([]Bits, 0, len(o.Fields))
	for _, f := range o.Fields {
		spans := f.Mine
		if len(spans) == 0 {
			spans = f.Spans
		}
		b := Bits{Name: f.Name, Role: string(f.Role), Text: f.Text}
		for _, s := range spans {
			for i := s.Bits - 1; i >= 0 && len(b.Bits) < maxCells; i-- {
				at := s.First + i
				if at/8 < len(o.Bytes) {
					b.Bits += string('0' + o.Bytes[at/8]>>(at%8)&1)
				}
			}
		}
		out = append(out, b)
	}
	return out
}

// blockWidget lets a block of weights share a scale, as formats of hardware
// do it.
var blockWidget = Widget{
	ID: "block",
	Controls: []Control{
		choice("format", "Format", "MXFP4", "MXFP4: 32 share a power of two", "NVFP4", "NVFP4: 16 share an FP8", "Q4_0", "Q4_0: 32 share an FP16", "FP8_E4M3", "FP8 E4M3: no scale at all"),
		slider("size", "All values times 2 to the power", -8, 8, 1, 0),
		slider("at", "Weight", 0, 63, 1, 3),
	},
	Draw: drawBlock,
}

func drawBlock(v Values) ([]Part, error) {
	x := draw(normal, 4*64)
	grow := float32(1)
	for range max(v.Int("size"), -v.Int("size")) {
		grow *= 2
	}
	if v.Int("size") < 0 {
		grow = 1 / grow
	}
	for i := range x {
		x[i] *= grow
	}
	var rows []Bar
	var mine *quantized
	for _, c := range []string{"MXFP4", "NVFP4", "Q4_0", "FP8_E4M3"} {
		q, err := quantize(c, quant.Options{}, x, 64)
		if err != nil {
			return nil, err
		}
		rows = append(rows, Bar{fmt.Sprintf("%s, %s bits", c, num(q.packed.BitsPerWeight(), 3)), sqnr(x, q.rec), c == v["format"]})
		if c == v["format"] {
			mine = q
		}
	}
	return openedParts(mine, v, x, Part{Name: "How far the signal stands above the error", Bars: &Bars{Rows: rows, Unit: "dB", Digits: 1},
		Say: fmt.Sprintf("%s bits a weight give %s dB on these values.", num(mine.packed.BitsPerWeight(), 4), num(sqnr(x, mine.rec), 3))})
}

// openedParts is one weight taken apart, after a part on all of them.
func openedParts(q *quantized, v Values, x []float32, first Part) ([]Part, error) {
	i := v.Int("at")
	o, err := q.open(i)
	if err != nil {
		return nil, err
	}
	levels := wide(o.Levels)
	parts := []Part{first}
	if len(levels) > 1 && levels[0] < levels[len(levels)-1] {
		pad := 0.05 * (levels[len(levels)-1] - levels[0])
		y := float64(q.rec[i])
		parts = append(parts, Part{Name: "The levels of its block", Say: fmt.Sprintf("%s has %s here and becomes %s.", num(float64(x[i]), 4), plural(len(levels), "level"), num(y, 4)),
			Line: &Line{Levels: levels, Lo: min(levels[0], float64(x[i])) - pad, Hi: max(levels[len(levels)-1], float64(x[i])) + pad, Original: at(float64(x[i])), Highlight: at(y)}})
	}
	return append(parts,
		Part{Name: "Its bits", Bits: blockFields(o), Say: fmt.Sprintf("A block of %s bytes; of each field the bits that weight %d uses.", whole(len(o.Bytes)), i)},
		Part{Name: "In numbers", Terms: engineTerms(o.Formula), Say: fmt.Sprintf("What is read back of %s.", num(float64(x[i]), 4))}), nil
}

// kquantWidget takes a super-block apart.
var kquantWidget = Widget{
	ID: "kquant",
	Controls: []Control{
		choice("format", "Format", "Q2_K", "Q2_K", "Q3_K", "Q3_K", "Q4_K", "Q4_K", "Q5_K", "Q5_K", "Q6_K", "Q6_K").from("Q4_K"),
		slider("at", "Weight", 0, 255, 1, 40),
	},
	Draw: drawKQuant,
}

func drawKQuant(v Values) ([]Part, error) {
	x := draw(tailed, 256)
	q, err := quantize(v["format"], quant.Options{}, x, 256)
	if err != nil {
		return nil, err
	}
	p := q.params
	size := 256 / max(1, p.Groups)
	scales := make([]float64, 0, p.Groups)
	where := make([]float64, 0, p.Groups)
	for g := range p.Groups {
		scales, where = append(scales, float64(p.Scales[g])), append(where, float64(g))
	}
	lines := Lines{X: where, XName: "sub-block", YName: "scale", Mark: at(float64(v.Int("at") / size)), Series: []Series{{Name: "scale", Tone: "recon", Y: scales, Step: true}}}
	if len(p.Mins) > 0 {
		lines.Series = append(lines.Series, Series{Name: "minimum, below 0", Tone: "b", Y: negated(p.Mins), Step: true})
	}
	return openedParts(q, v, x, Part{Name: "Scales of the sub-blocks", Lines: &lines,
		Say: fmt.Sprintf("256 weights in %d sub-blocks of %d, %s bits per weight in all. Weight %d is in sub-block %d.", p.Groups, size, num(q.packed.BitsPerWeight(), 5), v.Int("at"), v.Int("at")/size)})
}

func negated(x []float32) []float64 {
	out := wide(x)
	for i := range out {
		out[i] = -out[i]
	}
	return out
}

// kquantExercise adds up a super-block.
var kquantExercise = Exercise{ID: "kquant", Title: "A super-block, added up", Make: func(r *rand.Rand) Question {
	bits := float64(pick(r, 2, 3, 4, 5, 6))
	sub := float64(pick(r, 16, 32))
	each := float64(pick(r, 4, 6, 8))
	mins := r.IntN(2) == 0
	n := 256 / sub
	total, per, text := 256*bits+n*each+16, 1.0, "an FP16 scale for all of them"
	if mins {
		per, text = 2, "an FP16 scale and an FP16 minimum for all of them"
		total += n*each + 16
	}
	side := map[bool]string{true: "a scale and a minimum", false: "a scale"}[mins]
	a := Field{Label: "Bytes", want: total / 8, near: 0.01, other: "no. Add up codes, the scales of the sub-blocks, and what the super-block has once."}
	a.add(total, "those are bits. Eight of them are a byte.")
	a.add(256*bits/8, "those are the codes alone.")
	a.add((256*bits+n*per*each)/8, "what the super-block has once, in FP16, is missing.")
	a.add((256*bits+16*per)/8, "the scales of the sub-blocks are missing.")
	a.add((256*bits+per*each+16*per)/8, fmt.Sprintf("there are %s sub-blocks, and each has %s.", num(n, 3), side))
	if mins {
		a.add((256*bits+n*each+16*per)/8, "each sub-block has a minimum, too.")
	}
	b := Field{Label: "Bits per weight", want: total / 256, near: 0.0005, other: "no. All bits of the super-block over its 256 weights."}
	b.add(bits, "those are the bits of a code. The scales take room, too.")
	b.add(total/8/256, "those are bytes per weight.")
	b.add(bits+per*each/sub, "what the super-block has once is missing.")
	b.add(bits+per*16/256, "the scales of the sub-blocks are missing.")
	b.add(total/sub, "that divides by the weights of a sub-block.")
	return Question{
		Text:   fmt.Sprintf("A super-block has 256 codes of %s bits in sub-blocks of %s. Each sub-block has %s of %s bits, and there is %s. How many bytes is it, and how many bits does a weight cost?", num(bits, 2), num(sub, 2), side, num(each, 2), text),
		Given:  []Given{{"Codes", "256 × " + num(bits, 2) + " bits"}, {"Sub-blocks", num(n, 3)}, {"In each", fmt.Sprintf("%s × %s bits", num(per, 1), num(each, 2))}, {"Once", fmt.Sprintf("%s × 16 bits", num(per, 1))}},
		Fields: []Field{a, b},
		hints:  []string{fmt.Sprintf("The codes are 256 · %s = %s bits.", num(bits, 2), num(256*bits, 5)), fmt.Sprintf("The sub-blocks add %s · %s bits, FP16 another %s.", num(n, 3), num(per*each, 3), num(16*per, 3))},
		right:  []string{fmt.Sprintf("%s + %s + %s = %s bits. Over 256 weights that is %s.", num(256*bits, 5), num(n*per*each, 4), num(16*per, 3), num(total, 5), num(total/256, 6))},
	}
}}

// kvExercise asks for the cache of keys and values.
var kvExercise = Exercise{ID: "kv", Title: "Keys and values", Make: func(r *rand.Rand) Question {
	layers := float64(pick(r, 16, 22, 32, 40, 80))
	heads := float64(pick(r, 4, 8, 32))
	context := float64(pick(r, 1000, 2000, 4000, 8000, 32000))
	const width = 128
	want := 2 * layers * heads * width * context * 2 / 1e9
	a := Field{Label: "Gigabytes", Unit: "GB", want: want, near: want / 50, other: "no. Keys and values, for each layer, head and token, of two bytes a number."}
	a.add(want/2, "that is half of it: keys and values are both kept, and a number of FP16 has two bytes.")
	a.add(want/4, "that is a quarter: keys and values are both kept, and a number of FP16 has two bytes.")
	a.add(want*8, "those are gigabits. Eight bits are a byte.")
	a.add(want/layers, "that is one layer. Every layer has a cache of its own.")
	a.add(want/heads, "that is one head. All of them are kept.")
	a.add(want/width, "each head's key is a vector of 128 numbers.")
	a.add(want*2, "that counts something twice. Keys and values are 2, and FP16 has 2 bytes.")
	return Question{
		Text:   fmt.Sprintf("A model has %s layers, each with %s heads of keys and values, of 128 numbers each. How many gigabytes do the keys and values of %s tokens take in FP16? A gigabyte is 10⁹ bytes.", num(layers, 3), num(heads, 3), num(context, 6)),
		Given:  []Given{{"Layers", num(layers, 3)}, {"Heads", num(heads, 3) + " × 128"}, {"Tokens", num(context, 6)}},
		Fields: []Field{a},
		hints:  []string{fmt.Sprintf("A token's keys in one layer are %s · 128 numbers; its values are as many.", num(heads, 3)), fmt.Sprintf("That is 2 · %s · %s · 128 · 2 bytes a token.", num(layers, 3), num(heads, 3)), fmt.Sprintf("%s bytes a token, times %s tokens.", num(want*1e9/context, 9), num(context, 6))},
		right:  []string{fmt.Sprintf("It is %s GB. In Q8_0 it would be about half of that.", num(want, 3))},
	}
}}
