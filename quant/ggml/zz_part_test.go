package ggml

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"fewbits/kernels"
	"fewbits/quant"
)

func TestParts(t *testing.T) {
	if os.Getenv("SPEED") == "" {
		t.Skip()
	}
	x := make([]float32, 4*4096)
	samples[0].fill(rand.New(rand.NewPCG(1, 1)), x)
	dst := make([]byte, 4*4096)
	best := func(name string, f func()) {
		m := 1e9
		end := time.Now().Add(300 * time.Millisecond)
		for time.Now().Before(end) {
			s := time.Now()
			f()
			m = min(m, time.Since(s).Seconds())
		}
		fmt.Printf("%s %.3f µs\n", name, m*1e6/64)
	}
	var q [256]uint8
	var s [16]float32
	var c [16]int8
	best("row6", func() { quantizeRowQ6K(dst, x, nil) })
	best("row3", func() { quantizeRowQ3K(dst, x, nil) })
	best("row4", func() { quantizeRowQ4K(dst, x, nil) })
	best("row2", func() { quantizeRowQ2K(dst, x, nil) })
	best("finite", func() { quant.CheckFinite(quant.Tensor{Shape: []int{4, 4096}, Data: x}) })
	best("scale", func() {
		for i := 0; i < len(x); i += 256 {
			kernels.SearchScale(q[:], s[:], x[i:i+256], nil, 16, 32, kernels.WeightsSquare)
		}
	})
	best("steps", func() {
		for i := 0; i < len(x); i += 256 {
			kernels.SearchSteps(q[:], s[:], x[i:i+256])
		}
	})
	best("min4", func() {
		for i := 0; i < len(x); i += 256 {
			kernels.SearchMin(q[:], s[:8], s[8:], x[i:i+256], nil, 32, &searchQ4K)
		}
	})
	best("settle", func() {
		for i := 0; i < len(x); i += 256 {
			kernels.SettleScales(c[:], s[:], s[:], -128)
		}
	})
}
