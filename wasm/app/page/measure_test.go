package page

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/llama"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// readable is a page whose model has a tokenizer; made says whether it is made.
func readable(t *testing.T, made bool) *State {
	t.Helper()
	s := planned(t)
	if made {
		s, _ = finished(t)
	}
	s.Model.File.Meta = append(s.Model.File.Meta, wire.MetaRow{Key: "tokenizer.ggml.model", Value: "llama"}, wire.MetaRow{Key: "llama.embedding_length", Value: "64"})
	return s
}

// counted is what a worker counts in a chunk.
func counted(x float64) *metric.Tokens {
	return &metric.Tokens{Scored: 4, Own: metric.Moments{One: 4 * x, Two: 4 * x * x}, Ref: metric.Moments{One: 4, Two: 4}, Product: 4 * x, Same: 3}
}

// step answers one step of a chunk, the last with what was counted.
func step(t *testing.T, s *State, c Call, at float64) []Effect {
	t.Helper()
	a := c.Args.(wire.EvalStepArgs)
	v := wire.EvalStep{}
	if a.From == 8 {
		v.Sums = counted(float64(1 + a.Chunk))
	}
	text, err := wire.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return s.Update(Reply{ID: c.ID, JSON: text, At: at})
}

// begun asks two workers to read three chunks of sixteen tokens in two steps each.
func begun(t *testing.T, made bool) (s *State, next []Call) {
	t.Helper()
	s = readable(t, made)
	open := calls(s.Update(MeasureAsked{Text: "Once", Name: "a.txt", InFile: true, Tokens: 2048, Workers: 2, At: 1000}))
	if len(open) != 2 || open[0].Lane != "eval-1" || open[1].Lane != "eval-2" || open[0].Op != wire.OpEvalOpen || open[0].File != 7 || open[0].Remember {
		t.Fatalf("%+v", open)
	}
	want := wire.EvalOpenArgs{Name: "tale.gguf", Text: "Once", Tokens: 2048}
	if made {
		want.Made = "tale-q4_k.gguf"
	}
	if open[0].Args != want || made != (open[0].Parts != 0) || !s.Model.Measuring.Running() {
		t.Fatalf("%+v", open[0])
	}
	plan := wire.EvalPlan{Tokens: 50, Context: 16, Chunks: 3, Step: 8}
	for _, c := range open {
		next = append(next, calls(answer(t, s, c, plan))...)
	}
	if len(next) != 2 || next[0].Args != (wire.EvalStepArgs{}) || next[1].Args != (wire.EvalStepArgs{Chunk: 1}) {
		t.Fatalf("%+v", next)
	}
	return s, next
}

func TestMeasure(t *testing.T) {
	for _, made := range []bool{false, true} {
		s, next := begun(t, made)
		q := &s.Model.Measuring
		var out []Effect
		ms := 1000.0
		for steps := 0; q.Running(); steps++ { // the later worker is always first
			if steps > 6 || len(next) == 0 {
				t.Fatalf("%d steps, %+v", steps, next)
			}
			c := next[len(next)-1]
			ms += 100
			out = step(t, s, c, ms)
			next = append(next[:len(next)-1], calls(out)...)
			if done, total, left := q.Reading(); steps == 2 && (done != 24 || total != 48 || !(left > 0)) {
				t.Errorf("%d of %d tokens, %v s left", done, total, left)
			}
		}
		for _, end := range []string{"eval-1", "eval-2"} {
			if !slices.Contains(out, Effect(End{end})) {
				t.Errorf("%s goes on: %+v", end, out)
			}
		}
		list := q.Shown()
		if len(list) != 1 || q.Status != "Done in 0.6 s" || q.Fault != "" {
			t.Fatalf("%+v", q)
		}
		var want metric.Tokens
		for i := range 3 {
			want.Merge(*counted(float64(1 + i)))
		}
		if m := list[0]; !reflect.DeepEqual(m.Sums, want) || m.Source != "tale.gguf" || m.Made != map[bool]string{true: "tale-q4_k.gguf"}[made] || m.Text != "a.txt" {
			t.Errorf("%+v", m)
		}
	}
}

