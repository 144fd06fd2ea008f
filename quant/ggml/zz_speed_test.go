package ggml

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"fewbits/quant"
	"fewbits/quant/internal/libggml"
)

func TestSpeed(t *testing.T) {
	only := os.Getenv("SPEED")
	if only == "" {
		t.Skip()
	}
	const cols, rows = 4096, 4
	x := make([]float32, rows*cols)
	samples[0].fill(rand.New(rand.NewPCG(1, 1)), x)
	_, importance := matrices(cols)
	lib, err := libggml.Open("")
	native := err == nil
	best := func(f func()) float64 {
		m := 1e9
		end := time.Now().Add(400 * time.Millisecond)
		for time.Now().Before(end) {
			s := time.Now()
			f()
			m = min(m, time.Since(s).Seconds())
		}
		return rows * cols / m / 1e6
	}
	for _, f := range all {
		n := f.typ().Name
		if len(n) < 4 || n[0] != 'Q' || n == "Q1_0" || n == "Q2_0" {
			continue
		}
		tensor := quant.Tensor{Shape: []int{rows, cols}, Data: x}
		p, err := f.Quantize(tensor, quant.Options{})
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, len(x))
		var a [3]float64
		if native {
			a[0] = best(func() { lib.Quantize(f.id, x, rows, cols, nil) })
			a[1] = best(func() { lib.Quantize(f.id, x, rows, cols, importance[1]) })
			a[2] = best(func() { lib.Dequantize(f.id, p.Bytes, len(x)) })
		} else {
			a[0] = best(func() { f.Quantize(tensor, quant.Options{}) })
			a[1] = best(func() { f.Quantize(tensor, quant.Options{Importance: importance[1]}) })
			a[2] = best(func() { f.read(dst, p.Bytes) })
		}
		fmt.Printf("%v %s plain %.1f importance %.1f read %.0f\n", native, n, a[0], a[1], a[2])
	}
}
