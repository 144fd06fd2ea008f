package page

import (
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// table is a small list of formats like the engine's.
func table() []wire.FormatRow {
	affine := []string{"sym", "granularity", "axis", "group", "range", "percentile", "rounding", "seed", "scale", "narrow"}
	return []wire.FormatRow{
		{Name: "INT8", Family: "affine", Title: "Integer", Bits: 8, Options: affine},
		{Name: "INT4", Family: "affine", Title: "Integer", Bits: 4, Options: affine},
		{Name: "INT2", Family: "affine", Title: "Integer", Bits: 2, Options: affine},
		{Name: "Q4_K", Family: "ggml", Title: "K-quants", Bits: 4},
		{Name: "Q4_0", Family: "ggml", Title: "legacy", Bits: 4},
		{Name: "Q8_0", Family: "ggml", Title: "legacy", Bits: 8},
		{Name: "Q6_K", Family: "ggml", Title: "K-quants", Bits: 6},
		{Name: "NF4", Family: "codebook", Title: "bitsandbytes", Bits: 4, Options: []string{"block", "nested"}},
	}
}

// calls are the requests among effects.
func calls(effects []Effect) []Call {
	var out []Call
	for _, e := range effects {
		if c, ok := e.(Call); ok {
			out = append(out, c)
		}
	}
	return out
}

func answer(t *testing.T, s *State, c Call, v any) []Effect {
	t.Helper()
	text, err := wire.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return s.Update(Reply{ID: c.ID, JSON: text})
}

// loaded is a page whose sample is loaded; its two analyses are under way.
func loaded(t *testing.T) (s *State, a, b Call) {
	t.Helper()
	s = Start()
	s.Update(Went{""})
	load := calls(s.Update(Booted{table()}))
	if len(load) != 1 || load[0].Op != wire.OpLoad || load[0].Lane != "a" {
		t.Fatalf("boot asked for %+v", load)
	}
	next := calls(answer(t, s, load[0], wire.TensorStats{Name: "outliers", Rows: 128, Cols: 512, Values: 65536}))
	for _, c := range next {
		if c.Op == wire.OpAnalyze && c.Lane == "a" {
			a = c
		}
		if c.Op == wire.OpAnalyze && c.Lane == "b" {
			b = c
		}
	}
	if a.ID == 0 || b.ID == 0 {
		t.Fatalf("loading asked for %+v", next)
	}
	for _, c := range []Call{load[0], a, b} {
		if !c.Remember {
			t.Errorf("a worker that is started again is not told %q of lane %s again: picking and exporting need it", c.Op, c.Lane)
		}
	}
	return s, a, b
}

func TestOlderAnswersAreDropped(t *testing.T) {
	s, first, _ := loaded(t)
	second := calls(s.Update(BitsChosen{2}))[0]
	if got := second.Args.(wire.AnalyzeArgs); got.Format != "INT2" || got.Options["group"] != "32" {
		t.Fatalf("asked for %+v", got)
	}
	out := answer(t, s, second, wire.Analysis{Format: "INT2"})
	if s.Tensor.A.Result == nil || s.Tensor.A.Result.Format != "INT2" {
		t.Fatal("the answer waited for was not taken")
	}
	if _, ok := out[0].(Draw); !ok {
		t.Errorf("nothing is drawn: %v", out)
	}
	if out := answer(t, s, first, wire.Analysis{Format: "INT4"}); len(out) != 0 || s.Tensor.A.Result.Format != "INT2" {
		t.Errorf("an answer older than what is shown was taken: %v", out)
	}
}

func TestADragIsFollowedWhileItLasts(t *testing.T) {
	s, _, _ := loaded(t)
	first := calls(s.Update(BitsChosen{2}))[0]
	s.Update(BitsChosen{8})
	if out := answer(t, s, first, wire.Analysis{Format: "INT2"}); len(out) == 0 || s.Tensor.A.Result.Format != "INT2" {
		t.Errorf("an answer newer than what is shown was dropped: %v", out)
	}
}

func TestAnswersOfAnotherTensorAreDropped(t *testing.T) {
	s, first, _ := loaded(t)
	load := calls(s.Update(SampleChosen{Name: "normal"}))[0]
	answer(t, s, load, wire.TensorStats{Name: "normal", Rows: 128, Cols: 512, Values: 65536})
	if out := answer(t, s, first, wire.Analysis{Format: "INT4"}); len(out) != 0 || s.Tensor.A.Result != nil {
		t.Errorf("an answer on the tensor before was taken: %v", out)
	}
}

func TestAFaultKeepsTheLastResult(t *testing.T) {
	s, a, _ := loaded(t)
	answer(t, s, a, wire.Analysis{Format: "INT4"})
	c := calls(s.Update(FormatChosen{"Q4_K"}))[0]
	s.Update(Fault{ID: c.ID, Message: "rows of 12"})
	if s.Tensor.Fault != "rows of 12" || s.Tensor.A.Result.Format != "INT4" {
		t.Errorf("fault %q, result %+v", s.Tensor.Fault, s.Tensor.A.Result)
	}
	s.Update(FaultDismissed{})
	if s.Tensor.Fault != "" {
		t.Error("the fault stays")
	}
	c = calls(s.Update(FormatChosen{"INT8"}))[0]
	s.Update(Fault{ID: c.ID, Superseded: true})
	if s.Tensor.Fault != "" {
		t.Error("a superseded call is no fault")
	}
}

func TestABadFileKeepsTheLastTensor(t *testing.T) {
	s, _, _ := loaded(t)
	c := calls(s.Update(FileChosen{Ref: 1, Name: "x.npy", View: "tensor"}))[0]
	if c.Op != wire.OpOpen || c.File != 1 || s.Tensor.Busy == "" {
		t.Fatalf("asked for %+v", c)
	}
	s.Update(Fault{ID: c.ID, Message: "npy: no"})
	if s.Tensor.Source.Name != "outliers" || s.Tensor.Busy != "" || s.Tensor.Fault != "npy: no" {
		t.Errorf("%+v", s.Tensor)
	}
}

func TestAFileOpensItsFirstMatrix(t *testing.T) {
	s, _, _ := loaded(t)
	c := calls(s.Update(FileChosen{Ref: 7, Name: "m.gguf", View: "tensor"}))[0]
	out := calls(answer(t, s, c, wire.FileInfo{Name: "m.gguf", Tensors: []wire.TensorRow{
		{Name: "norm", Shape: []int{64}, Values: 64, Readable: true},
		{Name: "odd", Shape: []int{4, 4}, Values: 16},
		{Name: "w", Shape: []int{8, 64}, Values: 512, Readable: true},
	}}))
	var load *Call
	for i := range out {
		if out[i].Op == wire.OpLoad {
			load = &out[i]
		}
	}
	if load == nil || load.Args.(wire.Source).Index != 2 || s.Tensor.Source.Name != "w" {
		t.Fatalf("asked for %+v", out)
	}
	c = calls(s.Update(FileChosen{Ref: 8, Name: "none.gguf", View: "tensor"}))[0]
	answer(t, s, c, wire.FileInfo{Name: "none.gguf", Tensors: []wire.TensorRow{}})
	if !strings.Contains(s.Tensor.Fault, "no tensor") || s.Tensor.File.Name != "m.gguf" {
		t.Errorf("%q, %+v", s.Tensor.Fault, s.Tensor.File)
	}
}

func TestLargeTensorsAreSampledFirst(t *testing.T) {
	s := Start()
	load := calls(s.Update(Booted{table()}))[0]
	out := calls(answer(t, s, load, wire.TensorStats{Rows: 4096, Cols: 4096, Values: 1 << 24}))
	var a Call
	for _, c := range out {
		if c.Op == wire.OpAnalyze && c.Lane == "a" {
			a = c
		}
	}
	if a.Args.(wire.AnalyzeArgs).Sample != sampleValues {
		t.Fatalf("asked for %+v", a.Args)
	}
	effects := answer(t, s, a, wire.Analysis{Format: "INT4", Sampled: true})
	later, ok := effects[len(effects)-1].(Later)
	if !ok {
		t.Fatalf("the exact answer is not asked for: %v", effects)
	}
	exact := calls(s.Update(later.Event))
	if len(exact) == 0 || exact[0].Args.(wire.AnalyzeArgs).Sample != 0 {
		t.Errorf("asked for %+v", exact)
	}
	// Once the person has moved on, the exact answer is not asked for.
	s.Update(BitsChosen{8})
	if out := s.Update(later.Event); len(calls(out)) != 0 {
		t.Errorf("asked for %+v", out)
	}
}

func TestUndoAndReset(t *testing.T) {
	s, _, _ := loaded(t)
	s.Update(OptionChosen{"sym", "true"})
	s.Update(FormatChosen{"NF4"})
	s.Update(Undone{})
	if s.Tensor.A.Format != "INT4" || !s.Tensor.A.Options.Symmetric {
		t.Errorf("undo went to %+v", s.Tensor.A)
	}
	s.Update(Undone{})
	if s.Tensor.A.Options.Symmetric || s.CanUndo() {
		t.Errorf("undo went to %+v", s.Tensor.A)
	}
	s.Update(OptionChosen{"group", "128"})
	s.Update(OptionsReset{})
	if s.Tensor.A.Options.Group != 32 {
		t.Errorf("reset went to %+v", s.Tensor.A.Options)
	}
	s.Update(OptionChosen{"group", "zero"})
	if s.Tensor.Fault == "" || s.Tensor.A.Options.Group != 32 {
		t.Errorf("a bad value was taken: %+v", s.Tensor.A.Options)
	}
}

func TestAddressRoundTrips(t *testing.T) {
	if a := Start().Address(); a != "#/tensor" {
		t.Errorf("the default address is %q", a)
	}
	s, _, _ := loaded(t)
	for _, e := range []Event{
		FormatChosen{"INT8"}, OptionChosen{"sym", "true"}, OptionChosen{"group", "64"}, OptionChosen{"range", "percentile"}, OptionChosen{"percentile", "99.5"},
		SideBChosen{"NF4"}, SplitMoved{30}, ShowChosen{"b"}, NumbersPasted{"1 2 3\n4, 5 & 6 é+%"}, BlockChosen{"b"},
	} {
		s.Update(e)
	}
	a := s.Address()
	if len(a) > 2000 {
		t.Errorf("%d characters", len(a))
	}
	back := Start()
	back.Update(Went{a})
	if got := back.Address(); got != a {
		t.Errorf("got\n%s\nwant\n%s", got, a)
	}
	o := back.Tensor.A.Options
	if !o.Symmetric || o.Group != 64 || o.Range != quant.RangePercentile || o.Percentile != 99.5 || back.Tensor.Source.Text != "1 2 3\n4, 5 & 6 é+%" || back.Tensor.B.Format != "NF4" {
		t.Errorf("%+v", back.Tensor)
	}
}

func TestAddressIgnoresWhatItHasWrong(t *testing.T) {
	for _, a := range []string{"#/tensor?format=NOPE&group=x&split=900&show=z&rows=-1&%zz=1&&=&row=99999999999999999999", "#/nowhere", "", "#", "#/tensor?", "#/tensor?format=%ff"} {
		s := Start()
		s.Update(Went{a})
		s.Update(Booted{table()})
		if s.Format(s.Tensor.A.Format) == nil || s.Tensor.Split != 62 || s.Route != "tensor" {
			t.Errorf("%s: %+v", a, s.Tensor)
		}
	}
}

func TestALinkToAFileOfSomebodyElse(t *testing.T) {
	s := Start()
	s.Update(Went{"#/tensor?from=file&name=w&file=model.gguf&index=3"})
	load := calls(s.Update(Booted{table()}))
	if !strings.Contains(s.Tensor.Fault, "model.gguf") || load[0].Args.(wire.Source).Kind != "sample" {
		t.Errorf("%q, %+v", s.Tensor.Fault, load)
	}
}

func TestLadder(t *testing.T) {
	s := Start()
	s.Formats = table()
	names := func(format string) string {
		var out []string
		for _, r := range s.Ladder(format) {
			out = append(out, r.Name)
		}
		return strings.Join(out, " ")
	}
	for format, want := range map[string]string{"INT4": "INT2 INT4 INT8", "Q4_K": "Q4_K Q6_K Q8_0", "Q4_0": "Q4_0 Q6_K Q8_0", "NF4": "NF4", "NOPE": ""} {
		if got := names(format); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("#/tensor?format=INT8&sym=true&b.block=64")
	f.Add("#/learn/levels?x=%")
	f.Fuzz(func(t *testing.T, hash string) {
		s := Start()
		s.Update(Went{hash})
		a := s.Address()
		s.Update(Went{a})
		if b := s.Address(); a != b {
			t.Errorf("%q became %q", a, b)
		}
	})
}
