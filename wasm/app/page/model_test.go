package page

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"fewbits/kernels"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// tale is a small model; its second tensor does not fit the blocks of Q4_K.
func tale() wire.FileInfo {
	return wire.FileInfo{Name: "tale.gguf", Container: "gguf", Size: 3000,
		Meta: []wire.MetaRow{{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: "5"}, {Key: "llama.context_length", Value: "128"}},
		Tensors: []wire.TensorRow{
			{Name: "blk.10.w.weight", Shape: []int{2, 256}, Type: "F32", Values: 512, Bytes: 2048, Readable: true},
			{Name: "blk.2.w.weight", Shape: []int{1, 64}, Type: "F32", Values: 64, Bytes: 256, Readable: true},
			{Name: "norm.weight", Shape: []int{64}, Type: "F32", Values: 64, Bytes: 256, Readable: true},
		}}
}

func talePlan() wire.Plan {
	return wire.Plan{Recipe: "Q4_K", Name: "tale-q4_k.gguf", From: 2560, To: 588, Size: 928, Steps: []wire.StepRow{
		{Tensor: 2, Name: "norm.weight", From: "F32", To: "F32", Bytes: 256, Offset: 320, Unit: 1, Why: "tensors of one dimension are kept"},
		{Tensor: 1, Name: "blk.2.w.weight", From: "F32", To: "Q5_0", Asked: "Q4_K", Bytes: 44, Offset: 576, Unit: 44, Why: "rows of 64 are not a multiple of 256"},
		{Tensor: 0, Name: "blk.10.w.weight", From: "F32", To: "Q4_K", Asked: "Q4_K", Bytes: 288, Offset: 640, Unit: 144},
	}}
}

// taleMade is the file as it is read back.
func taleMade() wire.FileInfo {
	plan, in := talePlan(), tale()
	out := wire.FileInfo{Name: plan.Name, Container: "gguf", Size: plan.Size}
	for _, s := range plan.Steps {
		out.Tensors = append(out.Tensors, wire.TensorRow{Name: s.Name, Shape: in.Tensors[s.Tensor].Shape, Type: s.To, Bytes: s.Bytes, Offset: s.Offset})
	}
	return out
}

// taleLost is what the tensors lost: 0.03 and 0.07 of their size.
func taleLost() wire.Made {
	sums := func(step, values, bytes int, lost float64) wire.StepSums {
		return wire.StepSums{Step: step, Sums: metric.Sums{Values: values, Bytes: bytes, Sums: kernels.Sums{ErrSq: lost * lost, XSq: 1, YSq: 1, XY: 1}}}
	}
	return wire.Made{Lost: []wire.StepSums{sums(1, 64, 44, 0.03), sums(2, 512, 288, 0.07)}}
}

func only(t *testing.T, effects []Effect, op, lane string) Call {
	t.Helper()
	c := calls(effects)
	if len(c) != 1 || c[0].Op != op || c[0].Lane != lane {
		t.Fatalf("asked for %+v, want %s on lane %s", c, op, lane)
	}
	return c[0]
}

// planned is a page whose model is open and planned.
func planned(t *testing.T) *State {
	t.Helper()
	s, _, _ := loaded(t)
	s.Update(Went{"#/model"})
	s.Update(RecipeChosen{"Q4_K"})
	open := only(t, s.Update(FileChosen{Ref: 7, Name: "tale.gguf", View: "model"}), wire.OpOpen, "job")
	if open.File != 7 || !open.Remember || s.Model.Busy == "" {
		t.Fatalf("%+v, busy %q", open, s.Model.Busy)
	}
	plan := only(t, answer(t, s, open, tale()), wire.OpPlan, "job")
	if s.Model.Busy != "" || s.Model.File == nil || !reflect.DeepEqual(plan.Args, wire.PlanArgs{Recipe: "Q4_K"}) {
		t.Fatalf("%+v, busy %q", plan, s.Model.Busy)
	}
	answer(t, s, plan, talePlan())
	return s
}

