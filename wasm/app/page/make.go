package page

import (
	"fmt"
	"math"
	"strconv"

	"fewbits/quant/convert"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// A file is made by several workers at once, in tasks of about a million
// weights. The job hands them out; what is made goes past it.
const (
	// atOnce is how many tasks a worker has: one at work, one or two of which what
	// they made is being written, and one that is known so early that its part of
	// the file is read while the one before it is at work. The last few are not
	// handed out so early: whoever is through first has them.
	atOnce, atLast = 4, 2
	// maxTries is how often a task is given out whose worker dies in it, and how
	// often a worker may die in a row.
	maxTries = 3
)

// job is a conversion under way.
type job struct {
	plan    *wire.Plan
	args    wire.PlanArgs
	tensors []wire.TensorRow // of the one file that is read; nil where there are several
	todo    []*task
	lanes   []lane
	running map[int]*task // by the request

	started float64 // ms
	steps   []making
	Progress
}

// task is a part of the file to be: what comes before the first tensor, a run
// of whole tensors, or a piece of one.
type task struct {
	from, to    int64 // bytes of the file
	first, last int   // steps; last < first for none
	piece       int   // of the step, where it is a piece
	values      int64
	lane        int // that has it, or whose worker died in it
	tries       int
}

// lane is one of the workers.
type lane struct {
	tasks  int // that it has
	deaths int // in a row
}

func (l *lane) lives() bool { return l.deaths < maxTries }

// making is how far a step is.
type making struct {
	left int           // pieces to be made
	made int64         // bytes
	lost []metric.Sums // of its pieces; when all are made, of all of it
}

// Progress is how far a job is.
type Progress struct {
	Step          int     // that was at work last
	Done, Total   int64   // values
	Written, Size int64   // bytes
	Elapsed       float64 // ms
}

// newJob parts a plan for so many workers at most.
func newJob(p *wire.Plan, args wire.PlanArgs, tensors []wire.TensorRow, workers int, now float64) *job {
	j := &job{plan: p, args: args, running: map[int]*task{}, started: now, steps: make([]making, len(p.Steps))}
	j.Size = p.Size
	j.add(&task{to: p.Steps[0].Offset, first: 0, last: -1})
	var run *task
	for i, s := range p.Steps {
		values, end := int64(tensors[s.Tensor].Values), p.Size
		if i+1 < len(p.Steps) {
			end = p.Steps[i+1].Offset
		}
		switch {
		case values > convert.SliceValues:
			j.part(i, values, end)
			run = nil
			continue
		case run == nil || run.values+values > convert.SliceValues:
			run = &task{from: s.Offset, first: i}
			j.add(run)
		}
		run.to, run.last = end, i
		run.values += values
		j.Total += values
		j.steps[i] = making{left: 1, lost: make([]metric.Sums, 1)}
	}
	j.lanes = make([]lane, max(1, min(workers, within(p.Steps[0].Offset), len(j.todo)-1))) // the header is no work
	return j
}

// within is how many workers have room in the 512 MiB that a tab may take, for
// a file with a header of so many bytes. Measured with a vocabulary of 128 Ki,
// which has 4 MB: beside the page a worker that plans takes 12 times as much,
// and one that makes 22 MiB and 6 times as much.
func within(header int64) int {
	const tab, page, worker = 480, 180, 22 // MiB, some kept back
	head := float64(header) / (1 << 20)
	return int((tab - page - 12*head) / (worker + 6*head))
}

// part makes tasks of one large step; what fills the file up to end goes with
// the last.
func (j *job) part(i int, values, end int64) {
	s := &j.plan.Steps[i]
	unit := max(1, s.Unit)
	size := max(unit, convert.SliceValues*s.Bytes/values/unit*unit)
	upTo := func(at int64) int64 { return int64(math.Round(float64(values) * (float64(at) / float64(s.Bytes)))) }
	n := 0
	for at := int64(0); at < s.Bytes; at += size {
		next := min(at+size, s.Bytes)
		j.add(&task{from: s.Offset + at, to: s.Offset + next, first: i, last: i, piece: n, values: upTo(next) - upTo(at)})
		n++
	}
	j.todo[len(j.todo)-1].to = end
	j.Total += values
	j.steps[i] = making{left: n, lost: make([]metric.Sums, n)}
}

func (j *job) add(t *task) {
	t.lane = -1
	j.todo = append(j.todo, t)
}

// feed gives work to whoever has room for it: first one task to each.
func (s *State) feed() (out []Effect) {
	j := s.Model.job
	for depth := 1; depth <= atOnce; depth++ {
		for k := range j.lanes {
			if l := &j.lanes[k]; !l.lives() || l.tasks >= depth {
				continue
			}
			if n := len(j.lanes); depth > atLast && n > 1 && len(j.todo) <= n {
				continue
			}
			t := j.next(k)
			if t == nil {
				continue
			}
			c := s.call("model", "make", Call{Lane: laneName(k), Op: wire.OpMake, Into: s.Model.fileID, At: t.from, Reads: j.reads(t),
				Args: wire.MakeArgs{PlanArgs: j.args, Head: j.plan.Steps[0].Offset, From: t.from, To: t.to}})
			t.lane = k
			j.lanes[k].tasks++
			j.running[c.ID] = t
			out = append(out, c)
		}
	}
	return out
}

// maxAhead is how much is read ahead for a task: the million halves of one, and
// what a worker reads at a time of what is small.
const maxAhead = 2<<20 + 256<<10

// reads is from where to where a task reads its file, as far as it may be read
// ahead; nothing where its tensors do not follow each other there.
func (j *job) reads(t *task) (r [2]int64) {
	for i := t.first; i <= t.last && j.tensors != nil; i++ {
		s := &j.plan.Steps[i]
		row := &j.tensors[s.Tensor]
		if s.Bytes == 0 {
			continue
		}
		at := func(out int64) int64 { // a byte of the file to be, in the one that is read
			out = max(0, min(out-s.Offset, s.Bytes))
			return row.Offset + int64(math.Round(float64(row.Bytes)*(float64(out)/float64(s.Bytes))))
		}
		from, to := at(t.from), at(t.to)
		switch {
		case r == [2]int64{}:
			r = [2]int64{from, to}
		case from < r[1] || from > r[1]+maxAhead:
			return [2]int64{}
		default:
			r[1] = to
		}
	}
	if r[1] > r[0] {
		r[1] = min(r[1]+256<<10, r[0]+maxAhead)
	}
	return r
}

// next takes the first task for a lane: not one that its worker died in, if
// there is anyone else.
func (j *job) next(k int) *task {
	alone := true
	for i := range j.lanes {
		alone = alone && (i == k || !j.lanes[i].lives())
	}
	for i, t := range j.todo {
		if t.lane != k || alone {
			copy(j.todo[1:], j.todo[:i]) // the front goes: most often i is 0
			j.todo = j.todo[1:]
			return t
		}
	}
	return nil
}

// laneName names workers from 1 on: "job-1".
func laneName(k int) string { return "job-" + strconv.Itoa(k+1) }

// through says whether the whole file is made.
func (j *job) through() bool { return len(j.todo) == 0 && len(j.running) == 0 }

// back takes a task from its lane.
func (j *job) back(id int) *task {
	t := j.running[id]
	delete(j.running, id)
	if t != nil {
		j.lanes[t.lane].tasks--
	}
	return t
}

// take adds up what a task made.
func (j *job) take(id int, made *wire.Made, now float64) {
	t := j.back(id)
	if t == nil {
		return
	}
	j.lanes[t.lane].deaths = 0
	for _, l := range made.Lost {
		if l.Step >= t.first && l.Step <= t.last {
			j.steps[l.Step].lost[t.piece].Merge(l.Sums)
		}
	}
	for i := t.first; i <= t.last; i++ {
		s, p := &j.steps[i], &j.plan.Steps[i]
		s.made += min(t.to, p.Offset+p.Bytes) - max(t.from, p.Offset)
		if s.left--; s.left == 0 {
			for _, more := range s.lost[1:] {
				s.lost[0].Merge(more) // in the order of the file, whoever was first
			}
			s.lost = s.lost[:1:1]
		}
	}
	j.Step = max(t.last, 0)
	j.Done += t.values
	j.Written += t.to - t.from
	j.Elapsed = now - j.started
}

// again puts a task back whose worker died, with what waited for that worker,
// and says what is wrong where it cannot go on. A fresh worker takes the place.
func (j *job) again(id int, why string) (dead int, fault string) {
	t := j.back(id)
	dead = t.lane
	t.tries++
	for other, w := range j.running {
		if w.lane == dead {
			j.back(other)
			w.lane = -1
			j.todo = append([]*task{w}, j.todo...)
		}
	}
	if t.tries >= maxTries {
		return dead, fmt.Sprintf("%s could not be made, in %d tries: %s", j.name(t), t.tries, why)
	}
	j.todo = append([]*task{t}, j.todo...)
	j.lanes[dead].deaths++
	for i := range j.lanes {
		if j.lanes[i].lives() {
			return dead, ""
		}
	}
	return dead, fmt.Sprintf("%s could not be made, for no worker is left: %s", j.name(t), why)
}

// name is what a task makes.
func (j *job) name(t *task) string {
	switch steps := j.plan.Steps; {
	case t.last < t.first:
		return "the header"
	case t.last == t.first:
		return steps[t.first].Name
	default:
		return steps[t.first].Name + " to " + steps[t.last].Name
	}
}

// share is how much of a step is made, 0 … 1.
func (j *job) share(i int) float64 {
	s, p := &j.steps[i], &j.plan.Steps[i]
	switch {
	case s.left == 0:
		return 1
	case p.Bytes == 0:
		return 0
	}
	return float64(s.made) / float64(p.Bytes)
}

// Loss is what a tensor lost; nothing where it was copied.
type Loss struct {
	RelRMSE    float64 // −1 where values are NaN or infinite
	SQNR       metric.Decibel
	ErrSq, XSq float64 // Σ(x̂ − x)² and Σx²
}

// loss is what a step lost, where it is through.
func (j *job) loss(i int) (l Loss, ok bool) {
	s, p := &j.steps[i], &j.plan.Steps[i]
	if s.left > 0 {
		return l, false
	}
	sums := &s.lost[0]
	r := sums.Report(p.To, p.Name)
	if e := sums.ErrSq + sums.XSq; math.IsNaN(e) || math.IsInf(e, 0) {
		r.RelRMSE = -1
	}
	return Loss{r.RelRMSE, r.SQNR, sums.ErrSq, sums.XSq}, true
}

// Made is a file that was made.
type Made struct {
	Name    string
	Size    int64
	Kept    string        // where: "opfs", "file" or "memory"
	Losses  []Loss        // of each step of the plan
	Total   metric.Report // over the steps that are not copied and whose values are finite
	Elapsed float64       // ms

	Choice string // "Q4_K_M, 2 rows changed": what it was made with
	plan   *wire.Plan
	opened int // Model.Opened then
}

// result is what came of a job that is through.
func (j *job) result() *Made {
	m := &Made{Name: j.plan.Name, Size: j.Written, Elapsed: j.Elapsed, plan: j.plan, Losses: make([]Loss, len(j.steps))}
	var total metric.Sums
	for i := range j.steps {
		if m.Losses[i], _ = j.loss(i); m.Losses[i].RelRMSE >= 0 {
			total.Merge(j.steps[i].lost[0])
		}
	}
	m.Total = total.Report(j.plan.Recipe, "")
	return m
}

// Speed is how many weights a second are converted, 0 where it is not yet known.
func (p *Progress) Speed() float64 {
	if p.Elapsed < 1 {
		return 0
	}
	return float64(p.Done) / p.Elapsed * 1000
}

// Left is how many seconds are left, −1 where it is not yet known.
func (p *Progress) Left() float64 {
	if p.Done == 0 || p.Elapsed < 1 {
		return -1
	}
	return p.Elapsed / 1000 * float64(p.Total-p.Done) / float64(p.Done)
}

// Share is how much of the work is done, 0 … 1.
func (p *Progress) Share() float64 {
	if p.Total == 0 {
		return 0
	}
	return float64(p.Done) / float64(p.Total)
}
