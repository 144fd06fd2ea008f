package page

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fewbits/kernels"
	"fewbits/quant/convert"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// bigPlan is a plan with every kind of step: small ones in a run, large ones in
// pieces, copies, rows longer than a task.
func bigPlan() (*wire.Plan, []wire.TensorRow) {
	const m = convert.SliceValues
	p := &wire.Plan{Recipe: "Q8_0", Name: "big.gguf"}
	var tensors []wire.TensorRow
	at := int64(4096)
	add := func(values int, bytes, unit int64) {
		p.Steps = append(p.Steps, wire.StepRow{Tensor: len(tensors), Name: fmt.Sprint("t", len(tensors)), To: "Q8_0", Asked: "Q8_0", Bytes: bytes, Unit: unit, Offset: at})
		tensors = append(tensors, wire.TensorRow{Values: values})
		at = (at + bytes + 31) / 32 * 32
	}
	add(64, 256, 1)                       // copied
	add(4096, 4352, 4352)                 // a row
	add(3*m+4096, (3*m+4096)/32*34, 4352) // in pieces, the last of one row
	add(m/2, m/2/32*34, 4352)
	add(m/2, m/2/32*34, 4352)
	add(1000, 4000, 1)
	add(5*m, 5*m*4, 1)             // copied, in pieces
	add(4*m, 4*m/32*34, 4*m/32*34) // one row
	add(33, 66, 2)
	p.Size = at
	return p, tensors
}

// TestJobCoversTheFile holds that the tasks are the whole file, once, in pieces
// of whole units and a modest size.
func TestJobCoversTheFile(t *testing.T) {
	p, tensors := bigPlan()
	j := newJob(p, wire.PlanArgs{}, tensors, 2, 0)
	at, values, pieces := int64(0), int64(0), make([]int, len(p.Steps))
	for _, k := range j.todo {
		if k.from != at || k.to <= k.from {
			t.Fatalf("%d to %d after %d", k.from, k.to, at)
		}
		at = k.to
		values += k.values
		if k.values > convert.SliceValues && p.Steps[k.first].Unit < p.Steps[k.first].Bytes {
			t.Errorf("%s: %d values in a task", j.name(k), k.values)
		}
		for i := k.first; i <= k.last; i++ {
			s := p.Steps[i]
			if from, n := max(0, k.from-s.Offset), min(k.to, s.Offset+s.Bytes)-max(k.from, s.Offset); from%s.Unit != 0 || n%s.Unit != 0 {
				t.Errorf("%s: %d bytes from %d on are no whole units of %d", s.Name, n, from, s.Unit)
			}
			pieces[i]++
		}
	}
	total := int64(0)
	for _, r := range tensors {
		total += int64(r.Values)
	}
	if at != p.Size || values != total || j.Total != total {
		t.Errorf("%d bytes of %d, %d values of %d", at, p.Size, values, total)
	}
	if want := []int{1, 1, 4, 1, 1, 1, 5, 1, 1}; !slices.Equal(pieces, want) {
		t.Errorf("pieces %v, want %v", pieces, want)
	}
}

func TestWorkersFitTheMemory(t *testing.T) {
	for _, c := range []struct {
		mib  float64
		want int
	}{{0, 13}, {4.2, 5}, {10, 2}, {40, 0}} {
		if got := within(int64(c.mib * (1 << 20))); got != c.want {
			t.Errorf("a header of %v MiB: %d workers, want %d", c.mib, got, c.want)
		}
	}
	p, tensors := bigPlan()
	for i := range p.Steps {
		p.Steps[i].Offset += 40 << 20
	}
	if j := newJob(p, wire.PlanArgs{}, tensors, 6, 0); len(j.lanes) != 1 {
		t.Errorf("%d workers", len(j.lanes))
	}
}

// working is a page at work on a plan, and its first effects.
func working(t *testing.T, p *wire.Plan, tensors []wire.TensorRow, workers int) (*State, []Effect) {
	t.Helper()
	s := planned(t)
	s.Model.Plan, s.Model.File.Tensors = p, tensors
	keep := kept(t, s.Update(QuantizeAsked{}))
	return s, s.Update(Stored{ID: keep.ID, Workers: workers, Kept: "opfs", At: 1000})
}

