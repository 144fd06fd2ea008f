package page

import (
	"slices"
	"strings"
	"testing"

	"fewbits/wasm/wire"
)

// speaking is a page whose models were asked to go on; their files are there.
func speaking(t *testing.T) (s *State, open []Call) {
	t.Helper()
	s = readable(t, true)
	open = calls(s.Update(SayAsked{Prompt: "Once"}))
	if len(open) != 2 || open[0].Lane != "say-1" || open[1].Lane != "say-2" || open[0].File != 7 || open[0].Parts != 0 || open[1].File != 0 || open[1].Parts == 0 {
		t.Fatalf("%+v", open)
	}
	if a := open[1].Args.(wire.SayOpenArgs); a.Name != "tale-q4_k.gguf" || a.Prompt != "Once" || a.Tokens != saidTokens {
		t.Fatalf("%+v", a)
	}
	return s, open
}

func TestSay(t *testing.T) {
	s, open := speaking(t)
	y := &s.Model.Saying
	for k, c := range open {
		c = only(t, answer(t, s, c, wire.Said{}), wire.OpSay, open[k].Lane)
		c = only(t, answer(t, s, c, wire.Said{Text: " upon", Tokens: 1}), wire.OpSay, open[k].Lane)
		if y.Texts[k].Text != " upon" || !y.Running() {
			t.Fatalf("%+v", y)
		}
		if out := answer(t, s, c, wire.Said{Text: " upon a", Tokens: 2, Done: true}); len(out) != 1 || out[0] != Effect(End{open[k].Lane}) {
			t.Fatalf("%+v", out)
		}
	}
	if y.Running() || y.Status != "Done" || y.Texts[0].What != "original" || y.Texts[1].What != "Q4_K" {
		t.Errorf("%+v", y)
	}
}

func TestSayStops(t *testing.T) {
	for _, e := range []Event{SayStopped{}, QuantizeAsked{}} {
		s, open := speaking(t)
		out := s.Update(e)
		if y := &s.Model.Saying; y.Running() || y.Status != "Stopped" || !slices.Contains(out, Effect(End{"say-1"})) || !slices.Contains(out, Effect(End{"say-2"})) {
			t.Errorf("%+v, %+v", out, y)
		}
		if late := answer(t, s, open[0], wire.Said{Text: "x", Tokens: 1}); len(late) > 0 {
			t.Errorf("a late answer: %+v", late)
		}
	}
	s, open := speaking(t)
	s.Update(Fault{ID: open[1].ID, Message: "no"})
	if y := &s.Model.Saying; y.Running() || y.Fault != "tale-q4_k.gguf cannot go on: no" {
		t.Errorf("%+v", y)
	}
	s, _ = speaking(t)
	if out := s.Update(MeasureAsked{Workers: 2}); len(out) > 0 {
		t.Errorf("it measures beside: %+v", out)
	}
	s, _ = begun(t, false)
	if out := s.Update(SayAsked{Prompt: "Once"}); len(out) > 0 {
		t.Errorf("it speaks beside: %+v", out)
	}
	s = readable(t, false)
	s.Model.File.Meta = nil
	if out := s.Update(SayAsked{Prompt: "Once"}); len(out) > 0 || !strings.Contains(s.Model.Saying.Fault, "does not say what its model is") {
		t.Errorf("%+v", s.Model.Saying)
	}
}
