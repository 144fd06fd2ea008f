package page

import (
	"cmp"
	"fmt"
	"slices"

	"fewbits/wasm/wire"
)

// dropMade forgets the file that was made.
func (s *State) dropMade() []Effect {
	m := &s.Model
	m.Made, m.Earlier, m.ended, m.job = nil, nil, nil, nil
	if m.fileID == 0 {
		return nil
	}
	id := m.fileID
	m.fileID = 0
	return []Effect{Drop{id}}
}

// outdate sets the file that was made apart from the plan: it is of an earlier
// choice from now on, and stays until the next one is made.
func (m *Model) outdate() {
	if m.Made != nil {
		m.Earlier, m.Made = m.Made, nil
	}
}

// restore takes that back where the choice could not be.
func (m *Model) restore() {
	if e := m.Earlier; e != nil && e.plan == m.Plan {
		m.Made, m.Earlier = e, nil
	}
}

// Offered is the file that Download gives, nil for none.
func (m *Model) Offered() *Made {
	made := cmp.Or(m.Made, m.Earlier)
	if made == nil || made.Kept == "file" {
		return nil
	}
	return made
}

// EarlierText says that what Download gives is not what the table shows.
func (m *Model) EarlierText() string {
	if e := m.Earlier; e != nil && e.Kept != "file" && !m.working {
		return fmt.Sprintf("Download still gives %s (%s), until the next Quantize.", e.Name, e.Choice)
	}
	return ""
}

// quantize first finds where to keep what is to be made.
func (s *State) quantize(straight bool) []Effect {
	m := &s.Model
	if !m.Ready() {
		return nil
	}
	out := s.stopMeasuring()
	if out != nil {
		m.Measuring.Status = "Cancelled: Quantize began"
	}
	out = append(append(out, s.stopSaying()...), s.stopBudget()...)
	out = append(append(out, s.restFlow()...), s.endSolver()...)
	out = append(out, s.dropMade()...)
	c := s.call("model", "keep", Call{})
	m.fileID, m.working, m.said = c.ID, true, 0
	m.Status, m.Fault = "Quantizing to "+m.Plan.Recipe, ""
	m.renewed()
	return append(out, Keep{ID: c.ID, Name: m.Plan.Name, Size: m.Plan.Size, Straight: straight})
}

// stored hands out the first tasks.
func (s *State) stored(e Stored) []Effect {
	m := &s.Model
	delete(s.pending, e.ID)
	if e.ID == m.Checkpoint.fileID {
		return s.checkpointStored(e)
	}
	if e.ID != m.fileID || !m.working || m.job != nil {
		return []Effect{Drop{e.ID}} // cancelled as it was found
	}
	m.kept = e.Kept
	m.job = newJob(m.Plan, m.args(), m.File.Tensors, e.Workers, e.At)
	if m.File.Files == 1 {
		m.job.tensors = m.File.Tensors
	}
	m.renewed()
	return s.feed()
}

// sayEvery and drawEvery are how often news of a conversion change, so that
// they can be read, and read out, and how often the table does, in ms.
const (
	sayEvery  = 1000
	drawEvery = 250
)

// partMade takes in what a task made; its bytes are written already.
func (s *State) partMade(e Reply) []Effect {
	m := &s.Model
	j := m.job
	if j == nil || j.running[e.ID] == nil {
		return nil // of a conversion that was cancelled
	}
	var made wire.Made
	if err := wire.Unmarshal(e.JSON, &made); err != nil {
		return append(s.stopModel(), s.modelBroken(err)...)
	}
	was := j.Elapsed
	j.take(e.ID, &made, e.At)
	if int(j.Elapsed/drawEvery) != int(was/drawEvery) {
		m.changed()
	}
	if m.said == 0 || j.Elapsed-m.said >= sayEvery {
		m.said = max(j.Elapsed, 1)
		step := &m.Plan.Steps[j.Step]
		m.Status = fmt.Sprintf("%s to %s · tensor %s of %s", step.Name, step.To, grouped(j.Step+1), grouped(len(m.Plan.Steps)))
	}
	if !j.through() {
		return s.feed()
	}
	out := j.end()
	m.ended, m.job = j.result(), nil
	m.ended.Choice, m.ended.opened = m.choice(), m.Opened
	m.ended.Kept, m.Status = m.kept, "Reading "+j.plan.Name+" back"
	m.renewed()
	check := s.call("model", "check", Call{Lane: "check", Op: wire.OpOpen, Args: wire.OpenArgs{Name: j.plan.Name}, Parts: m.fileID})
	m.checkID = check.ID
	return append(out, check)
}