// play is what workers do with the tasks of a plan: they write parts of a file,
// in any order, and die when they are told to.
type play struct {
	t     *testing.T
	s     *State
	wrote [][2]int64
	open  []Call
	ended map[string]bool
	check *Call
	most  map[string]int // tasks that a lane had at once
}

func (w *play) do(out []Effect) {
	w.t.Helper()
	for _, e := range out {
		switch e := e.(type) {
		case Call:
			if e.Op == wire.OpOpen {
				w.check = &e
				continue
			}
			if a := e.Args.(wire.MakeArgs); a.From != e.At || e.Into != w.s.Model.fileID || a.Recipe != w.s.Model.Recipe {
				w.t.Fatalf("%+v", e)
			}
			w.open = append(w.open, e)
			n := 0
			for _, c := range w.open {
				if c.Lane == e.Lane {
					n++
				}
			}
			w.most[e.Lane] = max(w.most[e.Lane], n)
		case End:
			w.ended[e.Lane] = true
			w.open = slices.DeleteFunc(w.open, func(c Call) bool { return c.Lane == e.Lane })
		}
	}
}

// one takes a task off and answers it, or lets its worker die.
func (w *play) one(i int, dies bool, ms float64) {
	w.t.Helper()
	c := w.open[i]
	w.open = slices.Delete(w.open, i, i+1)
	if dies {
		lost := slices.Clone(w.open)
		w.do(w.s.Update(Fault{ID: c.ID, Message: "it was closed", Died: true}))
		for _, l := range lost { // what waited for it fails when it is ended
			if l.Lane == c.Lane {
				w.do(w.s.Update(Fault{ID: l.ID, Message: "the engine is closed"}))
			}
		}
		return
	}
	a := c.Args.(wire.MakeArgs)
	var made wire.Made
	for i, s := range w.s.Model.Plan.Steps {
		if n := min(a.To, s.Offset+s.Bytes) - max(a.From, s.Offset); n > 0 && s.Unit > 1 {
			made.Lost = append(made.Lost, wire.StepSums{Step: i, Sums: metric.Sums{Values: int(n), Bytes: int(n), Sums: kernels.Sums{ErrSq: 1, XSq: float64(n)}}})
		}
	}
	w.wrote = append(w.wrote, [2]int64{a.From, a.To})
	w.do(does(w.t, w.s, c, made, ms))
}

// whole holds that all of the file was written, and nothing twice.
func (w *play) whole(size int64) {
	w.t.Helper()
	slices.SortFunc(w.wrote, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	at := int64(0)
	for _, r := range w.wrote {
		if r[0] != at {
			w.t.Errorf("after byte %d comes byte %d", at, r[0])
		}
		at = r[1]
	}
	if at != size {
		w.t.Errorf("%d bytes of %d", at, size)
	}
}

func TestJobRunsToItsEnd(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 6} {
		for _, deaths := range []int{0, 7} {
			t.Run(fmt.Sprint(workers, " workers, a death in ", deaths), func(t *testing.T) {
				p, tensors := bigPlan()
				s, out := working(t, p, tensors, workers)
				w := &play{t: t, s: s, ended: map[string]bool{}, most: map[string]int{}}
				w.do(out)
				r := rand.New(rand.NewPCG(1, 2))
				for n := 1; len(w.open) > 0; n++ {
					w.one(r.IntN(len(w.open)), deaths > 0 && n%deaths == 0, float64(n))
				}
				if w.check == nil {
					t.Fatalf("it does not end: %+v", s.Model.Fault)
				}
				w.whole(p.Size)
				for lane, n := range w.most {
					if least := map[bool]int{true: atOnce, false: atLast}[workers < 3]; n < least || n > atOnce {
						t.Errorf("%s had %d tasks at once", lane, n)
					}
				}
				if len(w.ended) != max(1, workers) || len(w.most) != max(1, workers) {
					t.Errorf("ended %v of %v", w.ended, w.most)
				}
				made := s.Model.ended
				if l := made.Losses[2]; l.RelRMSE == 0 || made.Losses[0].RelRMSE != 0 || made.Total.Values == 0 || made.Kept != "opfs" || made.Size != p.Size {
					t.Errorf("%+v", made)
				}
			})
		}
	}
}