// converting is a page that quantizes with so many workers; keep is what asked
// where to keep the file, and the calls are those of the first tasks.
func converting(t *testing.T, workers int) (s *State, keep Keep, tasks []Call) {
	t.Helper()
	s = planned(t)
	keep = kept(t, s.Update(QuantizeAsked{}))
	if keep.Name != "tale-q4_k.gguf" || keep.Size != 928 || keep.Straight || !s.Model.Working() {
		t.Fatalf("%+v", keep)
	}
	return s, keep, calls(s.Update(Stored{ID: keep.ID, Workers: workers, Kept: "opfs", At: 1000}))
}

func kept(t *testing.T, effects []Effect) Keep {
	t.Helper()
	for _, e := range effects {
		if k, ok := e.(Keep); ok {
			return k
		}
	}
	t.Fatalf("nothing is kept: %+v", effects)
	return Keep{}
}

// does answers a task, so many ms after the start.
func does(t *testing.T, s *State, c Call, made wire.Made, ms float64) []Effect {
	t.Helper()
	text, err := wire.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	return s.Update(Reply{ID: c.ID, JSON: text, At: 1000 + ms})
}

// finished is a page whose file is made.
func finished(t *testing.T) (*State, Keep) {
	t.Helper()
	s, keep, tasks := converting(t, 2)
	if len(tasks) != 2 || s.Model.Working() == false {
		t.Fatalf("%+v", tasks)
	}
	does(t, s, tasks[0], wire.Made{}, 10)
	out := does(t, s, tasks[1], taleLost(), 3400)
	check := only(t, out, wire.OpOpen, "check")
	if check.Parts != keep.ID || check.Remember {
		t.Fatalf("read back with %+v", check)
	}
	if !slices.Contains(out, Effect(End{"job-1"})) {
		t.Errorf("the worker goes on: %+v", out)
	}
	if s.Model.Made != nil || !s.Model.Working() {
		t.Fatal("the file is offered before it was read back")
	}
	out = answer(t, s, check, taleMade())
	if !slices.Contains(out, Effect(End{"check"})) {
		t.Errorf("the worker of the check goes on: %+v", out)
	}
	return s, keep
}

func TestModelIsPlannedAndMade(t *testing.T) {
	s, keep := finished(t)
	m := &s.Model
	if m.Working() || m.Made == nil || m.Fault != "" {
		t.Fatalf("working %v, made %+v, fault %q", m.Working(), m.Made, m.Fault)
	}
	if want := "Done in 3.4 s. Read back: 3 tensors, the same names, shapes and offsets"; m.Status != want {
		t.Errorf("said %q, want %q", m.Status, want)
	}
	save := s.Update(DownloadAsked{})
	if len(save) != 1 || save[0] != Effect(Save{ID: keep.ID, Name: "tale-q4_k.gguf", Type: "application/octet-stream"}) {
		t.Errorf("%+v", save)
	}
	if l := m.Lines(); l[0].Loss.RelRMSE != 0.07 || l[2].Loss.RelRMSE != 0 {
		t.Errorf("losses stand at the wrong tensors: %+v", l)
	}
	out := s.Update(RecipeChosen{"Q8_0"})
	if m.Made != nil || m.Earlier == nil || slices.Contains(out, Effect(Drop{keep.ID})) {
		t.Errorf("another recipe drops the file of the first: %+v", out)
	}
	if want := "Download still gives tale-q4_k.gguf (Q4_K), until the next Quantize."; m.EarlierText() != want {
		t.Errorf("%q", m.EarlierText())
	}
	if plan := only(t, out, wire.OpPlan, "job"); !reflect.DeepEqual(plan.Args, wire.PlanArgs{Recipe: "Q8_0"}) || !plan.Latest {
		t.Errorf("%+v", plan)
	}
	if save := s.Update(DownloadAsked{}); len(save) != 1 || save[0].(Save).Name != "tale-q4_k.gguf" {
		t.Errorf("the file of the first is no longer offered: %+v", save)
	}
	answer(t, s, only(t, out, wire.OpPlan, "job"), talePlan())
	out = s.Update(QuantizeAsked{})
	if !slices.Contains(out, Effect(Drop{keep.ID})) || m.Earlier != nil || s.Update(DownloadAsked{}) != nil {
		t.Errorf("the next file leaves that of the first: %+v", out)
	}
}

