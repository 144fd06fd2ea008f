package page

import (
	"fmt"
	"slices"
	"strconv"

	"fewbits/wasm/wire"
)

// Budget is what each tensor of the model costs and loses in each type, and the
// mix of types that loses least at a size.
type Budget struct {
	Table  *wire.BudgetTable // nil until it is measured
	Front  *wire.BudgetFront // likewise
	Limit  int64             // bytes that the file may have
	Mix    *wire.BudgetMix   // for the limit, or the one before; nil for none
	Part   float64           // of the values of the tensors that were quantized, 0 … 1
	By     string            // importance matrix that errors are weighted by; "" for none
	Text   string            // by which losses are nats a token; "" where they are relative errors
	Judged []Judged          // by the second half of that text
	Status string
	Fault  string

	errors []wire.BudgetErrors // by tensor
	probes []wire.BudgetProbe
	scale  float64
	text   string // that Text names
	run    *budgetRun
	solver string // worker that finds mixes; "" for none
	read   bool   // it has the text
	hired  int    // workers so far
	want   int    // request whose mix is waited for
	keep   bool   // it is the same size, by other losses: what the person did meanwhile stays
}

// Judged is a mix or a recipe, and how far it strays on a text.
type Judged struct {
	Name string
	wire.BudgetJudged
}

// budgetRun is workers at tasks: rows to be quantized, or tensors to be
// quantized alone; then what is measured of mixes.
type budgetRun struct {
	check bool // tensors alone, on a text
	lanes []budgetLane
	asked map[int]int // lane by the request; −1 is the solver
	rows  []wire.BudgetRowsArgs
	lost  []*wire.BudgetErrors // by task; nil until it is done
	kl    []*wire.BudgetProbe
	open  wire.BudgetOpenArgs
	text  wire.BudgetTextArgs
	todo  []int    // tasks
	names []string // of those that are being judged
	name  string   // of the text

	cols []int  // by tensor
	was  Budget // before: what is not seen through changes nothing

	values              int64 // of all that may be quantized
	done, total         int
	started, since, now float64 // ms: since when tasks are under way
}

type budgetLane struct {
	name   string // no earlier one had it
	task   int    // −1 for none
	deaths int
}

// The events of budgets.
type (
	// BudgetAsked measures the model's tensors.
	BudgetAsked struct {
		Workers int // that there may be
		At      float64
	}
	// BudgetMoved sets how many bytes the file may have.
	BudgetMoved struct{ Bytes int64 }
	// BudgetChecked counts losses by what the model predicts in a text, "" for
	// the built-in one.
	BudgetChecked struct {
		Text, Name string
		Workers    int
		At         float64
	}
	// BudgetCancelled stops what is under way.
	BudgetCancelled struct{}
)

func (s *State) updateBudget(e Event) ([]Effect, bool) {
	switch e := e.(type) {
	case BudgetAsked:
		return s.weighModel(e), true
	case BudgetMoved:
		return s.moveBudget(e.Bytes), true
	case BudgetChecked:
		return s.checkBudget(e), true
	case BudgetCancelled:
		out := s.stopBudget()
		if out != nil {
			s.Model.Budget.Status = "Cancelled"
		}
		return out, true
	}
	return nil, false
}

// Running says whether something is being measured.
func (b *Budget) Running() bool { return b.run != nil }

// Checking says whether it is by a text.
func (b *Budget) Checking() bool { return b.run != nil && b.run.check }

// NotWeighed says why no mix can be found for the open file; "" where one can.
func (m *Model) NotWeighed() string {
	switch {
	case m.File == nil:
		return "Open a model first."
	case !m.hasArchitecture():
		return "The file does not say what its model is: mixes are found for whole models, as GGUF files and Hugging Face folders are."
	}
	return ""
}

// Idle says whether nothing else is under way that takes all workers.
func (m *Model) Idle() bool {
	return m.File != nil && !m.working && !m.Checkpoint.working && !m.Measuring.Running() && !m.Saying.Running() && !m.Budget.Running() && !m.Flow.Running()
}

func (s *State) weighModel(e BudgetAsked) []Effect {
	m := &s.Model
	b := &m.Budget
	if !m.Idle() {
		return nil
	}
	if b.Fault = m.NotWeighed(); b.Fault != "" {
		return nil
	}
	out := append(s.yieldFlow(), s.endSolver()...)
	*b = Budget{hired: b.hired, Status: "Reading " + m.File.Name}
	if m.guided {
		b.By = m.matrix
	}
	n := max(1, min(e.Workers, int(readRoom/(readWorker+readHead*m.headMiB()))))
	s.begin(&budgetRun{started: e.At}, n)
	for k := range b.run.lanes {
		out = append(out, s.hire(k)...)
	}
	return out
}

