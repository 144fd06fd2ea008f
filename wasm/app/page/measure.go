package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// Measuring is how well the model, and what was made of it, read a text.
type Measuring struct {
	Results []Measured // of the file that is open; the latest last
	Status  string
	Fault   string
	run     *reading
}

// Measured is what came of one text.
type Measured struct {
	Source string // name of the original
	Made   string // name of the file that was made of it; "" where the original alone was read
	Choice string // what it was made with
	Alone  bool   // the original was not read: there is no room for it
	Text   string // what the text is called
	InFile bool   // it is a file's name
	wire.EvalPlan
	Sums    metric.Tokens
	Elapsed float64 // ms
}

// reading is a measurement under way: workers take chunk after chunk.
type reading struct {
	open    wire.EvalOpenArgs
	result  Measured
	ref     int // file of the original, 0 where it is not read
	parts   int // what keeps the file that was made, or 0
	lanes   []reader
	asked   byRequest // lanes
	planned bool
	todo    []int            // chunks
	sums    []*metric.Tokens // by chunk; nil until it is read

	started, since float64 // ms: when it was asked for, and when the first worker had the models
	now            float64
	done           int // tokens
}

// byRequest is who asked, of several that do, by the ID of the request.
type byRequest map[int]int

// take is who asked, and forgets the request.
func (a byRequest) take(id int) (k int, ok bool) {
	k, ok = a[id]
	delete(a, id)
	return k, ok
}

// reader is one of the workers.
type reader struct {
	opened      bool
	chunk, from int // chunk is −1 for none
	deaths      int
}

// maxText is how long a text may be, in bytes: each worker cuts it into tokens.
const maxText = 1 << 20

// tooLong says why a text is not read; "" where it is.
func tooLong(text string) string {
	if len(text) <= maxText {
		return ""
	}
	return fmt.Sprintf("the text is longer than the %s that are read here: give a part of it, or let the fewbits command read it", bytesOf(maxText))
}

// The events of measuring.
type (
	// MeasureAsked begins to read a text, "" for the built-in one.
	MeasureAsked struct {
		Text, Name string
		InFile     bool // Name is that of a file
		Tokens     int  // at most; 0 is all
		Workers    int  // that there may be
		At         float64
	}
	// MeasureCancelled stops it.
	MeasureCancelled struct{}
)

func (s *State) updateMeasuring(e Event) ([]Effect, bool) {
	switch e := e.(type) {
	case MeasureAsked:
		return s.measure(e), true
	case MeasureCancelled:
		out := s.stopMeasuring()
		if out != nil {
			s.Model.Measuring.Status = "Cancelled"
		}
		return out, true
	case SayAsked:
		return s.say(e), true
	case SayStopped:
		return s.stopSaying(), true
	}
	return nil, false
}

// Running says whether a text is being read.
func (q *Measuring) Running() bool { return q.run != nil }

// made is the file that was made of the open one and is still there, or nil.
func (m *Model) made() *Made {
	if made := cmp.Or(m.Made, m.Earlier); made != nil && made.opened == m.Opened {
		return made
	}
	return nil
}

func (s *State) measure(e MeasureAsked) []Effect {
	m := &s.Model
	q := &m.Measuring
	if !m.Idle() {
		return nil
	}
	q.Status, q.Fault = "", cmp.Or(m.NotMeasured(), tooLong(e.Text))
	if q.Fault != "" {
		return nil
	}
	lanes, resident, why := m.share(max(1, e.Workers))
	alone := why != "" && m.made() != nil && m.File.Container != "gguf"
	if alone { // there may be room for what was made of a folder
		lanes, resident, why = m.shareOf(max(1, e.Workers), false)
	}
	if why != "" {
		q.Fault = why
		return nil
	}
	r := &reading{asked: byRequest{}, started: e.At, since: e.At, now: e.At, ref: m.ref}
	r.result = Measured{Source: m.File.Name, Text: e.Name, InFile: e.InFile}
	r.open = wire.EvalOpenArgs{Name: m.File.Name, Text: e.Text, Tokens: e.Tokens, Resident: resident}
	if made := m.made(); made != nil {
		r.parts, r.open.Made = m.fileID, made.Name
		r.result.Made, r.result.Choice = made.Name, made.Choice
	}
	if alone {
		r.ref, r.open.Alone, r.result.Alone = 0, true, true
	}
	r.lanes = make([]reader, lanes)
	q.run = r
	q.Status = "Loading " + cmp.Or(r.open.Made, r.open.Name)
	out := s.yieldFlow()
	for k := range r.lanes {
		out = append(out, s.openReader(k))
	}
	return out
}

// openReader gives a worker the models and the text.
func (s *State) openReader(k int) Effect {
	r := s.Model.Measuring.run
	r.lanes[k].opened, r.lanes[k].chunk = false, -1
	c := s.call("eval", "open", Call{Lane: readerName(k), Op: wire.OpEvalOpen, Args: r.open, File: r.ref, Parts: r.parts})
	r.asked[c.ID] = k
	return c
}

func readerName(k int) string { return "eval-" + strconv.Itoa(k+1) }

