package gptq

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

func TestFaults(t *testing.T) {
	w, x := weights(6, 4, 32), correlated(6, 40, 32)
	nan := *x
	nan.Data = slices.Clone(x.Data)
	nan.Data[70] = float32(math.NaN())
	zero := quant.Tensor{Name: "x", Shape: []int{3, 32}, Data: make([]float32, 96)}
	narrow, few := correlated(6, 40, 16), correlated(6, 5, 32)
	flat := quant.Tensor{Name: "x", Shape: []int{32}, Data: x.Data[:32]}
	for name, tt := range map[string]struct {
		x    *quant.Tensor
		o    quant.Options
		want string
	}{
		"none":      {nil, quant.Options{}, "no activations"},
		"NaN":       {&nan, quant.Options{}, "row 2, column 6"},
		"all 0":     {&zero, quant.Options{}, "all 0"},
		"16 inputs": {narrow, quant.Options{}, "16 inputs"},
		"a vector":  {&flat, quant.Options{}, "tokens × inputs"},
		"1 bit":     {x, quant.Options{Bits: 1}, "bits=1"},
		"9 bits":    {x, quant.Options{Bits: 9}, "bits=9"},
		"group":     {x, quant.Options{Group: -2}, "group=-2"},
		"block":     {x, quant.Options{Block: 1 << 20}, "block="},
		"few":       {few, quant.Options{Damp: quant.Some(0.0)}, "not positive definite"},
		"damp":      {x, quant.Options{Damp: quant.Some(-1.0)}, "damp=-1"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.o.Activations = tt.x
			if _, err := Format.Quantize(w, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Format.QuantizeContext(ctx, w, quant.Options{Activations: x}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestHardValues wants finite results of all that is finite.
func TestHardValues(t *testing.T) {
	x := correlated(7, 50, 24)
	for _, v := range []float32{0, math.SmallestNonzeroFloat32, 1e-40, 1e-30, 1, 1e30, math.MaxFloat32 / 4} {
		for _, sym := range []bool{false, true} {
			t.Run(fmt.Sprint(v, sym), func(t *testing.T) {
				w := weights(7, 3, 24)
				for i := range w.Data {
					w.Data[i] = v * float32(1-2*(i%3))
				}
				p, err := Format.Quantize(w, quant.Options{Activations: x, Symmetric: sym, Group: 8})
				var row *quant.RowError
				if errors.As(err, &row) && v > 1e37 {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				back := make([]float32, w.Len())
				if err := Format.Dequantize(p, back); err != nil || quant.CheckFinite(quant.Tensor{Shape: w.Shape, Data: back}) != nil {
					t.Errorf("%v, %v", back, err)
				}
			})
		}
	}
}

// TestPositive: the symmetric grid of weights that are all positive is whole.
func TestPositive(t *testing.T) {
	w := weights(8, 3, 32)
	for i, v := range w.Data {
		w.Data[i] = max(v, -v)
	}
	back, err := Round(w, quant.Options{Symmetric: true, Bits: 8})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range w.Data {
		if math.Abs(float64(back[i]-v)) > 0.002 {
			t.Errorf("%v became %v", v, back[i])
		}
	}
}
