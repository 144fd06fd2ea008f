package lesson

import (
	"bytes"
	"context"
	"testing"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/gptq"
)

// TestReplay wants the steps to end where gptq.Solve does, and to be better
// than plain rounding where the inputs are alike.
func TestReplay(t *testing.T) {
	for _, bits := range []int{2, 3, 4} {
		for _, alike := range []float64{0, 0.5, 0.8, 0.98} {
			p, err := newReplay(bits, alike)
			if err != nil {
				t.Fatal(err)
			}
			for i := range side {
				p.column(i)
			}
			g, _ := calib.NewGram(side)
			if err := g.AddRows(context.Background(), p.x); err != nil {
				t.Fatal(err)
			}
			r, err := gptq.Solve(context.Background(), quant.Tensor{Shape: []int{side, side}, Data: p.w}, g, p.options())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.Codes, p.codes) {
				t.Errorf("%d bits, %v: codes %v, Solve has %v", bits, alike, p.codes, r.Codes)
			}
			if alike > 0.7 && p.off(p.now) >= p.off(p.plain) {
				t.Errorf("%d bits, %v: off by %v %%, plain rounding by %v %%", bits, alike, p.off(p.now), p.off(p.plain))
			}
		}
	}
}