// readOn asks a worker for the next step of its chunk, or of the next chunk.
func (s *State) readOn(k int) []Effect {
	r := s.Model.Measuring.run
	l := &r.lanes[k]
	if l.chunk < 0 {
		if len(r.todo) == 0 {
			return nil
		}
		l.chunk, l.from, r.todo = r.todo[0], 0, r.todo[1:]
	}
	c := s.call("eval", "step", Call{Lane: readerName(k), Op: wire.OpEvalStep, Args: wire.EvalStepArgs{Chunk: l.chunk, From: l.from}})
	r.asked[c.ID] = k
	return []Effect{c}
}

func (s *State) evalReply(kind string, e Reply) []Effect {
	q := &s.Model.Measuring
	r := q.run
	if r == nil {
		return nil
	}
	k, ok := r.asked.take(e.ID)
	if !ok {
		return nil
	}
	r.now = e.At
	var err error
	if kind == "open" {
		err = r.opened(k, e)
	} else {
		err = r.took(k, e)
	}
	if err != nil {
		return s.measureFailed(err.Error())
	}
	q.Status = "Reading " + r.result.Text
	if r.through() {
		return s.measured()
	}
	return s.readOn(k)
}

// opened takes in that a worker has the models.
func (r *reading) opened(k int, e Reply) error {
	var p wire.EvalPlan
	if err := wire.Unmarshal(e.JSON, &p); err != nil {
		return fmt.Errorf("the answer of the worker cannot be read: %w", err)
	}
	if p.Chunks < 1 || p.Step < 1 || p.Context < 1 || r.planned && p != r.result.EvalPlan {
		return fmt.Errorf("two workers read the text in different ways: %+v and %+v", r.result.EvalPlan, p)
	}
	r.lanes[k].opened = true
	if r.planned {
		return nil
	}
	r.planned, r.result.EvalPlan, r.since = true, p, r.now
	r.sums = make([]*metric.Tokens, p.Chunks)
	for i := range p.Chunks {
		r.todo = append(r.todo, i)
	}
	return nil
}

// took takes in a step.
func (r *reading) took(k int, e Reply) error {
	var step wire.EvalStep
	if err := wire.Unmarshal(e.JSON, &step); err != nil {
		return fmt.Errorf("the answer of the worker cannot be read: %w", err)
	}
	l := &r.lanes[k]
	n := min(r.result.Step, r.result.Context-l.from)
	l.from += n
	r.done += n
	if l.from == r.result.Context {
		if r.sums[l.chunk] = step.Sums; step.Sums == nil {
			return fmt.Errorf("the worker says nothing about chunk %d", l.chunk+1)
		}
		l.chunk = -1
	}
	return nil
}

func (r *reading) through() bool {
	return r.planned && !slices.Contains(r.sums, nil)
}

// measured sums up, in the order of the text, whoever read what.
func (s *State) measured() []Effect {
	q := &s.Model.Measuring
	r := q.run
	m := r.result
	for _, t := range r.sums {
		m.Sums.Merge(*t)
	}
	m.Elapsed = r.now - r.started
	q.Results = slices.DeleteFunc(q.Results, func(o Measured) bool {
		return o.Made == m.Made && o.Choice == m.Choice && o.sameText(&m)
	})
	q.Results = append(q.Results, m)
	out := s.stopMeasuring()
	q.Status = fmt.Sprintf("Done in %.1f s", m.Elapsed/1000)
	return out
}

// sameText says whether both read the same.
func (m *Measured) sameText(o *Measured) bool { return m.Text == o.Text && m.EvalPlan == o.EvalPlan }

// Shown are the results on the text that was read last.
func (q *Measuring) Shown() []Measured {
	var list []Measured
	for i := range q.Results {
		if q.Results[i].sameText(&q.Results[len(q.Results)-1]) {
			list = append(list, q.Results[i])
		}
	}
	return list
}

// stopMeasuring stops the workers; nil where none reads.
func (s *State) stopMeasuring() (out []Effect) {
	q := &s.Model.Measuring
	if q.run == nil {
		return nil
	}
	for k := range q.run.lanes {
		out = append(out, End{readerName(k)})
	}
	q.run = nil
	return out
}

func (s *State) measureFailed(why string) []Effect {
	out := s.stopMeasuring()
	s.Model.Measuring.Status, s.Model.Measuring.Fault = "", why
	return out
}

// evalFault starts a worker that died again, twice; its chunk begins anew.
func (s *State) evalFault(e Fault) []Effect {
	r := s.Model.Measuring.run
	if r == nil {
		return nil
	}
	k, ok := r.asked.take(e.ID)
	if !ok {
		return nil
	}
	l := &r.lanes[k]
	if l.deaths++; !e.Died || l.deaths >= maxTries {
		return s.measureFailed(e.Message)
	}
	if l.chunk >= 0 {
		r.done -= l.from
		r.todo = append([]int{l.chunk}, r.todo...)
	}
	return []Effect{End{readerName(k)}, s.openReader(k)}
}

// Reading is how far the text is read: tokens, and seconds that are left, −1
// where that is not yet known.
func (q *Measuring) Reading() (done, total int, left float64) {
	r := q.run
	if r == nil || !r.planned {
		return 0, 0, -1
	}
	total = r.result.Chunks * r.result.Context
	if r.done == 0 || r.now <= r.since {
		return r.done, total, -1
	}
	return r.done, total, (r.now - r.since) / 1000 * float64(total-r.done) / float64(r.done)
}
