package page

import (
	"encoding/csv"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// comparing is a page in Compare whose first measurement is under way.
func comparing(t *testing.T) (*State, Call) {
	t.Helper()
	s, _, _ := loaded(t)
	c := calls(s.Update(Went{"#/compare"}))
	if len(c) != 1 || c[0].Op != wire.OpMeasure || c[0].Lane != "b" || c[0].Latest {
		t.Fatalf("Compare asked for %+v", c)
	}
	return s, c[0]
}

// measured is an answer whose error shrinks by 6 dB a bit.
func measured(a wire.MeasureArgs, bits, elapsed float64) wire.Measured {
	m := wire.Measured{Elapsed: elapsed}
	rel := math.Exp2(-bits)
	m.Report = metric.Report{Format: a.Format, Values: 65536, BitsPerWeight: bits, RelRMSE: rel, MaxAbs: 3 * rel,
		SQNR: metric.Decibel(-20 * math.Log10(rel)), Cosine: 1 - rel*rel}
	if a.Format == "FP32" {
		m.RelRMSE, m.MaxAbs, m.SQNR, m.Cosine = 0, 0, metric.Decibel(math.Inf(1)), 1
	}
	return m
}

// finish answers until nothing is asked for, and gives what was asked.
func finish(t *testing.T, s *State, c Call, reply func(wire.MeasureArgs) wire.Measured) []wire.MeasureArgs {
	t.Helper()
	var asked []wire.MeasureArgs
	for len(asked) < 1000 {
		args := c.Args.(wire.MeasureArgs)
		asked = append(asked, args)
		next := calls(answer(t, s, c, reply(args)))
		if len(next) == 0 {
			return asked
		}
		if len(next) > 1 {
			t.Fatalf("%d requests at once", len(next))
		}
		c = next[0]
	}
	t.Fatal("measuring does not end")
	return nil
}

func bitsOf(s *State, a wire.MeasureArgs) float64 {
	b := float64(s.Format(a.Format).Bits)
	switch a.Options["granularity"] {
	case "group":
		if a.Options["group"] == "32" {
			return b + 0.75
		}
		return b + 0.25
	case "channel":
		return b + 0.1
	}
	return b
}

func TestCompareMeasuresEveryWayOnce(t *testing.T) {
	s, first := comparing(t)
	asked := finish(t, s, first, func(a wire.MeasureArgs) wire.Measured { return measured(a, bitsOf(s, a), 400) })
	seen := map[string]int{}
	for _, a := range asked {
		seen[a.Format+fmt.Sprint(a.Options)]++
		if a.Sample != 1<<20 {
			t.Errorf("%s was measured on %d values", a.Format, a.Sample)
		}
	}
	if want := 3*4 + 4 + 2; len(asked) != want || len(seen) != want {
		t.Errorf("%d requests for %d ways, want %d of each: %v", len(asked), len(seen), want, seen)
	}
	done, all, ms := s.Progress()
	if done != all || ms != 400*float64(all) || s.Compare.Running {
		t.Errorf("%d of %d in %v ms, running %v", done, all, ms, s.Compare.Running)
	}
	if more := s.Update(Went{"#/compare"}); len(calls(more)) != 0 {
		t.Errorf("the same tensor is measured again: %v", more)
	}
}

func TestShortTimesAreTakenSeveralTimes(t *testing.T) {
	s, first := comparing(t)
	n := 0.0
	reply := func(a wire.MeasureArgs) wire.Measured {
		n++
		return measured(a, bitsOf(s, a), 100/n) // ever faster: the last run is the best
	}
	finish(t, s, first, reply)
	for _, b := range s.Bars() {
		m := s.Compare.results[b.Name]
		if m.runs != timedRuns && m.spent < timedMillis {
			t.Errorf("%s was run %d times in %v ms", b.Name, m.runs, m.spent)
		}
		if want := 65536 / m.Best / 1000; b.Value == nil || math.Abs(*b.Value-want) > 1e-9 || m.Best >= m.Elapsed {
			t.Errorf("%s: %v, want %v", b.Name, b.Value, want)
		}
	}
	if m := s.Compare.results["Q4_0"]; m.runs != 1 {
		t.Errorf("Q4_0 is in no chart and was run %d times", m.runs)
	}

	before := *s.Compare.results["Q4_K"]
	again := calls(s.Update(MeasuredAgain{}))
	if len(again) != 1 {
		t.Fatalf("Measure again asked for %v", again)
	}
	n = 0
	asked := finish(t, s, again[0], func(a wire.MeasureArgs) wire.Measured { n++; return measured(a, bitsOf(s, a), 500) })
	if len(asked) != len(s.Bars()) {
		t.Errorf("Measure again ran %d ways, there are %d bars", len(asked), len(s.Bars()))
	}
	if got := s.Compare.results["Q4_K"]; got.Best != 500 || before.Best >= 500 {
		t.Errorf("the time of Q4_K is %v after it took 500 ms, before %v", got.Best, before.Best)
	}
}

func TestCompareStopsAndGoesOn(t *testing.T) {
	s, first := comparing(t)
	s.Update(Went{"#/learn"})
	if out := answer(t, s, first, measured(first.Args.(wire.MeasureArgs), 8, 1)); len(out) != 0 || s.Compare.Running {
		t.Fatalf("measuring goes on outside the view: %v", out)
	}
	if done, _, _ := s.Progress(); done != 1 {
		t.Errorf("the answer was dropped")
	}
	next := calls(s.Update(Went{"#/compare"}))
	if len(next) != 1 || next[0].Args.(wire.MeasureArgs).Options["granularity"] != "channel" {
		t.Fatalf("coming back asked for %+v", next)
	}
	if again := s.Update(Went{"#/compare"}); len(again) != 0 {
		t.Errorf("two at once: %v", again)
	}

	// Another tensor: what is under way is dropped, everything is measured anew.
	load := calls(s.Update(SampleChosen{Name: "normal"}))[0]
	out := calls(answer(t, s, load, wire.TensorStats{Name: "normal", Rows: 128, Cols: 512, Values: 65536}))
	i := slices.IndexFunc(out, func(c Call) bool { return c.Op == wire.OpMeasure })
	if i < 0 {
		t.Fatalf("another tensor asked for %v", out)
	}
	if j := slices.IndexFunc(out, func(c Call) bool { return c.Op == wire.OpLoad && c.Lane == "b" }); j < 0 || j > i {
		t.Errorf("measured before the worker has the tensor: %v", out)
	}
	if more := answer(t, s, next[0], measured(next[0].Args.(wire.MeasureArgs), 8, 1)); len(more) != 0 || len(s.Compare.results) != 0 {
		t.Errorf("an answer on the tensor before was kept")
	}
	if more := calls(answer(t, s, out[i], measured(out[i].Args.(wire.MeasureArgs), 8, 1))); len(more) != 1 {
		t.Errorf("measuring the new tensor stopped")
	}
}

func TestCompareFault(t *testing.T) {
	s, first := comparing(t)
	s.Update(Fault{ID: first.ID, Message: "the worker stopped"})
	if s.Compare.Fault == "" || s.Compare.Running {
		t.Fatal("the fault is not told")
	}
	if out := s.Update(Went{"#/compare"}); len(out) != 0 {
		t.Errorf("the way that failed is tried again unasked: %v", out)
	}
	next := calls(s.Update(MeasuredAgain{}))
	if len(next) != 1 || s.Compare.Fault != "" || next[0].Args.(wire.MeasureArgs).Options["granularity"] != "channel" {
		t.Fatalf("after a fault it goes on with %+v", next)
	}
	if r := s.Refusals(); len(r) != 1 || r[0].Reason != "the worker stopped" || !slices.Equal(r[0].Names, []string{"INT8 per tensor"}) {
		t.Errorf("the way given up is told as %+v", r)
	}
}

// TestCompareFaultOfAnotherTensor leaves what is under way alone.
func TestCompareFaultOfAnotherTensor(t *testing.T) {
	s, old := comparing(t)
	load := calls(s.Update(SampleChosen{Name: "uniform"}))[0]
	var now Call
	for _, c := range calls(answer(t, s, load, wire.TensorStats{Name: "uniform", Rows: 128, Cols: 512, Values: 65536})) {
		if c.Op == wire.OpMeasure {
			now = c
		}
	}
	if now.ID == 0 {
		t.Fatal("the new tensor is not measured")
	}
	s.Update(Fault{ID: old.ID, Message: "the worker stopped"})
	if s.Compare.Fault != "" || !s.Compare.Running {
		t.Errorf("running %v, fault %q", s.Compare.Running, s.Compare.Fault)
	}
}

func TestNowIsMarkedOnce(t *testing.T) {
	for _, c := range []struct {
		name    string
		format  string
		options map[string]string
		want    string
		extra   int
	}{
		{"one of the shapes", "INT4", map[string]string{"group": "32", "scale": "f16"}, "INT4 g32", 0},
		{"in other words", "INT4", map[string]string{"granularity": "group", "group": "32", "range": "minmax", "rounding": "even", "seed": "7", "axis": "1", "scale": "f16"}, "INT4 g32", 0},
		{"default", "INT8", nil, "INT8 per tensor", 0},
		{"its own", "INT4", map[string]string{"group": "64", "sym": "true", "range": "mse"}, "INT4 g64, symmetric, least error, FP32 scale", 1},
		{"per column", "INT2", map[string]string{"granularity": "channel", "axis": "1"}, "INT2 per column", 1},
		{"codebook", "NF4", map[string]string{"block": "64", "nested": "true"}, "NF4 nested", 0},
		{"codebook, its own", "NF4", map[string]string{"block": "128"}, "NF4 block 128", 1},
		{"options that it does not read", "Q4_K", map[string]string{"group": "64", "sym": "true"}, "Q4_K", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Start()
			s.Update(Booted{table()})
			plain := len(s.Ways())
			s.Tensor.A = Side{Format: c.format}
			for k, v := range c.options {
				if err := s.Tensor.A.Options.Set(k, v); err != nil {
					t.Fatal(err)
				}
			}
			var now []string
			for _, w := range s.Ways() {
				if w.Now {
					now = append(now, w.Name)
				}
			}
			if !slices.Equal(now, []string{c.want}) {
				t.Errorf("marked %q, want %q", now, c.want)
			}
			if got := len(s.Ways()) - plain; got != c.extra {
				t.Errorf("%d ways more, want %d", got, c.extra)
			}
			if p := s.Plot(); p.Current != c.want {
				t.Errorf("the plot marks %q", p.Current)
			}
		})
	}
}

