package page

import (
	"fmt"
	"strings"

	"fewbits/wasm/wire"
)

// Checkpoint is the model saved as other projects keep it: an archive of
// several files, made beside the GGUF file of the plan.
type Checkpoint struct {
	Plan    []byte           // wire.CheckpointPlan, as the worker wrote it; nil before it did
	Last    []byte           // wire.CheckpointStep, likewise: what came of it
	Asked   *CheckpointAsked // what is being made, or was
	Tensors int              // that were read back; 0 before they were
	Kept    string           // where the archive is: as Made has it
	Size    int64            // of the archive
	Status  string
	Fault   string
	Written int64
	Elapsed float64 // ms, without what came before the first piece
	working bool
	ready   bool // there is where to keep it
	fileID  int  // request that keeps it
	want    int  // request that is under way
	began   float64

	quantized int // matrices that were written
}

const checkpointLane = "checkpoint"

// The events of checkpoints.
type (
	// CheckpointAsked begins one.
	CheckpointAsked struct {
		wire.CheckpointArgs
		Straight bool // into a file that the person picks
		At       float64
		Run      *FlowRun // that decided; nil for rounding
	}
	// CheckpointCancelled stops it.
	CheckpointCancelled struct{}
	// CheckpointSaved downloads it.
	CheckpointSaved struct{}
)

func (s *State) updateCheckpoint(e Event) ([]Effect, bool) {
	c := &s.Model.Checkpoint
	switch e := e.(type) {
	case *CheckpointAsked:
		return s.saveCheckpoint(e), true
	case CheckpointCancelled:
		if !c.working {
			return nil, true
		}
		out := s.dropCheckpoint()
		c.Status = "Cancelled; nothing was kept"
		return out, true
	case CheckpointSaved:
		if c.Offered() {
			return []Effect{Save{ID: c.fileID, Name: c.Archive(), Type: "application/zip"}}, true
		}
		return nil, true
	}
	return nil, false
}

// Working says whether one is being made or read back.
func (c *Checkpoint) Working() bool { return c.working }

// Made says whether one is made, and was read back.
func (c *Checkpoint) Made() bool { return c.Tensors > 0 }

// Offered says whether it is here to be downloaded.
func (c *Checkpoint) Offered() bool { return c.Made() && c.Kept != "file" }

// Archive is the name of the file.
func (c *Checkpoint) Archive() string { return c.Asked.Folder + ".zip" }

// saveCheckpoint begins one.
func (s *State) saveCheckpoint(e *CheckpointAsked) []Effect {
	m := &s.Model
	c := &m.Checkpoint
	if !m.Idle() || m.Busy != "" {
		return nil
	}
	out := s.dropCheckpoint()
	e.Name = m.File.Name
	switch {
	case !e.Decided:
		out = append(out, s.yieldFlow()...)
	case m.Flow.Kept == nil:
		c.Fault = "what the method decided is gone; run it again under What flows through it, then save"
		return out
	default:
		e.Run, e.Options = m.Flow.Kept, nil
	}
	c.Asked, c.working, c.began = e, true, e.At
	c.Status = "Planning " + c.Archive()
	if e.Straight { // while the person's click counts
		return append(out, s.keepCheckpoint())
	}
	return append(out, s.planCheckpoint())
}

func (s *State) planCheckpoint() Effect {
	m := &s.Model
	c := &m.Checkpoint
	call := Call{Lane: checkpointLane, Op: wire.OpCheckpointOpen, Args: c.Asked.CheckpointArgs, File: m.ref}
	if c.Asked.Decided {
		call.Lane, call.File = flowLane, 0
	}
	call = s.call("checkpoint", "plan", call)
	c.want = call.ID
	return call
}

func (s *State) keepCheckpoint() Effect {
	c := &s.Model.Checkpoint
	keep := Keep{ID: s.call("checkpoint", "keep", Call{}).ID, Name: c.Archive(), Size: c.Size, Straight: c.Asked.Straight, Alone: true}
	c.fileID = keep.ID
	return keep
}

// checkpointStored says that there is where to keep it.
func (s *State) checkpointStored(e Stored) []Effect {
	c := &s.Model.Checkpoint
	c.ready, c.Kept = true, e.Kept
	if c.Plan == nil {
		return []Effect{s.planCheckpoint()}
	}
	return []Effect{s.stepCheckpoint()}
}

// stepCheckpoint asks for the next piece.
func (s *State) stepCheckpoint() Effect {
	c := &s.Model.Checkpoint
	call := Call{Lane: checkpointLane, Op: wire.OpCheckpoint, Into: c.fileID, At: -1}
	if c.Asked.Decided {
		call.Lane = flowLane
	}
	call = s.call("checkpoint", "step", call)
	c.want = call.ID
	return call
}