// begin makes a run the one that is under way, with so many workers to be hired.
func (s *State) begin(r *budgetRun, workers int) {
	m := &s.Model
	r.asked, r.since, r.now = map[int]int{}, r.started, r.started
	r.open = wire.BudgetOpenArgs{Name: m.File.Name, Importance: m.guided}
	r.lanes, r.was = make([]budgetLane, workers), m.Budget
	m.Budget.run = r
}

// hire gives a worker the model, and what else it needs for its first task.
func (s *State) hire(k int) []Effect {
	b := &s.Model.Budget
	l := &b.run.lanes[k]
	l.name, l.task = b.newLane(), -1
	out := s.openBudget(l.name, "", b.run.open, k)
	if b.run.check {
		out = append(out, s.askBudget(k, "text", Call{Lane: l.name, Op: wire.OpBudgetText, Args: b.run.text}))
	}
	return out
}

func (b *Budget) newLane() string {
	b.hired++
	return "budget-" + strconv.Itoa(b.hired)
}

// openBudget gives a worker the importance matrix, if there is one, and the model.
func (s *State) openBudget(lane, kind string, open wire.BudgetOpenArgs, k int) (out []Effect) {
	if open.Importance {
		i := &s.Importance
		out = append(out, s.askBudget(k, kind+"matrix", Call{Lane: lane, Op: wire.OpImatrix, Args: wire.ImatrixArgs{Name: i.Info.Name}, File: i.ref, Remember: true}))
	}
	return append(out, s.askBudget(k, kind+"open", Call{Lane: lane, Op: wire.OpBudgetOpen, Args: open, File: s.Model.ref}))
}

func (s *State) askBudget(k int, kind string, c Call) Effect {
	c = s.call("budget", kind, c)
	if r := s.Model.Budget.run; r != nil {
		r.asked[c.ID] = k
	}
	return c
}

// workOn gives a worker its next task.
func (s *State) workOn(k int) []Effect {
	r := s.Model.Budget.run
	l := &r.lanes[k]
	l.task = -1
	if len(r.todo) == 0 {
		return nil
	}
	l.task, r.todo = r.todo[0], r.todo[1:]
	if r.check {
		return []Effect{s.askBudget(k, "task", Call{Lane: l.name, Op: wire.OpBudgetProbe, Args: s.Model.Budget.Front.Probes[l.task]})}
	}
	return []Effect{s.askBudget(k, "task", Call{Lane: l.name, Op: wire.OpBudgetRows, Args: r.rows[l.task]})}
}

func (s *State) budgetReply(kind string, e Reply) []Effect {
	b := &s.Model.Budget
	r := b.run
	if rest, ok := cutSolver(kind); ok {
		return s.solved(rest, e)
	}
	if r == nil {
		return nil
	}
	k, ok := r.asked[e.ID]
	if !ok {
		return nil
	}
	delete(r.asked, e.ID)
	r.now = e.At
	var err error
	switch {
	case kind == "matrix" || kind == "open" && r.check:
		return nil
	case kind == "open":
		err = b.opened(e)
	case kind == "text":
		err = r.heard(e, len(b.Front.Probes))
	default:
		err = r.took(k, e)
	}
	if err != nil {
		return s.budgetFailed(err.Error())
	}
	if !r.through() {
		return s.workOn(k)
	}
	if r.check {
		return s.probed()
	}
	return s.weighed()
}

const unread = "the answer of the worker cannot be read: %w"

// opened takes in what there is to be quantized.
func (b *Budget) opened(e Reply) error {
	var t wire.BudgetTable
	if err := wire.Unmarshal(e.JSON, &t); err != nil {
		return fmt.Errorf(unread, err)
	}
	if b.Table != nil {
		return nil
	}
	r := b.run
	b.Table, b.Status, r.since = &t, "Quantizing a sample of each tensor to each type", r.now
	for i := range t.Tensors {
		r.cols = append(r.cols, t.Tensors[i].Cols)
		r.values += int64(t.Tensors[i].Rows) * int64(t.Tensors[i].Cols)
		r.rows = append(r.rows, spans(i, t.Tensors[i].Rows, t.Tensors[i].Cols)...)
	}
	for i, a := range r.rows {
		r.todo = append(r.todo, i)
		r.total += a.Rows * r.cols[a.Tensor]
	}
	r.lost = make([]*wire.BudgetErrors, len(r.rows))
	return nil
}

