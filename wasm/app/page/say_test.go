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
	open = calls(s.Update(SayAsked{Prompt: "Once", With: wire.OpSayOpen}))
	if len(open) != 2 || open[0].Lane != "say-open0" || open[1].Lane != "say-open1" || open[0].File != 7 || open[0].Parts != 0 || open[1].File != 0 || open[1].Parts == 0 {
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
		if y := &s.Model.Saying; y.Running() || y.Status != "Stopped" || !slices.Contains(out, Effect(End{"say-open0"})) || !slices.Contains(out, Effect(End{"say-open1"})) {
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
	if out := s.Update(SayAsked{Prompt: "Once", With: wire.OpSayOpen}); len(out) > 0 {
		t.Errorf("it speaks beside: %+v", out)
	}
	s = readable(t, false)
	s.Model.File.Meta = nil
	if out := s.Update(SayAsked{Prompt: "Once", With: wire.OpSayOpen}); len(out) > 0 || !strings.Contains(s.Model.Saying.Fault, "does not say what its model is") {
		t.Errorf("%+v", s.Model.Saying)
	}
}

// TestLlama lets llama.cpp say it, beside the page's own pass where it does not
// read the original, or alone where that does not either.
func TestLlama(t *testing.T) {
	for _, c := range []struct {
		name  string
		made  bool
		set   func(m *Model)
		lanes []string
		why   string
	}{
		{"both", true, func(m *Model) {}, []string{"llama0", "llama1"}, ""},
		{"the original", false, func(m *Model) {}, []string{"llama0"}, ""},
		{"a model that is not run here", true, func(m *Model) {
			m.File.Meta = append(m.File.Meta, wire.MetaRow{Key: "llama.expert_count", Value: "8"})
		}, []string{"llama0", "llama1"}, ""},
		{"a folder", true, func(m *Model) { m.File.Container = "huggingface" }, []string{"say-open0", "llama1"}, ""},
		{"a folder that is not run here", true, func(m *Model) {
			m.File.Container = "huggingface"
			m.File.Meta = append(m.File.Meta, wire.MetaRow{Key: "llama.expert_count", Value: "8"})
		}, []string{"llama0"}, ""},
		{"no room for both", true, func(m *Model) { m.File.Size, m.Made.Size = 2<<30, 3<<29 }, []string{"say-open0", "llama1"}, ""},
		{"no room", false, func(m *Model) { m.File.Size = 4 << 30 }, []string{"say-open0"}, ""},
		{"no model", false, func(m *Model) { m.File.Meta = nil }, nil, "does not say what its model is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := readable(t, c.made)
			c.set(&s.Model)
			var lanes []string
			y := &s.Model.Saying
			for k, o := range calls(s.Update(SayAsked{Prompt: "Once", With: wire.OpLlama})) {
				lanes = append(lanes, o.Lane)
				if y.Texts[k].With != o.Op || !strings.HasPrefix(o.Lane, o.Op) {
					t.Errorf("%+v: %+v", o, y.Texts[k])
				}
			}
			if !slices.Equal(lanes, c.lanes) || !strings.Contains(y.Fault, c.why) || (c.why == "") != (y.Fault == "") {
				t.Fatalf("%v, want %v: %s", lanes, c.lanes, y.Fault)
			}
			out := s.Update(SayStopped{})
			for _, lane := range lanes {
				if !slices.Contains(out, Effect(End{lane})) {
					t.Errorf("%s goes on: %+v", lane, out)
				}
			}
		})
	}
}

// TestNews holds that a text that is loaded is not yet said.
func TestNews(t *testing.T) {
	s := readable(t, false)
	c := only(t, s.Update(SayAsked{Prompt: "Once", With: wire.OpLlama}), wire.OpLlama, "llama0")
	y := &s.Model.Saying
	for _, said := range []wire.Said{{News: "loading llama.cpp, 3 %"}, {Text: " upon", Tokens: 1}} {
		c = only(t, answer(t, s, c, said), wire.OpSay, "llama0")
		if want := map[bool]string{true: "Loading", false: "Going on"}[said.News != ""]; y.Status != want || y.Texts[0].News != said.News {
			t.Errorf("%+v", y)
		}
	}
}
