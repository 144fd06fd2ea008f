package page

import (
	"math"
	"testing"

	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// blocksFile has a tensor in F32 and two in blocks.
func blocksFile() wire.FileInfo {
	return wire.FileInfo{Name: "q.gguf", Container: "gguf", Tensors: []wire.TensorRow{
		{Name: "a", Shape: []int{4, 256}, Type: "F32", Values: 1024, Bytes: 4096, Readable: true},
		{Name: "b", Shape: []int{4, 256}, Type: "Q4_K", Values: 1024, Bytes: 576, Readable: true},
		{Name: "c", Shape: []int{4, 256}, Type: "Q6_K", Values: 1024, Bytes: 840, Readable: true},
	}}
}

// of is the answer to loading tensor i of blocksFile.
func of(i int) wire.TensorStats {
	r := blocksFile().Tensors[i]
	st := wire.TensorStats{Name: r.Name, Type: r.Type, Rows: 4, Cols: 256, Values: 1024}
	if i > 0 {
		st.Inside = &wire.Estimate{Type: r.Type, Tensor: i, Values: 1024, Noise: 1e-4, Power: 0.0099, Within: 1.3}
	}
	return st
}

// storedPage is a page that shows tensor b of the file as it is stored.
func storedPage(t *testing.T) (s *State, next []Call) {
	t.Helper()
	s, _, _ = loaded(t)
	open := calls(s.Update(FileChosen{Ref: 3, Name: "q.gguf", View: "tensor"}))[0]
	more := calls(answer(t, s, open, blocksFile()))
	if more[1].Op != wire.OpLoad {
		t.Fatalf("%+v", more)
	}
	answer(t, s, more[1], of(0))
	return s, shown(t, s, 1)
}

// shown loads tensor i; the calls are those after it is there.
func shown(t *testing.T, s *State, i int) []Call {
	t.Helper()
	return calls(answer(t, s, calls(s.Update(TensorChosen{i}))[0], of(i)))
}

func formatOf(t *testing.T, next []Call, lane string) string {
	t.Helper()
	for _, c := range next {
		if a, ok := c.Args.(wire.AnalyzeArgs); ok && c.Lane == lane {
			return a.Format
		}
	}
	t.Fatalf("nothing is asked of lane %s: %+v", lane, next)
	return ""
}

func TestStoredIsTheDefault(t *testing.T) {
	s, next := storedPage(t)
	if formatOf(t, next, "a") != wire.AsStored || formatOf(t, next, "b") != "Q4_K" {
		t.Errorf("%+v", next)
	}
	if list := s.Choices(); list[0].Name != wire.AsStored || list[0].Bits != 4 || len(list[0].Options) != 0 || len(list) != len(s.Formats)+1 {
		t.Errorf("the list begins with %+v", list[0])
	}
	if s.Label(wire.AsStored) != "As stored (Q4_K)" || s.Label("INT4") != "INT4" {
		t.Errorf("labels %q, %q", s.Label(wire.AsStored), s.Label("INT4"))
	}
	// The next one in blocks likewise; one in none is shown as before it all.
	if next := shown(t, s, 2); formatOf(t, next, "a") != wire.AsStored || s.Label(wire.AsStored) != "As stored (Q6_K)" {
		t.Errorf("%+v", next)
	}
	if next := shown(t, s, 0); formatOf(t, next, "a") != "INT4" || len(s.Choices()) != len(s.Formats) {
		t.Errorf("%+v", next)
	}
	// What is stored no more cannot be gone back to.
	if s.Update(Undone{}); s.Tensor.A.Format != "INT4" {
		t.Errorf("undone to %q", s.Tensor.A.Format)
	}
}

func TestAnotherFormatStays(t *testing.T) {
	s, _ := storedPage(t)
	s.Update(SideBChosen{wire.AsStored})
	s.Update(FormatChosen{"NF4"})
	if next := shown(t, s, 2); formatOf(t, next, "a") != "NF4" || formatOf(t, next, "b") != wire.AsStored {
		t.Errorf("%+v", next)
	}
	if s.Update(Undone{}); s.Tensor.A.Format != wire.AsStored {
		t.Errorf("undone to %q", s.Tensor.A.Format)
	}
	if next := shown(t, s, 0); formatOf(t, next, "a") != "INT4" || formatOf(t, next, "b") != "Q4_K" {
		t.Errorf("%+v", next)
	}
}

// TestStoredLadder moves from the blocks to types of more bits and of fewer.
func TestStoredLadder(t *testing.T) {
	s, _ := storedPage(t)
	l := s.Ladder(wire.AsStored)
	if len(l) != 3 || l[0] != (Rung{4, wire.AsStored}) || l[1] != (Rung{6, "Q6_K"}) {
		t.Fatalf("%+v", l)
	}
	s.Update(BitsChosen{6})
	if s.Tensor.A.Format != "Q6_K" {
		t.Errorf("%q", s.Tensor.A.Format)
	}
	if _, ok := s.nowWay(); !ok {
		t.Error("Q6_K is no way")
	}
	s.Update(Undone{})
	if _, ok := s.nowWay(); ok {
		t.Error("Compare measures the tensor as it is stored")
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// TestTwice adds up what was lost: of a signal of 0.01, 0.0001 before (20 dB),
// and 0.0003 on top.
func TestTwice(t *testing.T) {
	s, next := storedPage(t)
	if _, ok := s.Twice(&s.Tensor.A); ok {
		t.Error("before the answer is there")
	}
	for _, c := range next {
		if c.Op == wire.OpAnalyze {
			a := wire.Analysis{Format: c.Args.(wire.AnalyzeArgs).Format}
			a.Metrics.MSE, a.Metrics.SQNR = 3e-4, 15.2
			if c.Lane == "a" {
				a.Metrics.MSE, a.Metrics.SQNR = 0, metric.Decibel(math.Inf(1))
			}
			answer(t, s, c, a)
		}
	}
	w, ok := s.Twice(&s.Tensor.A)
	if !ok || w.Type != "Q4_K" || !near(w.Before, 20) || !near(w.Both, 20) || !math.IsInf(w.Top, 1) || w.Within != 1.3 {
		t.Errorf("as stored: %+v", w)
	}
	w, ok = s.Twice(&s.Tensor.B)
	if !ok || !near(w.Before, 20) || !near(w.Top, 15.2) || !near(w.Both, 10*math.Log10(25)) {
		t.Errorf("quantized again: %+v", w)
	}
	shown(t, s, 0)
	if _, ok := s.Twice(&s.Tensor.A); ok {
		t.Error("F32 lost nothing before")
	}
}

// TestInsideFaultOfAnotherFile: it is no news of the file that is open.
func TestInsideFaultOfAnotherFile(t *testing.T) {
	s := planned(t)
	m := &s.Model
	m.File.Tensors[0].Type = "Q4_K"
	late := only(t, s.askInside(), wire.OpInside, "job")
	now := only(t, s.askInside(), wire.OpInside, "job")
	if s.Update(Fault{ID: late.ID, Message: "late"}); m.Fault != "" {
		t.Errorf("%q", m.Fault)
	}
	if s.Update(Fault{ID: now.ID, Message: "now"}); m.Fault != "now" {
		t.Errorf("%q", m.Fault)
	}
	m.Remote.opened = "https://far.example/tale.gguf"
	if out := s.askInside(); len(out) != 0 || !m.Quantized() {
		t.Errorf("rows all over a file at a URL are asked for: %+v", out)
	}
}

// TestModelInside says what a model lost before, and what on top.
func TestModelInside(t *testing.T) {
	s, _, _ := loaded(t)
	s.Update(Went{"#/model"})
	open := only(t, s.Update(FileChosen{Ref: 7, Name: "q.gguf", View: "model"}), wire.OpOpen, "job")
	next := calls(answer(t, s, open, blocksFile()))
	if len(next) != 2 || next[0].Op != wire.OpPlan || next[1].Op != wire.OpInside {
		t.Fatalf("%+v", next)
	}
	m := &s.Model
	if _, ok := m.Inside(); ok {
		t.Error("known before it is")
	}
	answer(t, s, next[0], wire.Plan{Recipe: "Q4_K", Steps: []wire.StepRow{{Tensor: 1, From: "Q4_K", To: "Q2_K"}, {Tensor: 0, From: "F32", To: "Q2_K"}, {Tensor: 2, From: "Q6_K", To: "Q6_K"}}})
	answer(t, s, next[1], wire.Inside{Tensors: []wire.Estimate{*of(1).Inside, *of(2).Inside}})
	in, ok := m.Inside()
	if !ok || in.Done || in.Tensors != 2 || len(in.Types) != 2 || in.Types[0] != "Q4_K" || !near(in.Loss.Before, 20) {
		t.Errorf("%+v", in)
	}
	// A tenth of the power of b on top; a does not count, c is copied.
	m.Made = &Made{Losses: []Loss{{RelRMSE: math.Sqrt(0.1)}, {RelRMSE: 0.5}, {}}}
	in, _ = m.Inside()
	if !in.Done || !near(in.Loss.Top, 10*math.Log10(20)) || !near(in.Loss.Both, 10*math.Log10(0.02/(2e-4+0.00099))) {
		t.Errorf("%+v", in)
	}
	// A file of plain floats asks nothing.
	if next := calls(answer(t, s, only(t, s.Update(FileChosen{Ref: 8, Name: "tale.gguf", View: "model"}), wire.OpOpen, "job"), tale())); len(next) != 1 {
		t.Errorf("%+v", next)
	}
	if _, ok := m.Inside(); ok {
		t.Error("of the file before")
	}
}
