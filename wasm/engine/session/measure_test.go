package session

import (
	"slices"
	"strings"
	"testing"

	"fewbits/wasm/wire"
)

// TestMeasureTimes times both ways apart, and lets an importance matrix count.
func TestMeasureTimes(t *testing.T) {
	var s Session
	if _, err := s.load(wire.Source{Kind: "sample", Name: "outliers", Rows: 16, Cols: 512, Seed: 1}, nil); err != nil {
		t.Fatal(err)
	}
	ask := func(a wire.MeasureArgs) wire.Measured {
		t.Helper()
		r, err := s.measure(a)
		if err != nil {
			t.Fatal(err)
		}
		return r.JSON.(wire.Measured)
	}
	m := ask(wire.MeasureArgs{Format: "Q4_K", Repeat: 3})
	if m.QuantizeMs <= 0 || m.DequantizeMs < 0 || m.Elapsed != m.QuantizeMs+m.DequantizeMs {
		t.Errorf("times %v and %v, in all %v", m.QuantizeMs, m.DequantizeMs, m.Elapsed)
	}
	if once := ask(wire.MeasureArgs{Format: "Q4_K"}); once.MSE != m.MSE {
		t.Errorf("three passes end with an MSE of %v, one with %v", m.MSE, once.MSE)
	}
	weights := slices.Repeat([]float32{1, 9}, 256)
	if w := ask(wire.MeasureArgs{Format: "Q4_K", Importance: weights}); w.MSE == m.MSE {
		t.Errorf("the importance matrix changed nothing: MSE %v", w.MSE)
	}
	if w := ask(wire.MeasureArgs{Format: "Q4_K", Importance: weights[1:]}); !strings.Contains(w.Refused, "511 weights") {
		t.Errorf("refused: %q", w.Refused)
	}
	if w := ask(wire.MeasureArgs{Format: "IQ2_XXS"}); !strings.Contains(w.Refused, "needs an importance matrix") || w.Format != "IQ2_XXS" {
		t.Errorf("without the matrix that it needs: %q of %s", w.Refused, w.Format)
	}
	if w := ask(wire.MeasureArgs{Format: "IQ2_XXS", Importance: weights}); w.Refused != "" || w.MSE <= m.MSE {
		t.Errorf("with the matrix that it needs: refused %q, MSE %v", w.Refused, w.MSE)
	}
}

func TestMeasureMedian(t *testing.T) {
	for _, tt := range []struct {
		x    []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 2}, 2}} {
		if m := median(tt.x); m != tt.want {
			t.Errorf("median of %v is %v", tt.x, m)
		}
	}
}
