package lesson

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// TestErrorsAddUp wants rounding and clipping to make up all of the error, and
// the least of it to lie inside where tails are heavy.
func TestErrorsAddUp(t *testing.T) {
	x := draw(tailed, clipValues)
	for _, part := range []float64{0.1, 0.3, 0.6, 1} {
		l, err := clipped("INT4", x, part*largest(x))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(l.rounding+l.clipping-l.total) > 1e-5*l.total {
			t.Errorf("%v: %v and %v are not %v", part, l.rounding, l.clipping, l.total)
		}
		if part == 1 && l.clipping != 0 {
			t.Errorf("nothing is clipped, and %v is lost by it", l.clipping)
		}
	}
	say := drawn(t, "clip", Values{"bits": "4", "of": tailed})[0].Say
	if strings.Contains(say, "near 100 %") {
		t.Error(say)
	}
}

// TestNF4IsForBells wants NF4 to win on a bell curve and even levels elsewhere.
func TestNF4IsForBells(t *testing.T) {
	for _, c := range []struct {
		of   string
		wins int // row of the bars
	}{{normal, 1}, {uniform, 2}} {
		rows := drawn(t, "quantiles", Values{"of": c.of})[3].Bars.Rows
		if rows[c.wins].Value >= rows[3-c.wins].Value {
			t.Errorf("%s: %+v", c.of, rows)
		}
	}
	rows := drawn(t, "quantiles", Values{"of": twoBumps, "levels": "-1 -0.9 -0.8 -0.72 -0.66 -0.6 -0.5 -0.4 0.4 0.5 0.6 0.66 0.72 0.8 0.9 1"})[3].Bars.Rows
	if rows[0].Value >= rows[1].Value {
		t.Errorf("levels at the bumps do not beat NF4: %+v", rows)
	}
}

// TestLloyd wants the button's rule to lose ever less, and to beat NF4 whatever
// the values are.
func TestLloyd(t *testing.T) {
	for _, of := range []string{normal, uniform, twoBumps} {
		v, before := Values{"of": of}, math.Inf(1)
		for range 40 {
			parts := drawn(t, "quantiles", v)
			now := parts[3].Bars.Rows[0].Value
			if now > before*1.001 {
				t.Fatalf("%s: %v after %v", of, now, before)
			}
			before, v["levels"] = now, parts[0].Next.Value
		}
		if say := drawn(t, "quantiles", v)[0].Say; !strings.HasPrefix(say, "You beat NF4: ") {
			t.Errorf("%s: %s", of, say)
		}
	}
	if say := drawn(t, "quantiles", nil)[0].Say; !strings.HasPrefix(say, "Not yet: ") {
		t.Error(say)
	}
}

// TestScalesMove wants smoothing to help where inputs have outliers, and AWQ's
// scales to be largest for the loud inputs.
func TestScalesMove(t *testing.T) {
	w, x := layer(30)
	y := product(x, w, layerInputs)
	var off [3]float64
	for i, a := range []float64{0, 0.5, 1} {
		var err error
		if off[i], _, err = smoothed(w, x, y, a); err != nil {
			t.Fatal(err)
		}
	}
	if off[1] >= off[0] || off[1] >= off[2] {
		t.Errorf("off by %v %% at α = 0, ½, 1", off)
	}
	rows := drawn(t, "awq", nil)[1].Grid.Rows
	for _, r := range rows {
		if scale, err := strconv.ParseFloat(r.Cells[1].Text, 64); err != nil || r.Now != (scale > 1) {
			t.Errorf("%+v", rows)
		}
	}
	bars := drawn(t, "importance", nil)[0].Bars.Rows
	if bars[1].Value >= bars[0].Value {
		t.Errorf("the matrix does not help: %+v", bars)
	}
}

// TestOverheadIsTheEngines counts what the exercise of groups asks for.
func TestOverheadIsTheEngines(t *testing.T) {
	seen := 0
	for seed := range uint64(seeds) {
		q, _ := Ask("overhead", seed)
		var b, g, s, z int
		for _, v := range q.Given {
			var n int
			fmt.Sscan(v.Value, &n)
			switch v.Label {
			case "Code":
				b = n
			case "Group":
				g = n
			case "Scale":
				s = n
			case "Zero point":
				z = n
			}
		}
		o := quant.Options{Granularity: quant.PerGroup, Group: g, Symmetric: z == 0, ScaleType: quant.ScaleF32}
		if s == 16 {
			o.ScaleType = quant.ScaleF16
		}
		p, err := quantize(fmt.Sprintf("INT%d", b), o, draw(normal, 1024), 1024)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if v := q.Check([]string{fmt.Sprint(p.packed.BitsPerWeight())}); v.Kind != "right" {
			t.Errorf("seed %d: %v bits per weight: %+v", seed, p.packed.BitsPerWeight(), v)
		}
	}
	if seen == 0 {
		t.Error("nothing was counted")
	}
}

// TestSuperBlock has Q4_K as one of the questions.
func TestSuperBlock(t *testing.T) {
	f, _ := formats.Lookup("Q4_K")
	for seed := range uint64(5000) {
		q, _ := Ask("kquant", seed)
		if fmt.Sprint(q.Given) != "[{Codes 256 × 4 bits} {Sub-blocks 8} {In each 2 × 6 bits} {Once 2 × 16 bits}]" {
			continue
		}
		if v := q.Check([]string{fmt.Sprint(f.Info().BlockBytes), fmt.Sprint(f.Info().BitsPerWeight)}); v.Kind != "right" {
			t.Errorf("seed %d: %+v", seed, v)
		}
		return
	}
	t.Error("no seed asks for Q4_K")
}
