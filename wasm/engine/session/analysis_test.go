package session

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fewbits/quant/formats"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// cuts are formats of every way to come apart, on rows of so many values.
var cuts = []struct {
	format, options string
	cols            int
	how             cutting
}{
	{"INT8", "", 768, cutRange},
	{"INT3", "sym=true", 100, cutRange},
	{"INT5", "scale=f16 rounding=away", 1001, cutRange},
	{"INT6", "rounding=stochastic seed=9", 768, cutRange},
	{"INT8", "range=percentile", 768, cutNot},
	{"INT4", "granularity=channel", 1000, cutRows},
	{"INT4", "granularity=channel axis=1", 768, cutNot},
	{"INT3", "group=40", 1000, cutRows},
	{"INT4", "group=32 rounding=stochastic seed=5", 768, cutRows},
	{"INT4", "group=-1", 768, cutRows},
	{"NF4", "", 768, cutBlocks},
	{"NF4", "", 1001, cutBlocks},
	{"FP4", "block=4096", 768, cutBlocks},
	{"NF4", "nested=true", 768, cutNot},
	{"Q4_K", "", 768, cutRows},
	{"Q8_0", "", 1024, cutRows},
	{"FP16", "", 1001, cutRows},
	{"FP8_E4M3", "", 768, cutRows},
}

func optionsOf(text string) map[string]string {
	m := map[string]string{}
	for _, kv := range strings.Fields(text) {
		k, v, _ := strings.Cut(kv, "=")
		m[k] = v
	}
	return m
}

// TestPiecesAreTheWhole holds what came of pieces against the whole at once.
func TestPiecesAreTheWhole(t *testing.T) {
	for _, c := range cuts {
		t.Run(fmt.Sprint(c.format, " ", c.options, " of ", c.cols), func(t *testing.T) {
			rows := 300_000 / c.cols
			x := bell(rows * c.cols)
			s := loaded(t, []int{rows, c.cols}, x)
			options := optionsOf(c.options)
			a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: c.format, Options: options, Row: rows - 1, Col: 7})
			if s.last.how != c.how {
				t.Errorf("it comes apart in way %d, want %d", s.last.how, c.how)
			}
			p, y := plain(t, c.format, options, []int{rows, c.cols}, x)
			if !bytes.Equal(p.Bytes, s.last.packed.Bytes) || p.Options.Seed != s.last.packed.Options.Seed {
				t.Fatal("the pieces are not the whole")
			}
			checkArrays(t, a)
			checkOpened(t, a, rows-1, 7, x, p, y)
			diff := make([]float32, len(x))
			r, _, _ := metric.MeasureSub(diff, x, y, p)
			if d := a.Metrics.MSE/r.MSE - 1; d > 1e-12 || d < -1e-12 || a.Metrics.MaxAbs != r.MaxAbs || a.Metrics.Bytes != r.Bytes {
				t.Errorf("%+v, want %+v", a.Metrics.Report, r)
			}
			if h := metric.ErrorHeat(diff, rows, c.cols, heatSide, heatSide); !slices.Equal(h.Cells, a.arrays["heat"]) || h.Max != a.Heat.Max {
				t.Error("the heat map is another")
			}
			if e := metric.ErrorHistogram(diff, a.Metrics.RMSE, a.Metrics.MaxAbs); !slices.Equal(e.Counts, a.arrays["err"]) || e.First != a.Err.First {
				t.Error("the errors are counted otherwise")
			}
			f, _ := formats.Lookup(c.format)
			m, err := f.Params(p, false)
			if err != nil {
				t.Fatal(err)
			}
			if lo, hi := band(m.Scales, m.Groups); !slices.Equal(lo, a.arrays["scaleLo"]) || !slices.Equal(hi, a.arrays["scaleHi"]) {
				t.Error("the scales span another range")
			}
		})
	}
}