// Two options have one name exactly where they are one.
func TestWayNamesAreUnique(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(v ...string) string { return v[r.IntN(len(v))] }
	rows := table()
	byName := map[string]map[string]string{}
	for range 20000 {
		f := &rows[r.IntN(len(rows))]
		var o quant.Options
		for name, v := range map[string]string{
			"sym": pick("true", "false"), "narrow": pick("true", "false"), "granularity": pick("tensor", "channel", "group"),
			"axis": pick("0", "1"), "group": pick("-1", "32", "64"), "range": pick("minmax", "mse", "percentile", "entropy"),
			"percentile": pick("99", "99.9"), "rounding": pick("even", "away", "stochastic"), "seed": pick("1", "2"),
			"scale": pick("f32", "f16"), "block": pick("64", "128"), "nested": pick("true", "false"),
		} {
			if r.IntN(2) == 0 {
				if err := o.Set(name, v); err != nil {
					t.Fatal(err)
				}
			}
		}
		w := newWay(f, o)
		m := w.Options.Map()
		m["format"] = f.Name
		if old, ok := byName[w.Name]; ok && !maps.Equal(old, m) {
			t.Fatalf("%q is %v and %v", w.Name, old, m)
		}
		byName[w.Name] = m
		if again := newWay(f, w.Options); again.Name != w.Name {
			t.Fatalf("%q becomes %q", w.Name, again.Name)
		}
	}
}

