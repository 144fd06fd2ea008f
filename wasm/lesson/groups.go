package lesson

import (
	"fmt"
	"strconv"

	"fewbits/quant"
)

// The matrix of the groups widget.
const groupRows, groupCols = 64, 128

// sharings are how many values may share a scale, from all to few.
var sharings = []struct {
	id, name string
	o        quant.Options
}{
	{"tensor", "the tensor", quant.Options{Granularity: quant.PerTensor}},
	{"channel", "a row", quant.Options{Granularity: quant.PerChannel}},
	{"64", "64 values", ofGroup(64)},
	{"32", "32 values", ofGroup(32)},
	{"16", "16 values", ofGroup(16)},
}

func ofGroup(n int) quant.Options {
	return quant.Options{Granularity: quant.PerGroup, Group: n}
}

// groupsWidget lets ever fewer values share a scale.
var groupsWidget = Widget{
	ID: "groups",
	Controls: []Control{
		choice("share", "One scale for", "tensor", "the tensor", "channel", "each row", "64", "64 values", "32", "32 values", "16", "16 values"),
		bits("4"),
		choice("scale", "A scale takes", "f16", "16 bits", "f32", "32 bits"),
		choice("sym", "Zero points", "yes", "none (symmetric)", "no", "one each, 8 bits"),
	},
	Draw: drawGroups,
}

func drawGroups(v Values) ([]Part, error) {
	x := channels(groupRows, groupCols)
	var loss, cost []Bar
	say, price := "", ""
	var bits []Bits
	for _, s := range sharings {
		o := s.o
		o.Symmetric = v["sym"] == "yes"
		o.ScaleType = quant.ScaleType(v["scale"])
		q, err := quantize("INT"+v["bits"], o, x, groupCols)
		if err != nil {
			return nil, err
		}
		now, db, bpw := s.id == v["share"], sqnr(x, q.rec), q.packed.BitsPerWeight()
		loss = append(loss, Bar{s.name, db, now})
		cost = append(cost, Bar{s.name, bpw, now})
		if !now {
			continue
		}
		n := len(x) / max(1, len(q.params.Scales))
		say = fmt.Sprintf("With a scale for %s the signal is %s dB above the error.", s.name, num(db, 3))
		price = fmt.Sprintf("%s bits of code and the scale's share come to %s bits per weight.", v["bits"], num(bpw, 5))
		bits = blockBits(v, min(n, groupRows*groupCols))
	}
	return []Part{
		{Name: "How far the signal stands above the error", Say: say, Bars: &Bars{Rows: loss, Unit: "dB", Digits: 1}},
		{Name: "What a weight costs", Say: price, Bars: &Bars{Rows: cost, Unit: "bits per weight", Digits: 3}},
		{Name: "One block", Say: blockSay(bits), Bits: bits},
	}, nil
}

// blockBits is a block of n codes; of many codes it shows the first.
func blockBits(v Values, n int) []Bits {
	scale, width := 16, v.Int("bits")
	if v["scale"] == "f32" {
		scale = 32
	}
	out := []Bits{{Name: "scale", Role: "scale", Bits: zeros(scale), Text: strconv.Itoa(scale) + " bits"}}
	if v["sym"] != "yes" {
		out = append(out, Bits{Name: "zero point", Role: "zero", Bits: zeros(8), Text: "8 bits"})
	}
	return append(out, Bits{Name: plural(n, "code"), Role: "code", Bits: zeros(min(n*width, 64)), Text: fmt.Sprintf("%s × %d bits", whole(n), width)})
}

func blockSay(bits []Bits) string {
	s := ""
	for i, b := range bits {
		if i > 0 {
			s += " + "
		}
		s += b.Text
	}
	return s + "."
}

// zeros are n cells without a value.
func zeros(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	return string(b)
}