func TestModelReadBackFindsDifferences(t *testing.T) {
	tests := []struct {
		name string
		spot func(*wire.FileInfo)
		want string
	}{
		{"size", func(f *wire.FileInfo) { f.Size-- }, "927 bytes, not 928"},
		{"number", func(f *wire.FileInfo) { f.Tensors = f.Tensors[:2] }, "2 tensors, not 3"},
		{"name", func(f *wire.FileInfo) { f.Tensors[1].Name = "x" }, `"x", not "blk.2.w.weight"`},
		{"shape", func(f *wire.FileInfo) { f.Tensors[2].Shape = []int{256, 2} }, "[256 2], not [2 256]"},
		{"type", func(f *wire.FileInfo) { f.Tensors[2].Type = "Q6_K" }, "is Q6_K"},
		{"offset", func(f *wire.FileInfo) { f.Tensors[2].Offset = 608 }, "byte 608, not 640"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			s, keep, tasks := converting(t, 1)
			does(t, s, tasks[0], wire.Made{}, 10)
			check := only(t, does(t, s, tasks[1], taleLost(), 20), wire.OpOpen, "check")
			bad := taleMade()
			c.spot(&bad)
			out := answer(t, s, check, bad)
			if m := &s.Model; m.Made != nil || m.Working() || !strings.Contains(m.Fault, c.want) {
				t.Errorf("made %+v, fault %q, want %q", m.Made, m.Fault, c.want)
			}
			if !slices.Contains(out, Effect(Drop{keep.ID})) {
				t.Errorf("the file stays: %+v", out)
			}
		})
	}
}

func TestModelCancel(t *testing.T) {
	s, keep, tasks := converting(t, 2)
	does(t, s, tasks[0], wire.Made{}, 10)
	out := s.Update(CancelAsked{})
	for _, want := range []Effect{End{"job-1"}, Drop{keep.ID}} {
		if !slices.Contains(out, want) {
			t.Errorf("no %+v in %+v", want, out)
		}
	}
	m := &s.Model
	if m.Working() || m.Progress().Done != 0 || m.Status != "Cancelled; nothing was kept" || m.Plan == nil {
		t.Errorf("%+v", m)
	}
	// What was on its way changes nothing any more.
	if late := does(t, s, tasks[1], taleLost(), 20); len(late) > 0 || m.Working() || m.Made != nil || m.Status != "Cancelled; nothing was kept" {
		t.Errorf("a late answer: %+v", late)
	}
	if len(s.Update(CancelAsked{})) != 0 {
		t.Error("Cancel does something twice")
	}

	// While it is read back.
	s, keep, tasks = converting(t, 2)
	does(t, s, tasks[0], wire.Made{}, 10)
	check := only(t, does(t, s, tasks[1], taleLost(), 20), wire.OpOpen, "check")
	if out := s.Update(CancelAsked{}); !slices.Contains(out, Effect(End{"check"})) || !slices.Contains(out, Effect(Drop{keep.ID})) {
		t.Errorf("cancelled while it was read back: %+v", out)
	}
	s.Update(Fault{ID: check.ID, Message: "the engine was closed"})
	if s.Model.Fault != "" || s.Model.Made != nil {
		t.Errorf("%+v", s.Model)
	}

	// While there is nowhere to keep it yet.
	s = planned(t)
	keep = kept(t, s.Update(QuantizeAsked{Straight: true}))
	if !keep.Straight {
		t.Errorf("%+v", keep)
	}
	if out := s.Update(CancelAsked{}); !slices.Contains(out, Effect(Drop{keep.ID})) || s.Model.Working() {
		t.Errorf("%+v", out)
	}
	if out := s.Update(Stored{ID: keep.ID, Workers: 2}); len(out) != 1 || out[0] != Effect(Drop{keep.ID}) {
		t.Errorf("found too late: %+v", out)
	}
}