// TestJobGivesUp holds that a task is tried three times, and that other workers
// take over from one that dies whatever it is given.
func TestJobGivesUp(t *testing.T) {
	p, tensors := bigPlan()
	s, out := working(t, p, tensors, 1)
	w := &play{t: t, s: s, ended: map[string]bool{}, most: map[string]int{}}
	w.do(out)
	w.one(0, false, 1) // the header
	for range 3 {
		first := slices.IndexFunc(w.open, func(c Call) bool { return c.At == p.Steps[0].Offset })
		w.one(first, true, 1)
	}
	if m := &s.Model; m.Working() || m.Fault != "t0 to t1 could not be made, in 3 tries: it was closed" || !w.ended["job-1"] {
		t.Errorf("%+v", m.Fault)
	}

	s, out = working(t, p, tensors, 2)
	w = &play{t: t, s: s, ended: map[string]bool{}, most: map[string]int{}}
	w.do(out)
	for n := 1; len(w.open) > 0; n++ { // the second worker never answers
		i := max(0, slices.IndexFunc(w.open, func(c Call) bool { return c.Lane == "job-2" }))
		w.one(i, w.open[i].Lane == "job-2", float64(n))
	}
	if w.check == nil || s.Model.Fault != "" {
		t.Errorf("one worker that dies ends it: %s", s.Model.Fault)
	}
	w.whole(p.Size)
}

func TestJobInTheTable(t *testing.T) {
	s, _, tasks := converting(t, 1)
	m := &s.Model
	if l := m.Lines()[0]; l.Done != 0 || l.Loss != nil || l.Free {
		t.Errorf("%+v", l)
	}
	does(t, s, tasks[0], wire.Made{}, 300)
	if l := m.Lines()[0]; l.Done != 0 || l.Loss != nil {
		t.Errorf("the header makes no tensor: %+v", l)
	}
	does(t, s, tasks[1], taleLost(), 600)
	if l := m.Lines()[0]; l.Done != 1 || l.Loss == nil || l.Loss.RelRMSE != 0.07 {
		t.Errorf("%+v", l)
	}
}

func TestTypesOfTensors(t *testing.T) {
	s := planned(t)
	m := &s.Model
	if got := strings.Join(s.WeightTypes(), " "); got != "Q4_K Q4_0 Q8_0 Q6_K" {
		t.Error(got)
	}
	free := func() (s string) {
		for _, l := range m.Lines() {
			if l.Free {
				s += l.Info.Name + "=" + l.Own + " "
			}
		}
		return s
	}
	if got := free(); got != "blk.10.w.weight= blk.2.w.weight= " {
		t.Error(got)
	}
	plan := only(t, s.Update(TypeChosen{0, "Q8_0"}), wire.OpPlan, "job")
	args := plan.Args.(wire.PlanArgs)
	if m.Plan == nil || m.Ready() || args.Types["blk.10.w.weight"] != "Q8_0" || len(args.Types) != 1 {
		t.Errorf("%+v, %+v", m, plan)
	}
	answer(t, s, plan, talePlan())
	if got := free(); !m.Ready() || got != "blk.10.w.weight=Q8_0 blk.2.w.weight= " {
		t.Error(got)
	}
	own, llama := m.Commands()
	if own != `fewbits quantize tale.gguf -to Q4_K -tensor-type '^blk\.10\.w\.weight$=Q8_0' -o tale-q4_k.gguf` ||
		llama != `llama-quantize --pure --tensor-type '^blk\.10\.w\.weight$=Q8_0' tale.gguf tale-q4_k.gguf Q4_K` {
		t.Errorf("%s\n%s", own, llama)
	}
	// What cannot be leaves the plan before, and says why.
	bad := only(t, s.Update(TypeChosen{1, "Q6_K"}), wire.OpPlan, "job")
	s.Update(Fault{ID: bad.ID, Message: "no"})
	if m.Fault != "no" || !m.Ready() || len(m.Types) != 1 || m.Types["blk.10.w.weight"] != "Q8_0" {
		t.Errorf("%+v", m.Types)
	}
	// The tasks say so too, and another file knows nothing of it.
	keep := kept(t, s.Update(QuantizeAsked{}))
	tasks := calls(s.Update(Stored{ID: keep.ID, Workers: 1}))
	if a := tasks[0].Args.(wire.MakeArgs); a.Types["blk.10.w.weight"] != "Q8_0" {
		t.Errorf("%+v", a)
	}
	if out := s.Update(TypeChosen{1, "Q8_0"}); out != nil || free() != "" {
		t.Error("changed while it is made")
	}
	s.Update(FileChosen{Ref: 99, Name: "other.gguf", View: "model"})
	if s.Model.Fault == "" {
		t.Error("another file was opened while one is made")
	}
	if s.Update(CancelAsked{}); s.Model.Fault != "" {
		t.Errorf("cancelled, and still %q", s.Model.Fault)
	}
	reset := only(t, s.Update(TypesReset{}), wire.OpPlan, "job")
	if a := reset.Args.(wire.PlanArgs); len(a.Types) != 0 {
		t.Errorf("%+v", a)
	}
	answer(t, s, reset, talePlan())
	if s.Update(TypesReset{}) != nil || s.Update(TypeChosen{2, "Q8_0"}) != nil || s.Update(TypeChosen{1, ""}) != nil {
		t.Error("there is nothing to change")
	}
	s.Update(RecipeChosen{"F16"})
	if m.Plan = new(wire.Plan); m.mixes() {
		t.Error("a recipe of plain floats gives all weights one type")
	}
}