// end stops the workers of a job.
func (j *job) end() (out []Effect) {
	for k := range j.lanes {
		out = append(out, End{laneName(k)})
	}
	return out
}

// stopModel goes back to where the model was before Quantize.
func (s *State) stopModel() []Effect {
	m := &s.Model
	var out []Effect
	if m.job != nil {
		out = m.job.end()
	}
	if m.checkID != 0 {
		out = append(out, End{"check"})
	}
	m.working, m.checkID = false, 0
	m.renewed()
	return append(out, s.dropMade()...)
}

func (s *State) cancelModel() []Effect {
	m := &s.Model
	if !m.working {
		return nil
	}
	m.Status, m.Fault = "Cancelled; nothing was kept", ""
	return s.stopModel()
}

// modelChecked compares the file that was made, as it was read back, with the plan.
func (s *State) modelChecked(e Reply) []Effect {
	m := &s.Model
	if m.checkID != e.ID || m.ended == nil {
		return nil
	}
	m.checkID = 0
	out := []Effect{End{"check"}}
	var back wire.FileInfo
	if err := wire.Unmarshal(e.JSON, &back); err != nil {
		return append(append(out, s.stopModel()...), s.modelBroken(err)...)
	}
	if wrong := m.differs(&back); wrong != "" {
		out = append(out, s.stopModel()...)
		m.Status, m.Fault = "", "the file that was made does not read back as planned and is not offered: "+wrong
		return out
	}
	m.Made, m.ended, m.working, m.Fault = m.ended, nil, false, ""
	saved := ""
	if m.Made.Kept == "file" {
		saved = "Saved. "
	}
	m.Status = fmt.Sprintf("Done in %.1f s. %sRead back: %s, the same names, shapes and offsets", m.Made.Elapsed/1000, saved, count(len(back.Tensors), "tensor"))
	m.renewed()
	return out
}

// differs says where a file is not what was planned, "" nowhere.
func (m *Model) differs(back *wire.FileInfo) string {
	if back.Size != m.Plan.Size {
		return fmt.Sprintf("it has %d bytes, not %d", back.Size, m.Plan.Size)
	}
	if len(back.Tensors) != len(m.Plan.Steps) {
		return fmt.Sprintf("it has %d tensors, not %d", len(back.Tensors), len(m.Plan.Steps))
	}
	for i, b := range back.Tensors {
		p := m.Plan.Steps[i]
		shape := m.File.Tensors[p.Tensor].Shape
		switch {
		case b.Name != p.Name:
			return fmt.Sprintf("tensor %d is called %q, not %q", i, b.Name, p.Name)
		case !slices.Equal(b.Shape, shape):
			return fmt.Sprintf("tensor %q has the shape %v, not %v", b.Name, b.Shape, shape)
		case b.Type != p.To || b.Bytes != p.Bytes:
			return fmt.Sprintf("tensor %q is %s in %d bytes, not %s in %d", b.Name, b.Type, b.Bytes, p.To, p.Bytes)
		case b.Offset != p.Offset:
			return fmt.Sprintf("tensor %q stands at byte %d, not %d", b.Name, b.Offset, p.Offset)
		}
	}
	return ""
}

// partFailed gives a task out again whose worker died. Any other failure is
// that of the whole.
func (s *State) partFailed(e Fault) []Effect {
	j := s.Model.job
	if j == nil || j.running[e.ID] == nil {
		return nil
	}
	if !e.Died {
		return s.giveUp(e.Message)
	}
	dead, fault := j.again(e.ID, e.Message)
	if fault != "" {
		return s.giveUp(fault)
	}
	return append([]Effect{End{laneName(dead)}}, s.feed()...)
}

// giveUp ends the conversion with a fault; the plan stays.
func (s *State) giveUp(why string) []Effect {
	m := &s.Model
	out := s.stopModel()
	m.Status, m.Fault = m.ready(m.Plan), why
	return out
}