func TestOpenWay(t *testing.T) {
	s, first := comparing(t)
	finish(t, s, first, func(a wire.MeasureArgs) wire.Measured { return measured(a, bitsOf(s, a), 400) })
	w, ok := s.Way("INT2 g128")
	if !ok {
		t.Fatal("there is no INT2 g128")
	}
	href := s.WayAddress(w)
	if s.Route != "compare" || s.Tensor.A.Format != "INT4" {
		t.Fatalf("making a link changed the page: %s %s", s.Route, s.Tensor.A.Format)
	}
	out := calls(s.Update(WayOpened{"INT2 g128"}))
	if s.Route != "tensor" || s.Tensor.A.Format != "INT2" || s.Tensor.A.Options.Group != 128 {
		t.Errorf("opened %s %+v in %s", s.Tensor.A.Format, s.Tensor.A.Options, s.Route)
	}
	if len(out) != 1 || out[0].Op != wire.OpAnalyze || out[0].Lane != "a" {
		t.Errorf("asked for %v", out)
	}
	if got := s.Address(); got != href {
		t.Errorf("the link says %q, the page then stands at %q", href, got)
	}
	s.Update(Undone{})
	if s.Tensor.A.Format != "INT4" {
		t.Errorf("Undo goes back to %s", s.Tensor.A.Format)
	}
	if out := s.Update(WayOpened{"no such way"}); len(out) != 0 {
		t.Errorf("a way that is not there asked for %v", out)
	}
}