func (s *State) checkpointReply(what string, e Reply) []Effect {
	c := &s.Model.Checkpoint
	if e.ID != c.want || !c.working {
		return nil
	}
	switch what {
	case "plan":
		var p wire.CheckpointPlan
		if err := wire.Unmarshal(e.JSON, &p); err != nil {
			return s.checkpointFailed("the answer of the worker cannot be read: " + err.Error())
		}
		c.Plan, c.Size, c.began = e.JSON, p.Size, e.At
		if c.ready {
			return []Effect{s.stepCheckpoint()}
		}
		return []Effect{s.keepCheckpoint()}
	case "check":
		return s.checkpointChecked(e)
	}
	var step wire.CheckpointStep
	if err := wire.Unmarshal(e.JSON, &step); err != nil {
		return s.checkpointFailed("the answer of the worker cannot be read: " + err.Error())
	}
	c.Elapsed = e.At - c.began
	if !step.Through {
		c.Written += step.Bytes
		if step.Tensor != "" {
			c.Status = "Writing " + step.Tensor
		}
		return []Effect{s.stepCheckpoint()}
	}
	c.Last, c.quantized, c.Status = e.JSON, step.Quantized, "Reading "+c.Archive()+" back"
	check := s.call("checkpoint", "check", Call{Lane: "check", Op: wire.OpOpen, Args: wire.OpenArgs{Name: c.Archive()}, Parts: c.fileID})
	c.want = check.ID
	return append(c.rest(), check)
}

// rest ends the worker of the checkpoint; that of the flow stays, with what was
// decided.
func (c *Checkpoint) rest() []Effect {
	if c.Asked.Decided {
		return nil
	}
	return []Effect{End{checkpointLane}}
}

// checkpointChecked takes in what the archive holds, as it was read back.
func (s *State) checkpointChecked(e Reply) []Effect {
	c := &s.Model.Checkpoint
	var back wire.FileInfo
	if err := wire.Unmarshal(e.JSON, &back); err != nil {
		return s.checkpointFailed("the answer of the worker cannot be read: " + err.Error())
	}
	stored := 0
	for _, t := range back.Tensors {
		if t.Stored != "" {
			stored++
		}
	}
	if stored != c.quantized {
		return s.checkpointFailed(fmt.Sprintf("%s does not read back as it was written and is not offered: %s of %s are quantized in it, and %s were written", c.Archive(), grouped(stored), count(len(back.Tensors), "tensor"), grouped(c.quantized)))
	}
	saved := ""
	if c.Kept == "file" {
		saved = "Saved. "
	}
	c.working, c.want, c.Tensors = false, 0, len(back.Tensors)
	c.Status = fmt.Sprintf("Done in %.1f s. %sRead back: %s, %s of them quantized", c.Elapsed/1000, saved, count(c.Tensors, "tensor"), grouped(stored))
	return []Effect{End{"check"}}
}

// dropCheckpoint stops what is under way, and forgets what was made.
func (s *State) dropCheckpoint() (out []Effect) {
	c := &s.Model.Checkpoint
	if c.working {
		out = append(c.rest(), End{"check"})
	}
	if c.fileID != 0 {
		out = append(out, Drop{c.fileID})
	}
	*c = Checkpoint{}
	return out
}

func (s *State) checkpointFailed(why string) []Effect {
	out := s.dropCheckpoint()
	s.Model.Checkpoint.Fault = why
	return out
}

func (s *State) checkpointFault(what string, e Fault) []Effect {
	c := &s.Model.Checkpoint
	switch {
	case !c.working || e.ID != c.want && e.ID != c.fileID:
		return nil
	case what == "keep" && e.Message == "": // nothing was picked
		out := s.dropCheckpoint()
		s.Model.Checkpoint.Status = "Nothing was picked to save to"
		return out
	}
	return s.checkpointFailed(e.Message)
}

// Share is how much is written, 0 … 1.
func (c *Checkpoint) Share() float64 {
	return min(1, float64(c.Written)/float64(max(1, c.Size)))
}

// StoredAs is what a layout is called in words: "GPTQ v1, 4 bits, groups of
// 128" for "GPTQ 4-bit g128".
func StoredAs(name string) string {
	words := strings.Fields(name)
	if words[0] == "GPTQ" && !strings.Contains(name, " v2 ") {
		words[0] = "GPTQ v1"
	}
	for i, w := range words {
		if n, ok := strings.CutSuffix(w, "-bit"); ok {
			words[i-1] += ","
			words[i] = n + " bits"
			if i+1 == len(words) {
				words[i] += ", a scale a row"
			}
		} else if n, ok := strings.CutPrefix(w, "g"); ok && i > 0 {
			words[i-1] += ","
			words[i] = "groups of " + n
		}
	}
	return strings.Join(words, " ")
}

// Short is what a tensor is stored as where there is little room: "4-bit" for
// "GPTQ 4-bit g128", "NF4", or its type.
func Short(t *wire.TensorRow) string {
	words := strings.Fields(t.Stored)
	for _, w := range words {
		if strings.HasSuffix(w, "-bit") {
			return w
		}
	}
	if len(words) > 1 {
		return strings.TrimSuffix(words[1], ",")
	}
	return t.Type
}

// StoredAs is what most matrices of the file are stored as, and how many; ""
// where none is of another project's checkpoint.
func (m *Model) StoredAs() string {
	n, best := map[string]int{}, ""
	for _, t := range m.File.Tensors {
		if t.Stored == "" {
			continue
		}
		if n[t.Stored]++; n[t.Stored] > n[best] {
			best = t.Stored
		}
	}
	if best == "" {
		return ""
	}
	say := fmt.Sprintf("%s: %s of %s", StoredAs(best), grouped(n[best]), count(len(m.File.Tensors), "tensor"))
	if len(n) > 1 {
		say += ", and others"
	}
	return say
}
