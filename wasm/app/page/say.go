package page

import (
	"fmt"
	"strconv"

	"fewbits/wasm/wire"
)

// Saying is how the model, and what was made of it, go on with a prompt.
type Saying struct {
	Prompt  string
	Texts   []Speech // the original first
	Status  string
	Fault   string
	running int       // of Texts
	asked   byRequest // of Texts
}

// Speech is what one of them says.
type Speech struct {
	Name string // of the file
	What string // "original", or what it was made with
	wire.Said
	Speed float64 // tokens a second; 0 where it is not known

	ref, parts int
	since      float64 // ms, when it had read the prompt
}

// saidTokens is how many tokens are said at most.
const saidTokens = 160

// The events of saying.
type (
	// SayAsked lets both go on with a prompt.
	SayAsked struct {
		Prompt string
	}
	// SayStopped stops them; what they said stays.
	SayStopped struct{}
)

// Running says whether one of them still speaks.
func (y *Saying) Running() bool { return y.running > 0 }

func (s *State) say(e SayAsked) []Effect {
	m := &s.Model
	y := &m.Saying
	if !m.Idle() {
		return nil
	}
	*y = Saying{Prompt: e.Prompt, asked: byRequest{}}
	if y.Fault = m.NotMeasured(); y.Fault != "" {
		return nil
	}
	n, resident, why := m.share(2)
	if y.Fault = why; why != "" {
		return nil
	}
	y.Texts = append(y.Texts, Speech{Name: m.File.Name, What: "original", ref: m.ref})
	if made := m.made(); made != nil {
		y.Texts = append(y.Texts, Speech{Name: made.Name, What: made.Choice, parts: m.fileID})
	}
	if n == 1 { // what one worker may hold of both, two share
		resident /= 2
	}
	y.Status, y.running = "Loading", len(y.Texts)
	out := s.yieldFlow()
	for k, t := range y.Texts {
		args := wire.SayOpenArgs{Name: t.Name, Prompt: e.Prompt, Tokens: saidTokens, Resident: resident}
		c := s.call("say", "", Call{Lane: sayerName(k), Op: wire.OpSayOpen, Args: args, File: t.ref, Parts: t.parts})
		y.asked[c.ID] = k
		out = append(out, c)
	}
	return out
}

func sayerName(k int) string { return "say-" + strconv.Itoa(k+1) }

// saidMore takes in what was said, and asks for more.
func (s *State) saidMore(e Reply) []Effect {
	y := &s.Model.Saying
	k, ok := y.asked.take(e.ID)
	if !ok || !y.Running() {
		return nil
	}
	t := &y.Texts[k]
	if err := wire.Unmarshal(e.JSON, &t.Said); err != nil {
		return s.sayFailed("the answer of the worker cannot be read: " + err.Error())
	}
	y.Status = "Going on"
	switch {
	case t.Tokens == 0:
		t.since = e.At
	case e.At > t.since:
		t.Speed = float64(t.Tokens) / (e.At - t.since) * 1000
	}
	if t.Done {
		if y.running--; y.running == 0 {
			y.Status = "Done"
		}
		return []Effect{End{sayerName(k)}}
	}
	c := s.call("say", "", Call{Lane: sayerName(k), Op: wire.OpSay})
	y.asked[c.ID] = k
	return []Effect{c}
}

// stopSaying stops them; nil where none speaks.
func (s *State) stopSaying() (out []Effect) {
	y := &s.Model.Saying
	if !y.Running() {
		return nil
	}
	for k := range y.Texts {
		out = append(out, End{sayerName(k)})
	}
	y.running, y.asked, y.Status = 0, nil, "Stopped"
	return out
}

func (s *State) sayFailed(why string) []Effect {
	out := s.stopSaying()
	s.Model.Saying.Status, s.Model.Saying.Fault = "", why
	return out
}

// sayFault is a call that failed: there is nothing to go on from.
func (s *State) sayFault(e Fault) []Effect {
	y := &s.Model.Saying
	k, ok := y.asked[e.ID]
	if !ok {
		return nil
	}
	return s.sayFailed(fmt.Sprintf("%s cannot go on: %s", y.Texts[k].Name, e.Message))
}
