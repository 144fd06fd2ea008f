package session

import (
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/wasm/wire"
)

func TestNonFinite(t *testing.T) {
	const rows, cols = 4, 256
	x := bell(rows * cols)
	x[cols+5], x[2*cols] = float32(math.NaN()), float32(math.Inf(-1))
	s := loaded(t, []int{rows, cols}, x)
	for _, f := range formats.All() {
		info := f.Info()
		t.Run(info.Name, func(t *testing.T) {
			a, err := analyzed(s, wire.AnalyzeArgs{Format: info.Name, Row: 1, Col: 5})
			if info.Family != quant.FamilyFloat {
				if err == nil || info.Importance != quant.Required && !strings.Contains(err.Error(), "row 1, column 5 is NaN; there are 1 NaN and 1 infinite") {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkArrays(t, a)
			if a.Metrics.NonFinite != 2 || a.Metrics.Values != len(x) || math.IsInf(float64(a.Metrics.SQNR), 0) != (info.Bits == 32) {
				t.Errorf("%+v", a.Metrics)
			}
			if n := total(a.arrays["err"]); n != len(x)-2 {
				t.Errorf("the error's histogram counts %d values", n)
			}
			for _, name := range []string{"heat", "err", "hist"} {
				if i := slices.IndexFunc(a.arrays[name], func(v float32) bool { return v-v != 0 }); i >= 0 {
					t.Errorf("%s[%d] is %v", name, i, a.arrays[name][i])
				}
			}
		})
	}
	t.Run("stats", func(t *testing.T) {
		if st := describe(s.tensor, "F32"); st.NonFinite != 2 || st.Min < -1 || st.Max > 1 || math.IsNaN(st.Mean+st.Std) {
			t.Errorf("%+v", st)
		}
	})
	t.Run("nothing else", func(t *testing.T) {
		s := loaded(t, []int{2}, []float32{float32(math.NaN()), float32(math.Inf(1))})
		a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "FP16"})
		checkArrays(t, a)
		if a.Metrics.NonFinite != 2 || a.Metrics.MSE != 0 {
			t.Errorf("%+v", a.Metrics)
		}
	})
	t.Run("too large for the format", func(t *testing.T) {
		s := loaded(t, []int{4}, []float32{1, 1e6, -2, 0.1})
		a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "FP16"})
		checkArrays(t, a)
		if a.Metrics.NonFinite != 1 || a.Metrics.MaxAbs > 1e-4 || a.Heat.Max > 1e-4 {
			t.Errorf("%+v, heat %+v", a.Metrics, a.Heat)
		}
	})
}

func TestClippingShare(t *testing.T) {
	const rows, cols = 4, 128
	x := bell(rows * cols)
	s := loaded(t, []int{rows, cols}, x)
	options := map[string]string{"granularity": "channel", "range": "percentile", "percentile": "90", "sym": "true"}
	a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT6", Options: options})
	_, y := plain(t, "INT6", options, []int{rows, cols}, x)
	var beyond, all float64
	for r := range rows {
		top := 0.0 // of what the row became
		for c := range cols {
			top = max(top, math.Abs(float64(y[r*cols+c])))
		}
		for c := range cols {
			i := r*cols + c
			e := float64(y[i]) - float64(x[i])
			all += e * e
			if math.Abs(float64(x[i])) > top*(1+0.5/31) {
				beyond += e * e
			}
		}
	}
	if got, want := a.Metrics.Clipping, beyond/all; want < 0.5 || math.Abs(got-want) > 1e-3 {
		t.Errorf("clipping is %v of the error, want %v", got, want)
	}
}