func TestRoom(t *testing.T) {
	s := planned(t)
	m := &s.Model
	for _, c := range []struct {
		room Room
		want string
	}{
		{Room{Free: 1 << 30}, ""}, {Room{Free: -1}, ""},
		{Room{Free: 900, Picker: true}, "room for 900 B of 928 B"},
		{Room{Free: 0}, "keeps no files"},
	} {
		s.Update(c.room)
		if got := m.Short(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.room, got, c.want)
		}
		if strings.Contains(m.Short(), "straight") != c.room.Picker && c.want != "" {
			t.Errorf("%+v: %q", c.room, m.Short())
		}
	}
}

// TestReadsAhead holds that a task says which bytes of the file it reads.
func TestReadsAhead(t *testing.T) {
	const m, slack = convert.SliceValues, 256 << 10
	row := func(values, offset int64) wire.TensorRow {
		return wire.TensorRow{Values: int(values), Bytes: 2 * values, Offset: offset}
	}
	step := func(tensor int, values, offset int64) wire.StepRow {
		return wire.StepRow{Tensor: tensor, Name: fmt.Sprint("t", tensor), To: "Q8_0", Asked: "Q8_0", Bytes: values / 32 * 34, Unit: 34, Offset: offset}
	}
	tensors := []wire.TensorRow{row(2*m, 1000), row(1024, 1000+4*m), row(512, 1000+4*m+2048), row(512, 0)}
	const first, second, third, last = 4096, 4096 + 2*m/32*34, 4096 + (2*m+1024)/32*34, 4096 + (2*m+1536)/32*34
	p := &wire.Plan{Size: last + 544, Steps: []wire.StepRow{step(0, 2*m, first), step(1, 1024, second), step(2, 512, third), step(3, 512, last)}}
	j := &job{plan: p, tensors: tensors}
	for _, c := range []struct {
		name string
		t    task
		want [2]int64
	}{
		{"the header", task{to: first, last: -1}, [2]int64{}},
		{"a piece", task{from: first, to: first + m/32*34}, [2]int64{1000, 1000 + 2*m + slack}},
		{"the next", task{from: first + m/32*34, to: second}, [2]int64{1000 + 2*m, 1000 + 4*m + slack}},
		{"too much for once", task{from: first, to: second}, [2]int64{1000, 1000 + maxAhead}},
		{"a run", task{from: second, to: last, first: 1, last: 2}, [2]int64{1000 + 4*m, 1000 + 4*m + 3072 + slack}},
		{"out of order", task{from: third, to: p.Size, first: 2, last: 3}, [2]int64{}},
	} {
		if got := j.reads(&c.t); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	j.tensors = nil
	if got := j.reads(&task{from: first, to: second}); got != [2]int64{} {
		t.Errorf("of several files: %v", got)
	}
}
