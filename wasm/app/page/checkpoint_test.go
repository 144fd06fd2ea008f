package page

import (
	"slices"
	"strings"
	"testing"

	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

var gptqSaved = wire.CheckpointArgs{Folder: "tale-gptq-int4", As: "gptq", Format: "INT4", Options: map[string]string{"group": "32", "sym": "false"}}

// savingStep is a page whose worker was asked for the first piece of a
// checkpoint, with the request that keeps the archive.
func savingStep(t *testing.T, s *State, a wire.CheckpointArgs) (Call, Keep) {
	t.Helper()
	c := only(t, s.Update(&CheckpointAsked{CheckpointArgs: a, At: 1000}), wire.OpCheckpointOpen, checkpointLane)
	if got := c.Args.(wire.CheckpointArgs); c.File != 7 || got.Name != "tale.gguf" || got.Folder != "tale-gptq-int4" {
		t.Fatalf("%+v", c)
	}
	out := answer(t, s, c, wire.CheckpointPlan{Size: 100, Files: []wire.CheckpointFile{{Name: "model.safetensors", Size: 40}, {Name: "config.json", Size: 20}}, Load: "load it"})
	k, ok := out[0].(Keep)
	if !ok || len(out) != 1 || k.Name != "tale-gptq-int4.zip" || k.Size != 100 || !k.Alone || k.Straight {
		t.Fatalf("%+v", out)
	}
	return only(t, s.Update(Stored{ID: k.ID, Workers: 3, Kept: "opfs", At: 1100}), wire.OpCheckpoint, checkpointLane), k
}

// saved has two pieces written and the archive read back.
func saved(t *testing.T, s *State, c Call, last wire.CheckpointStep, back wire.FileInfo) []Effect {
	t.Helper()
	for i, at := range []int64{30, 0} {
		if c.At != -1 || c.Into != s.Model.Checkpoint.fileID {
			t.Fatalf("%+v", c)
		}
		c = only(t, answer(t, s, c, wire.CheckpointStep{At: at, Bytes: 50, Tensor: "a.weight"}), wire.OpCheckpoint, checkpointLane)
		if got := s.Model.Checkpoint.Share(); got != 0.5*float64(i+1) {
			t.Errorf("%g is written", got)
		}
	}
	out := answer(t, s, c, last)
	check := calls(out)[0]
	if !slices.Contains(out, Effect(End{checkpointLane})) || check.Op != wire.OpOpen || check.Lane != "check" || check.Parts != s.Model.Checkpoint.fileID {
		t.Fatalf("%+v", out)
	}
	return answer(t, s, check, back)
}

var (
	savedStep = wire.CheckpointStep{Through: true, As: "GPTQ 4-bit g32", Quantized: 2, Values: 100, Bytes: 60, Lost: metric.Sums{Values: 10, XSq: 100, ErrSq: 1, Bytes: 5}}
	savedBack = wire.FileInfo{Container: "huggingface", Tensors: []wire.TensorRow{{Name: "a", Stored: "GPTQ 4-bit g32"}, {Name: "b", Stored: "GPTQ 4-bit g32"}, {Name: "c"}}}
)

func TestCheckpointIsSaved(t *testing.T) {
	s := readable(t, false)
	c, k := savingStep(t, s, gptqSaved)
	x := &s.Model.Checkpoint
	if s.Model.Idle() || s.Model.Ready() || !x.Working() {
		t.Error("something else may begin")
	}
	for _, e := range []Event{&CheckpointAsked{CheckpointArgs: gptqSaved}, QuantizeAsked{}, MeasureAsked{Workers: 2}, CheckpointSaved{}} {
		if out := s.Update(e); len(out) > 0 {
			t.Errorf("%T meanwhile: %+v", e, out)
		}
	}
	saved(t, s, c, savedStep, savedBack)
	if !x.Made() || !x.Offered() || x.Working() || !s.Model.Idle() || !strings.HasSuffix(x.Status, "Read back: 3 tensors, 2 of them quantized") {
		t.Fatalf("%+v", x)
	}
	if out := s.Update(CheckpointSaved{}); len(out) != 1 || out[0] != Effect(Save{k.ID, "tale-gptq-int4.zip", "application/zip"}) {
		t.Errorf("%+v", out)
	}
	if len(x.Last) == 0 || len(x.Plan) == 0 {
		t.Error("what came of it is not kept")
	}
	// The next one takes its place, and another model forgets it.
	out := s.Update(&CheckpointAsked{CheckpointArgs: gptqSaved})
	if !slices.Contains(out, Effect(Drop{k.ID})) || x.Made() {
		t.Errorf("%+v", out)
	}
	if out := s.dropCheckpoint(); !slices.Contains(out, Effect(End{checkpointLane})) || x.Working() {
		t.Errorf("%+v", out)
	}
}

func TestCheckpointIsStraight(t *testing.T) {
	s := readable(t, false)
	out := s.Update(&CheckpointAsked{CheckpointArgs: gptqSaved, Straight: true})
	k, ok := out[len(out)-1].(Keep)
	if !ok || !k.Straight || k.Size != 0 {
		t.Fatalf("%+v", out)
	}
	s.Update(Fault{ID: k.ID})
	if x := &s.Model.Checkpoint; x.Working() || x.Fault != "" || x.Status != "Nothing was picked to save to" {
		t.Errorf("%+v", x)
	}
	out = s.Update(&CheckpointAsked{CheckpointArgs: gptqSaved, Straight: true})
	k = out[len(out)-1].(Keep)
	c := only(t, s.Update(Stored{ID: k.ID, Kept: "file"}), wire.OpCheckpointOpen, checkpointLane)
	c = only(t, answer(t, s, c, wire.CheckpointPlan{Size: 100}), wire.OpCheckpoint, checkpointLane)
	saved(t, s, c, savedStep, savedBack)
	if x := &s.Model.Checkpoint; !x.Made() || x.Offered() || !strings.Contains(x.Status, "Saved. ") {
		t.Errorf("%+v", x)
	}
}

func TestCheckpointGoesWrong(t *testing.T) {
	for name, do := range map[string]func(s *State, c Call, k Keep) []Effect{
		"step":      func(s *State, c Call, _ Keep) []Effect { return s.Update(Fault{ID: c.ID, Message: "no room"}) },
		"keep":      func(s *State, _ Call, k Keep) []Effect { return s.Update(Fault{ID: k.ID, Message: "no room"}) },
		"read back": func(s *State, c Call, _ Keep) []Effect { return saved(t, s, c, savedStep, wire.FileInfo{}) },
	} {
		s := readable(t, false)
		c, k := savingStep(t, s, gptqSaved)
		if name == "keep" {
			s.pending[k.ID] = pending{"checkpoint", "keep"}
		}
		out := do(s, c, k)
		if x := &s.Model.Checkpoint; x.Working() || x.Made() || x.Fault == "" || !slices.Contains(out, Effect(Drop{k.ID})) {
			t.Errorf("%s: %+v, %+v", name, out, x)
		}
	}
	// Cancelled, and late news of it.
	s := readable(t, false)
	c, k := savingStep(t, s, gptqSaved)
	out := s.Update(CheckpointCancelled{})
	if !slices.Contains(out, Effect(Drop{k.ID})) || !slices.Contains(out, Effect(End{checkpointLane})) || s.Model.Checkpoint.Status != "Cancelled; nothing was kept" {
		t.Errorf("%+v", out)
	}
	if out := s.Update(Fault{ID: c.ID, Message: "late"}); len(out) > 0 || s.Model.Checkpoint.Fault != "" {
		t.Errorf("%+v", out)
	}
	if out := s.Update(Stored{ID: k.ID}); len(out) != 1 || out[0] != Effect(Drop{k.ID}) {
		t.Errorf("kept too late: %+v", out)
	}
}

func TestCheckpointOfAMethod(t *testing.T) {
	decided := wire.CheckpointArgs{Folder: "tale-gptq", As: "gptq", Format: "GPTQ", Decided: true}
	s, c := flowing(t, gptqAsked)
	answer(t, s, c, wire.FlowStep{Through: true, Name: "m.gguf", Own: counted(1), Plain: counted(2)})
	c = only(t, s.Update(&CheckpointAsked{CheckpointArgs: decided}), wire.OpCheckpointOpen, flowLane)
	if a := c.Args.(wire.CheckpointArgs); c.File != 0 || a.Folder != "tale-gptq" || !a.Decided {
		t.Errorf("%+v", c)
	}
	if r := s.Model.Checkpoint.Asked.Run; r == nil || r.Format != "GPTQ" {
		t.Errorf("%+v", r)
	}
	// Cancelled: what was decided stays.
	if out := s.Update(CheckpointCancelled{}); slices.Contains(out, Effect(End{flowLane})) || s.Model.Flow.Kept == nil {
		t.Errorf("%+v", out)
	}
	s.restFlow()
	if out := s.Update(&CheckpointAsked{CheckpointArgs: decided}); len(out) > 0 || !strings.Contains(s.Model.Checkpoint.Fault, "run it again") {
		t.Errorf("%+v, %q", out, s.Model.Checkpoint.Fault)
	}
}

func TestStoredAs(t *testing.T) {
	for name, want := range map[string][2]string{
		"GPTQ 4-bit g128":                     {"GPTQ v1, 4 bits, groups of 128", "4-bit"},
		"GPTQ v2 3-bit":                       {"GPTQ v2, 3 bits, a scale a row", "3-bit"},
		"AWQ 4-bit g64":                       {"AWQ, 4 bits, groups of 64", "4-bit"},
		"bitsandbytes NF4, blocks of 64":      {"bitsandbytes NF4, blocks of 64", "NF4"},
		"bitsandbytes INT8":                   {"bitsandbytes INT8", "INT8"},
		"compressed-tensors packed 4-bit g32": {"compressed-tensors packed, 4 bits, groups of 32", "4-bit"},
		"HQQ 2-bit g16 axis 0":                {"HQQ, 2 bits, groups of 16 axis 0", "2-bit"},
	} {
		if got := [2]string{StoredAs(name), Short(&wire.TensorRow{Stored: name, Type: "F32"})}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := Short(&wire.TensorRow{Type: "F16"}); got != "F16" {
		t.Error(got)
	}
}