func TestPlotOfEachMetric(t *testing.T) {
	s, first := comparing(t)
	rows := append(table(), wire.FormatRow{Name: "FP32", Family: "float", Bits: 32})
	s.Formats = rows
	finish(t, s, first, func(a wire.MeasureArgs) wire.Measured { return measured(a, bitsOf(s, a), 400) })
	for _, m := range Metrics {
		t.Run(m.Name, func(t *testing.T) {
			s.Update(MetricChosen{m.Name})
			p := s.Plot()
			if (p.YName == "") != (m.Name == "sqnr") || p.Log != m.Log || (p.Better == "high") != m.Higher {
				t.Errorf("drawn as %+v", p)
			}
			if len(p.Points) != len(s.Ways()) {
				t.Errorf("%d points of %d", len(p.Points), len(s.Ways()))
			}
			for _, pt := range p.Points {
				if pt.SQNR != nil && pt.Y != nil {
					t.Errorf("%s has two values", pt.Name)
				}
				if m.Name == "sqnr" && (pt.SQNR == nil) != (pt.Name == "FP32") {
					t.Errorf("%s: SQNR %v", pt.Name, pt.SQNR)
				}
			}
			if text, err := wire.Marshal(p); err != nil || strings.Contains(string(text), "null") {
				t.Errorf("%s, %v", text, err)
			}
		})
	}
	s.Update(FamilyShown{"affine", false})
	for _, pt := range s.Plot().Points {
		if pt.Family == "affine" {
			t.Fatalf("%s is drawn though its family is hidden", pt.Name)
		}
	}
	for _, r := range s.TableRows() {
		if r.Family == "affine" && r.Listed {
			t.Fatalf("%s is listed though its family is hidden", r.Name)
		}
	}
}

// Before anything is measured the table already stands about as it will.
func TestTableIsInOrderFromTheStart(t *testing.T) {
	s, _ := comparing(t)
	for i := range s.Formats {
		s.Formats[i].BitsPerWeight = float64(s.Formats[i].Bits)
	}
	rows := s.TableRows()
	for i := 1; i < len(rows); i++ {
		if s.nominal(rows[i-1].Name) < s.nominal(rows[i].Name) {
			t.Errorf("%s stands before %s", rows[i-1].Name, rows[i].Name)
		}
	}
	if s.SampleSize() != 0 {
		t.Errorf("a sample of %d of nothing", s.SampleSize())
	}
}