// heard takes in that a worker has the text.
func (r *budgetRun) heard(e Reply, probes int) error {
	var t wire.BudgetText
	if err := wire.Unmarshal(e.JSON, &t); err != nil {
		return fmt.Errorf(unread, err)
	}
	if r.kl == nil {
		r.since, r.kl = r.now, make([]*wire.BudgetProbe, probes)
		for i := range probes {
			r.todo = append(r.todo, i)
		}
	}
	return nil
}

// took takes in what came of a task.
func (r *budgetRun) took(k int, e Reply) error {
	l := &r.lanes[k]
	if l.task < 0 {
		return nil
	}
	if r.check {
		var p wire.BudgetProbe
		if err := wire.Unmarshal(e.JSON, &p); err != nil {
			return fmt.Errorf(unread, err)
		}
		r.kl[l.task] = &p
		r.done++
		return nil
	}
	var lost wire.BudgetErrors
	if err := wire.Unmarshal(e.JSON, &lost); err != nil {
		return fmt.Errorf(unread, err)
	}
	r.lost[l.task] = &lost
	r.done += r.rows[l.task].Rows * r.cols[r.rows[l.task].Tensor]
	return nil
}

func (r *budgetRun) through() bool {
	if r.check {
		return r.kl != nil && !slices.Contains(r.kl, nil)
	}
	return r.lost != nil && !slices.Contains(r.lost, nil)
}

// endWorkers stops those that do tasks.
func (s *State) endWorkers() (out []Effect) {
	for _, l := range s.Model.Budget.run.lanes {
		if l.name != "" {
			out = append(out, End{l.name})
		}
	}
	return out
}

// stopBudget stops what is under way; nil where nothing is. What was measured
// before stays.
func (s *State) stopBudget() []Effect {
	b := &s.Model.Budget
	if b.run == nil {
		return nil
	}
	out := s.endWorkers()
	r := b.run
	b.run, b.Status = nil, ""
	if r.check {
		b.Front, b.Text, b.Judged = r.was.Front, r.was.Text, r.was.Judged
		b.text, b.probes, b.scale = r.was.text, r.was.probes, r.was.scale
		return append(out, s.endSolver()...) // it may be at a mix that nobody waits for
	}
	b.Table = nil
	return out
}

// dropBudget forgets what was measured: it is of another model, or by another
// importance.
func (s *State) dropBudget() []Effect {
	m := &s.Model
	out := append(s.stopBudget(), s.endSolver()...)
	had := m.Budget.Front != nil
	m.Budget = Budget{hired: m.Budget.hired}
	if had {
		m.Budget.Status = "What was measured no longer holds"
	}
	if m.Recipe == MixRecipe {
		m.Recipe, m.chosen = defaultMixture, false
		s.fitRecipe()
	}
	return out
}

func (s *State) budgetFailed(why string) []Effect {
	out := s.stopBudget()
	s.Model.Budget.Fault = why
	return out
}

// budgetFault starts a worker that died anew, with its task.
func (s *State) budgetFault(kind string, e Fault) []Effect {
	b := &s.Model.Budget
	r := b.run
	if rest, ok := cutSolver(kind); ok {
		return s.unsolved(rest, e)
	}
	if r == nil {
		return nil
	}
	k, ok := r.asked[e.ID]
	if !ok {
		return nil
	}
	l := &r.lanes[k]
	if l.deaths++; !e.Died || l.deaths >= maxTries {
		return s.budgetFailed(e.Message)
	}
	for id, lane := range r.asked {
		if lane == k {
			delete(r.asked, id)
		}
	}
	if l.task >= 0 {
		r.todo = append([]int{l.task}, r.todo...)
	}
	gone := End{l.name}
	return append([]Effect{gone}, s.hire(k)...)
}

// Progress is how far it is, 0 … 1, and the seconds that are left, −1 where
// that is not yet known.
func (b *Budget) Progress() (share, left float64) {
	r := b.run
	if r == nil || r.total == 0 || r.done == 0 {
		return 0, -1
	}
	share = min(1, float64(r.done)/float64(r.total))
	if r.now <= r.since {
		return share, -1
	}
	return share, (r.now - r.since) / 1000 * (1 - share) / share
}