// TestSlicesAreShort counts what is quantized before the worker can hear that
// nobody waits any more, on a clock that a weight makes advance.
func TestSlicesAreShort(t *testing.T) {
	for _, slow := range []time.Duration{4 * time.Nanosecond, 80 * time.Nanosecond, 600 * time.Nanosecond} {
		const rows, cols = 512, 1024
		s := loaded(t, []int{rows, cols}, bell(rows*cols))
		whole := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q4_K"})
		s.Slice = 6 * time.Millisecond
		s.now = func() time.Duration {
			done := 0
			if s.busy != nil {
				done = s.busy.at * cols
			}
			return time.Duration(done) * slow
		}
		args, _ := wire.Marshal(wire.AnalyzeArgs{Format: "Q4_K"})
		r, err := s.Call(wire.OpAnalyze, args, Attachment{})
		before, most, n := 0, 0, 1
		for ; err == nil && r.More != nil; n++ {
			at := s.busy.at * cols
			most, before = max(most, at-before), at
			r, err = r.More()
		}
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Duration(most) * slow; took > 10*time.Millisecond && most > unitValues {
			t.Errorf("at %v a weight the longest of %d slices took %v", slow, n, took)
		}
		text, err := wire.Marshal(r.JSON)
		if err != nil {
			t.Fatal(err)
		}
		var a wire.Analysis
		if err := wire.Unmarshal(text, &a); err != nil {
			t.Fatal(err)
		}
		if a.Metrics != whole.Metrics {
			t.Errorf("in slices %+v, at once %+v", a.Metrics, whole.Metrics)
		}
	}
}

// TestStoppedAnalysis wants the last result to stay where a newer one is
// stopped, and its memory to be used again.
func TestStoppedAnalysis(t *testing.T) {
	const rows, cols = 512, 1024
	s := loaded(t, []int{rows, cols}, bell(rows*cols))
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q8_0"})
	want := rebuilt(t, s)[5]
	s.Slice = time.Nanosecond
	args, _ := wire.Marshal(wire.AnalyzeArgs{Format: "Q4_K"})
	if r, err := s.Call(wire.OpAnalyze, args, Attachment{}); err != nil || r.More == nil {
		t.Fatalf("nothing is left to do: %v", err)
	}
	if rebuilt(t, s)[5] != want || s.last.packed.Format != "Q8_0" {
		t.Error("the last result is gone")
	}
	s.Slice = 0
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q4_0"})
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q4_0"})
	a, spare := &s.last.packed.Bytes[0], &s.spare[:1][0]
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q4_0"})
	if &s.last.packed.Bytes[0] != spare || &s.spare[:1][0] != a {
		t.Error("the two buffers do not take turns")
	}
}

// TestFormatsInTurn wants no memory that formats use after one another in a
// session to be two things at once.
func TestFormatsInTurn(t *testing.T) {
	const rows, cols = 300, 1024
	x := bell(rows * cols)
	s := loaded(t, []int{rows, cols}, x)
	turns := []struct{ format, options string }{{"Q4_K", ""}, {"NF4", ""}, {"NF4", "block=128"}, {"INT4", ""}, {"Q8_0", ""}, {"FP4", ""}, {"INT4", "group=32"}}
	for range 3 {
		for _, turn := range turns {
			args := wire.AnalyzeArgs{Format: turn.format, Options: optionsOf(turn.options)}
			alone := loaded(t, []int{rows, cols}, x)
			want, got := mustAnalyze(t, alone, args), mustAnalyze(t, s, args)
			sameAnswer(t, got, want, s, alone)
		}
	}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q4_K"})
	want := bytes.Clone(s.last.packed.Bytes)
	s.Slice = time.Nanosecond
	args, _ := wire.Marshal(wire.AnalyzeArgs{Format: "NF4"})
	for r, err := s.Call(wire.OpAnalyze, args, Attachment{}); ; r, err = r.More() {
		if err != nil {
			t.Fatal(err)
		}
		if r.More == nil {
			break
		}
		if s.last.packed.Format == "Q4_K" && !bytes.Equal(s.last.packed.Bytes, want) {
			t.Fatal("a newer answer writes to the bytes of the last")
		}
	}
}