// TestModelNowhereToKeep holds that a fault, or no word at all where the person
// changed their mind, leads back to the plan.
func TestModelNowhereToKeep(t *testing.T) {
	for _, why := range []string{"the disk is full", ""} {
		s := planned(t)
		keep := kept(t, s.Update(QuantizeAsked{Straight: true}))
		s.Update(Fault{ID: keep.ID, Message: why})
		if m := &s.Model; m.Working() || m.Fault != why || !m.Ready() || !strings.HasPrefix(m.Status, "Ready") {
			t.Errorf("%q: %+v", why, m)
		}
	}
}

func TestModelProgressIsReadable(t *testing.T) {
	s := planned(t)
	m := &s.Model
	p := wire.Plan{Recipe: "Q4_K", Name: "t.gguf", Size: 64 + 60*144, Steps: []wire.StepRow{{Name: "t", From: "F32", To: "Q4_K", Asked: "Q4_K", Bytes: 60 * 144, Offset: 64, Unit: 144}}}
	m.Plan = &p
	m.File.Tensors = []wire.TensorRow{{Name: "t", Values: 60 << 20}} // rows of a million
	keep := kept(t, s.Update(QuantizeAsked{}))
	out := s.Update(Stored{ID: keep.ID, Workers: 3, At: 1000})
	if n := len(calls(out)); n != 3*atOnce {
		t.Fatalf("%d tasks for three workers", n)
	}
	var said []string
	drawn := map[int]bool{}
	for ms := 0.0; m.job != nil; ms += 50 {
		done := m.Progress().Done
		for id := range m.job.running {
			does(t, s, Call{ID: id}, wire.Made{}, ms)
			break
		}
		if pr := m.Progress(); m.job != nil && (pr.Done < done || pr.Total != 60<<20) {
			t.Fatalf("%+v", pr)
		}
		if len(said) == 0 || said[len(said)-1] != m.Status {
			said = append(said, m.Status)
		}
		drawn[m.Version()] = true
	}
	if said[0] != "t to Q4_K · tensor 1 of 1" || said[len(said)-1] != "Reading t.gguf back" {
		t.Errorf("said %q", said)
	}
	if n := len(drawn); n < 8 || n > 16 {
		t.Errorf("the table is drawn %d times in three seconds", n)
	}
	pr := Progress{Done: 160, Total: 640, Elapsed: 2000}
	if pr.Share() != 0.25 || pr.Speed() != 80 || pr.Left() != 6 {
		t.Errorf("share %v, speed %v, left %v", pr.Share(), pr.Speed(), pr.Left())
	}
	if pr = (Progress{Total: 640}); pr.Speed() != 0 || pr.Left() != -1 || (&Progress{}).Share() != 0 {
		t.Error("something is known before the start")
	}
}

func TestModelFaultsKeepTheLastGood(t *testing.T) {
	s, keep := finished(t)
	m := &s.Model
	open := only(t, s.Update(FileChosen{Ref: 8, Name: "bad.gguf", View: "model"}), wire.OpOpen, "job")
	s.Update(Fault{ID: open.ID, Message: "gguf: bad.gguf ends too early"})
	if m.Fault == "" || m.Busy != "" || m.File.Name != "tale.gguf" || m.Plan == nil || m.Made == nil {
		t.Errorf("%+v", m)
	}
	if save := s.Update(DownloadAsked{}); len(save) != 1 || save[0].(Save).ID != keep.ID {
		t.Errorf("%+v", save)
	}
	s.Update(FaultDismissed{})
	if m.Fault != "" {
		t.Error("the fault stays")
	}

	s, keep, tasks := converting(t, 2)
	m = &s.Model
	out := s.Update(FileChosen{Ref: 9, Name: "other.gguf", View: "model"})
	if len(out) != 0 || !strings.Contains(m.Fault, "still being quantized") || !m.Working() {
		t.Errorf("opening while it works: %+v, fault %q", out, m.Fault)
	}
	out = s.Update(Fault{ID: tasks[1].ID, Message: "row 2 holds a NaN"})
	if m.Working() || m.Fault != "row 2 holds a NaN" || m.Plan == nil || !slices.Contains(out, Effect(Drop{keep.ID})) || !slices.Contains(out, Effect(End{"job-1"})) {
		t.Errorf("%+v, %+v", m, out)
	}
	kept(t, s.Update(QuantizeAsked{}))
}