func TestTableSorts(t *testing.T) {
	s, first := comparing(t)
	finish(t, s, first, func(a wire.MeasureArgs) wire.Measured {
		m := measured(a, bitsOf(s, a), 400)
		if a.Format == "Q4_K" {
			m = wire.Measured{Refused: `tensor "x": rows of 300 values are not a multiple of the 256 that a block of Q4_K holds; choose a format with smaller blocks`}
		}
		return m
	})
	s.Update(TableWhole{true})
	for _, column := range []string{"bits", "bits", "sqnr", "sqnr", "max", "rmse", "file", "memory", "name", "name"} {
		s.Update(TableSorted{column})
		rows := s.TableRows()
		at, direction := s.Compare.Sorted()
		if at != column {
			t.Fatalf("sorted by %s, not %s", at, column)
		}
		if column != "name" && rows[len(rows)-1].Name != "Q4_K" {
			t.Errorf("%s: what is not known does not stand last", column)
		}
		for i := 1; i < len(rows); i++ {
			a, b := rows[i-1], rows[i]
			if column == "name" || !a.known() || !b.known() {
				continue
			}
			x, y := wayColumns[column](&a), wayColumns[column](&b)
			if direction == "descending" && x < y || direction == "ascending" && x > y {
				t.Fatalf("%s %s: %s (%v) before %s (%v)", column, direction, a.Name, x, b.Name, y)
			}
		}
	}
	r := s.Refusals()
	if len(r) != 1 || r[0].Reason != "rows of 300 values are not a multiple of the 256 that a block of this format holds; choose a format with smaller blocks" {
		t.Errorf("refused: %+v", r)
	}
}

func TestCSV(t *testing.T) {
	s, first := comparing(t)
	finish(t, s, first, func(a wire.MeasureArgs) wire.Measured {
		if a.Format == "Q4_K" {
			return wire.Measured{Refused: `rows of "300", no`}
		}
		return measured(a, bitsOf(s, a), 400)
	})
	records, err := csv.NewReader(strings.NewReader(s.CompareCSV())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 1+len(s.Ways()) {
		t.Errorf("%d lines for %d ways", len(records)-1, len(s.Ways()))
	}
	for _, r := range records[1:] {
		switch r[0] {
		case "Q4_K":
			if r[11] != `rows of "300", no` || r[4] != "" {
				t.Errorf("%q", r)
			}
		case "INT4 g32":
			if r[2] != "granularity=group group=32 scale=f16" || r[4] != "4.75" || r[11] != "" {
				t.Errorf("%q", r)
			}
		}
	}
}

func TestModelSize(t *testing.T) {
	s, first := comparing(t)
	finish(t, s, first, func(a wire.MeasureArgs) wire.Measured { return measured(a, bitsOf(s, a), 400) })
	file := func(name string) WayRow {
		for _, r := range s.TableRows() {
			if r.Name == name {
				return r
			}
		}
		t.Fatalf("no row %s", name)
		return WayRow{}
	}
	s.Update(ModelSized{7})
	if got := file("Q8_0").File; math.Abs(got-7) > 1e-9 {
		t.Errorf("7 billion weights of 8 bits are %v GB", got)
	}
	s.Update(ModelSized{70})
	if got := file("Q8_0").File; math.Abs(got-70) > 1e-9 {
		t.Errorf("70 billion weights of 8 bits are %v GB", got)
	}
	for _, bad := range []float64{0, -3, math.Inf(1), math.NaN()} {
		s.Update(ModelSized{bad})
		if s.Compare.Weights != 70 {
			t.Errorf("%v billions were taken", bad)
		}
	}
	s.Update(ContextSized{8192})
	if r := file("Q8_0"); r.Memory != r.File+CacheGB(70, 8192) {
		t.Errorf("memory %v of a file of %v", r.Memory, r.File)
	}
}

// The estimate holds for a real model: Llama 2 7B has 32 layers of 4096, so
// 2 · 2 bytes · 32 · 4096 a token.
func TestCacheOfLlama2(t *testing.T) {
	want := 2 * 2 * 32 * 4096 * 4096 / 1e9
	if got := CacheGB(6.74, 4096); math.Abs(got/want-1) > 0.05 {
		t.Errorf("%v GB, Llama 2 7B has %v", got, want)
	}
	if a, b := CacheGB(7, 1000), CacheGB(7, 2000); math.Abs(b/a-2) > 1e-12 {
		t.Errorf("twice the tokens are %v times the cache", b/a)
	}
}