// TestMeasureDies begins the chunk again in a fresh worker, and gives up at last.
func TestMeasureDies(t *testing.T) {
	s, next := begun(t, false)
	q := &s.Model.Measuring
	next = append(next[:1], calls(step(t, s, next[1], 1100))...) // the second has begun its chunk
	for range maxTries - 1 {
		out := s.Update(Fault{ID: next[1].ID, Message: "out of memory", Died: true})
		if len(out) != 2 || out[0] != Effect(End{"eval-2"}) || calls(out)[0].Op != wire.OpEvalOpen || q.Fault != "" {
			t.Fatalf("%+v, %q", out, q.Fault)
		}
		if done, _, _ := q.Reading(); done != 0 {
			t.Errorf("%d tokens count that are to be read again", done)
		}
		next[1] = calls(answer(t, s, calls(out)[0], wire.EvalPlan{Tokens: 50, Context: 16, Chunks: 3, Step: 8}))[0]
		if next[1].Args != (wire.EvalStepArgs{Chunk: 1}) {
			t.Fatalf("%+v", next[1])
		}
	}
	out := s.Update(Fault{ID: next[1].ID, Message: "out of memory", Died: true})
	if q.Running() || q.Fault != "out of memory" || !slices.Contains(out, Effect(End{"eval-1"})) {
		t.Errorf("%+v, %+v", out, q)
	}

	s, next = begun(t, false)
	s.Update(Fault{ID: next[0].ID, Message: "not finite"})
	if q := &s.Model.Measuring; q.Running() || q.Fault != "not finite" {
		t.Errorf("%+v", q)
	}
}

func TestMeasureStops(t *testing.T) {
	for _, c := range []struct {
		name string
		do   Event
		said string
	}{{"Cancel", MeasureCancelled{}, "Cancelled"}, {"Quantize", QuantizeAsked{}, "Cancelled: Quantize began"}} {
		s, next := begun(t, true)
		out := s.Update(c.do)
		if q := &s.Model.Measuring; q.Running() || q.Status != c.said || !slices.Contains(out, Effect(End{"eval-1"})) || !slices.Contains(out, Effect(End{"eval-2"})) {
			t.Errorf("%s: %+v, %+v", c.name, out, q)
		}
		if late := step(t, s, next[0], 2000); len(late) > 0 || s.Model.Measuring.Running() {
			t.Errorf("%s: a late answer: %+v", c.name, late)
		}
	}
	s, _ := begun(t, false)
	open := only(t, s.Update(FileChosen{Ref: 8, Name: "other.gguf", View: "model"}), wire.OpOpen, "job")
	if out := answer(t, s, open, tale()); !slices.Contains(out, Effect(End{"eval-1"})) || s.Model.Measuring.Running() {
		t.Errorf("another file: %+v", out)
	}
}