// TestModelOpenedTwice holds that two files opened in quick succession leave
// the one that the worker holds.
func TestModelOpenedTwice(t *testing.T) {
	s := planned(t)
	first := only(t, s.Update(FileChosen{Ref: 8, Name: "a.gguf", View: "model"}), wire.OpOpen, "job")
	second := only(t, s.Update(FileChosen{Ref: 9, Name: "b.gguf", View: "model"}), wire.OpOpen, "job")
	a := tale()
	a.Name = "a.gguf"
	plan := only(t, answer(t, s, first, a), wire.OpPlan, "job")
	if s.Model.Busy == "" || s.Model.Plan != nil {
		t.Error("the second file is no longer being read")
	}
	s.Update(Fault{ID: second.ID, Message: "b.gguf is none"})
	answer(t, s, plan, talePlan())
	if m := &s.Model; m.File.Name != "a.gguf" || m.Plan == nil || m.ref != 8 || m.Busy != "" {
		t.Errorf("%+v", m)
	}
}

func TestModelPlanThatCannotBe(t *testing.T) {
	s := planned(t)
	plan := only(t, s.Update(RecipeChosen{"Q8_0"}), wire.OpPlan, "job")
	s.Update(Fault{ID: plan.ID, Message: "no"})
	if m := &s.Model; m.Fault != "no" || m.Plan != nil || len(m.Lines()) != 3 || m.File == nil {
		t.Errorf("%+v", m)
	}
	if s.Update(FaultDismissed{}); s.Model.News() != "tale.gguf holds 3 tensors" {
		t.Errorf("without a plan it says %q", s.Model.News())
	}
	if out := s.Update(QuantizeAsked{}); len(out) != 0 {
		t.Errorf("quantized without a plan: %+v", out)
	}
	// An answer that was overtaken does not come back.
	late := only(t, s.Update(RecipeChosen{"Q4_0"}), wire.OpPlan, "job")
	s.Update(RecipeChosen{"Q6_K"})
	answer(t, s, late, talePlan())
	if s.Model.Plan != nil {
		t.Error("the plan of a recipe that is no longer chosen")
	}
}

func names(m *Model) string {
	var s []string
	for _, l := range m.Lines() {
		s = append(s, strings.TrimSuffix(l.Info.Name, ".weight"))
	}
	return strings.Join(s, " ")
}

func TestModelTable(t *testing.T) {
	s, _ := finished(t)
	m := &s.Model
	for _, c := range []struct{ column, want string }{
		{"name", "blk.2.w blk.10.w norm"}, {"name", "norm blk.10.w blk.2.w"}, {"name", "blk.10.w blk.2.w norm"},
		{"now", "blk.10.w blk.2.w norm"}, {"next", "blk.10.w norm blk.2.w"}, {"bits", "norm blk.2.w blk.10.w"},
		{"loss", "blk.10.w blk.2.w norm"}, {"loss", "norm blk.2.w blk.10.w"}, {"nonsense", "norm blk.2.w blk.10.w"},
	} {
		before := m.Version()
		s.Update(Sorted{c.column})
		if got := names(m); got != c.want {
			t.Errorf("by %s: %s, want %s", c.column, got, c.want)
		}
		if (m.Version() != before) != (c.column != "nonsense") {
			t.Errorf("by %s: version %d after %d", c.column, m.Version(), before)
		}
	}
	for _, c := range []struct{ filter, want string }{
		{"blk", "blk.2.w blk.10.w"}, {"BLK q5", "blk.2.w"}, {"multiple of 256", "blk.2.w"}, {"1 × 64", "blk.2.w"}, {"q9", ""}, {" ", "norm blk.2.w blk.10.w"},
	} {
		s.Update(Filtered{c.filter})
		if got := names(m); got != c.want {
			t.Errorf("filter %q: %s, want %s", c.filter, got, c.want)
		}
	}
}