// TestNotMeasured says why, for what cannot be run.
func TestNotMeasured(t *testing.T) {
	set := func(key, value string) func(*State) {
		return func(s *State) {
			f := s.Model.File
			f.Meta = slices.DeleteFunc(f.Meta, func(r wire.MetaRow) bool { return r.Key == key })
			f.Meta = append(f.Meta, wire.MetaRow{Key: key, Value: value})
		}
	}
	for _, c := range []struct {
		name string
		do   func(*State)
		want string
	}{
		{"fine", func(*State) {}, ""},
		{"tokenizer", set("tokenizer.ggml.model", "bert"), "tokenizer, bert, is not known"},
		{"no tokenizer", set("tokenizer.ggml.model", ""), "no tokenizer"},
		{"experts", set("llama.expert_count", "8"), "Mixtures of experts"},
		{"architecture", func(s *State) { set("general.architecture", "mamba")(s); set("mamba.block_count", "2")(s) }, "architecture mamba are not run"},
		{"no architecture", set("general.architecture", ""), "does not say what its model is"},
		{"folder", func(s *State) { s.Model.File.Container = "huggingface" }, ""},
		{"other", func(s *State) { s.Model.File.Container = "pytorch" }, "does not say what its model is"},
	} {
		s := readable(t, false)
		c.do(s)
		got := s.Model.NotMeasured()
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
		out := s.Update(MeasureAsked{Workers: 2})
		if q := s.Model.Measuring; (len(out) > 0) != (c.want == "") || q.Fault != got {
			t.Errorf("%s: %+v, %q", c.name, out, q.Fault)
		}
	}
	s := readable(t, false)
	if out := s.Update(MeasureAsked{Text: strings.Repeat("x", maxText+1), Workers: 2}); len(out) > 0 || !strings.Contains(s.Model.Measuring.Fault, "longer than the 1 MiB") {
		t.Errorf("%q", s.Model.Measuring.Fault)
	}
	// What was made of a folder is measured against it, or alone where there is
	// no room for both.
	s = readable(t, true)
	s.Model.File.Container = "huggingface"
	folder := calls(s.Update(MeasureAsked{Workers: 1}))
	if a := folder[0].Args.(wire.EvalOpenArgs); a.Alone || folder[0].File == 0 || folder[0].Parts == 0 {
		t.Errorf("%+v", folder)
	}
	s = readable(t, true)
	s.Model.File.Container = "huggingface"
	s.Model.Remote.opened = "https://there.example/x"
	for i := range s.Model.File.Tensors {
		s.Model.File.Tensors[i].Bytes = 1 << 40
	}
	open := calls(s.Update(MeasureAsked{Workers: 1}))
	if a := open[0].Args.(wire.EvalOpenArgs); !a.Alone || open[0].File != 0 || open[0].Parts == 0 {
		t.Errorf("%+v", open)
	}
}

// TestRunnable holds the page's list against what runs models, which is too
// large for the page.
func TestRunnable(t *testing.T) {
	if want := llama.Architectures(); !slices.Equal(runnable, want) {
		t.Errorf("%v, want %v", runnable, want)
	}
}

// TestRoomToMeasure holds how many workers there are, and what they hold.
func TestRoomToMeasure(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name    string
		weights int64
		url     bool
		lanes   int
		held    int64 // MiB; 0 is all, −1 no room
	}{
		{"small", 10 * mib, false, 4, 0},
		{"fits two far away", 60 * mib, true, 2, 0},
		{"fits one", 150 * mib, false, 3, 1},
		{"2 GiB", 2048 * mib, false, 3, 1},
		{"2 GiB far away", 2048 * mib, true, 0, -1},
	} {
		s := readable(t, false)
		m := &s.Model
		m.File.Tensors = []wire.TensorRow{{Bytes: c.weights, Offset: mib}}
		if c.url {
			m.Remote.opened = "https://example.com/m.gguf"
		}
		n, held, why := m.share(4)
		t.Logf("%s: %d workers, %d MiB, %q", c.name, n, held/mib, why)
		if n != c.lanes || (c.held < 0) != (why != "") || c.held == 0 && held != 0 || c.held > 0 && held < readHeld*mib*9/10 {
			t.Errorf("%s: %d workers, %d MiB held, %q", c.name, n, held/mib, why)
		}
		if all := float64(n) * (readWorker + readTiles + float64(held)/mib*readSlack); all > readRoom {
			t.Errorf("%s: %v MiB", c.name, all)
		}
	}
	s := readable(t, false)
	s.Model.File.Meta = append(s.Model.File.Meta, wire.MetaRow{Key: "llama.attention.key_length", Value: "100000"}, wire.MetaRow{Key: "llama.attention.value_length", Value: "100000"})
	s.Model.File.Tensors[0].Bytes = 1 << 40
	if _, _, why := s.Model.share(2); !strings.Contains(why, "no room") {
		t.Errorf("%q", why)
	}
}