func TestNatural(t *testing.T) {
	for _, c := range [][2]string{{"blk.2.a", "blk.10.a"}, {"a", "b"}, {"a", "a1"}, {"a01", "a2"}, {"", "a"}, {"a9b", "a10"}} {
		if natural(c[0], c[1]) >= 0 || natural(c[1], c[0]) <= 0 {
			t.Errorf("%q does not stand before %q", c[0], c[1])
		}
	}
	if natural("a007", "a7") != 0 || natural("x", "x") != 0 {
		t.Error("equal names are not equal")
	}
}

func TestModelFacts(t *testing.T) {
	s := planned(t)
	m := &s.Model
	if m.Architecture() != "llama, 5 layers" || m.Context() != "128" || m.Parameters() != 640 {
		t.Errorf("%q, %q, %d", m.Architecture(), m.Context(), m.Parameters())
	}
	want := []Reason{{"Q5_0", "rows of 64 are not a multiple of 256", 1, false}, {"F32", "tensors of one dimension are kept", 1, true}}
	if got := m.Reasons(); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got, want := m.Mix(), []Part{{"Q4_K", 1, 512, 288}, {"F32", 1, 64, 256}, {"Q5_0", 1, 64, 44}}; !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got, want := m.Now(), []Part{{"F32", 3, 640, 2560}}; !slices.Equal(got, want) || got[0].Bits() != 32 {
		t.Errorf("%+v", got)
	}
}

func TestRecipes(t *testing.T) {
	s := planned(t)
	names := func() (names, labels []string) {
		for _, c := range s.Recipes() {
			if c.Help == "" {
				t.Errorf("%+v", c)
			}
			names, labels = append(names, c.Name), append(labels, c.Label)
		}
		return names, labels
	}
	recipes := []string{"Q8_0", "Q6_K", "Q4_K_M", "Q4_K_S", "Q4_0"}
	pure := []string{"Q4_K, pure", "Q4_0, pure", "Q8_0, pure", "Q6_K, pure"}
	got, labels := names()
	if !slices.Equal(labels, slices.Concat(recipes, pure)) || !slices.Equal(got, slices.Concat(recipes, []string{"Q4_K"}, pure[1:])) {
		t.Errorf("%v, %v", got, labels)
	}
	s.Update(RecipeChosen{"Q4_K_M"})
	if help := s.RecipeHelp(); !strings.Contains(help, "4.89 bits") {
		t.Error(help)
	}
	// Of a file that says nothing of a model the names are those of types.
	s.Model.File.Meta = nil
	if got, labels = names(); !slices.Equal(labels, pure) || !slices.Equal(got, []string{"Q4_K", "Q4_0", "Q8_0", "Q6_K"}) {
		t.Errorf("%v, %v", got, labels)
	}
	if s.fitRecipe(); s.Model.Recipe != "Q4_K" {
		t.Error(s.Model.Recipe)
	}
}

func TestModelCommands(t *testing.T) {
	m := &planned(t).Model
	own, llama := m.Commands()
	if own != "fewbits quantize tale.gguf -to Q4_K -o tale-q4_k.gguf" || llama != "llama-quantize --pure tale.gguf tale-q4_k.gguf Q4_K" {
		t.Errorf("%s\n%s", own, llama)
	}
	m.Plan.Recipe = "Q4_0, pure"
	if own, llama := m.Commands(); !strings.Contains(own, "-to Q4_0 -pure -o") || !strings.Contains(llama, "llama-quantize --pure tale.gguf") || !strings.HasSuffix(llama, " Q4_0") {
		t.Errorf("%s\n%s", own, llama)
	}
	m.Plan.Recipe = "Q4_K_M"
	if own, llama := m.Commands(); !strings.Contains(own, "-to Q4_K_M -o") || llama != "llama-quantize tale.gguf tale-q4_k.gguf Q4_K_M" {
		t.Errorf("%s\n%s", own, llama)
	}
	m.Plan.Recipe = "Q4_K"
	m.Plan.Steps[2].From = "Q8_0"
	if _, llama := m.Commands(); !strings.Contains(llama, "--allow-requantize tale.gguf") {
		t.Error(llama)
	}
	m.Plan.Recipe = "NVFP4"
	if _, llama := m.Commands(); llama != "" {
		t.Errorf("llama-quantize has no NVFP4: %s", llama)
	}
	m.File.Container = "safetensors"
	if _, llama := m.Commands(); llama != "" {
		t.Errorf("llama-quantize takes no safetensors: %s", llama)
	}
	for in, want := range map[string]string{"a.b-c_d+1": "a.b-c_d+1", "a b": "'a b'", "it's": `'it'\''s'`, "-x": "'./-x'", "$(x)": "'$(x)'", "": "''", "ü": "'ü'"} {
		if got := Quoted(in); got != want {
			t.Errorf("%q is quoted %s, want %s", in, got, want)
		}
	}
}

func TestModelTensorOpensInTensor(t *testing.T) {
	s := planned(t)
	out := s.Update(TensorAsked{1})
	if !slices.Contains(out, Effect(Go{"#/tensor"})) {
		t.Errorf("%+v", out)
	}
	open := only(t, out, wire.OpOpen, "a")
	if open.File != 7 {
		t.Errorf("%+v", open)
	}
	s.Update(Went{"#/tensor"})
	next := calls(answer(t, s, open, tale()))
	if s.Tensor.Source.Name != "blk.2.w.weight" || s.Tensor.Source.Index != 1 || s.Tensor.Source.File != "tale.gguf" {
		t.Errorf("%+v, then %+v", s.Tensor.Source, next)
	}
	// The same file again is not opened twice.
	out = s.Update(TensorAsked{0})
	if load := only(t, out, wire.OpLoad, "a"); load.Args.(wire.Source).Index != 0 {
		t.Errorf("%+v", load)
	}
	if s.Update(TensorAsked{3}) != nil || s.Update(TensorAsked{-1}) != nil {
		t.Error("a tensor that is not there")
	}
}

func TestQuantizeWaitsForTheFileBeingOpened(t *testing.T) {
	s := planned(t)
	open := only(t, s.Update(FileChosen{Ref: 8, Name: "other.gguf", View: "model"}), wire.OpOpen, "job")
	if out := s.Update(QuantizeAsked{}); len(out) > 0 || s.Model.Working() {
		t.Fatalf("the plan of the file before is carried out: %+v", out)
	}
	plan := only(t, answer(t, s, open, tale()), wire.OpPlan, "job")
	answer(t, s, plan, talePlan())
	kept(t, s.Update(QuantizeAsked{}))
}

// TestDefaultRecipe is a mixture where the file says what its model is; what a
// person chose stays.
func TestDefaultRecipe(t *testing.T) {
	bare := tale()
	bare.Meta = nil
	for _, c := range []struct {
		name   string
		info   wire.FileInfo
		chosen string
		want   string
	}{{"model", tale(), "", "Q4_K_M"}, {"box", bare, "", "Q4_K"}, {"chosen", tale(), "Q4_K", "Q4_K"}, {"chosen and not for it", bare, "Q4_K_M", "Q4_K"}} {
		s, _, _ := loaded(t)
		s.Update(Went{"#/model"})
		if c.chosen != "" {
			s.Update(RecipeChosen{c.chosen})
		}
		open := only(t, s.Update(FileChosen{Ref: 7, Name: "tale.gguf", View: "model"}), wire.OpOpen, "job")
		plan := only(t, answer(t, s, open, c.info), wire.OpPlan, "job")
		if got := plan.Args.(wire.PlanArgs).Recipe; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
