package page

import (
	"cmp"
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
	With string // wire.OpSayOpen, or wire.OpLlama where llama.cpp runs it
	wire.Said
	Speed float64 // tokens a second; 0 where it is not known

	ref, parts int
	since      float64 // ms, when it had read the prompt
}

// llamaMost is how many bytes of weights llama.cpp may hold in a page, in a
// memory of 4 GiB for each model.
const llamaMost = 3 << 30

// What llama.cpp can run, for Model.Llama.
const (
	llamaOriginal = 1 << iota
	llamaMade
)

// Llama says what llama.cpp can run, as a sum: 1 is the open file, 2 what was
// made of it. It takes whole models in GGUF; which it knows it says itself.
func (m *Model) Llama() (can int) {
	left := int64(llamaMost)
	if f := m.made(); f != nil {
		if left -= f.Size; left >= 0 {
			can = llamaMade
		}
	}
	if m.hasArchitecture() && m.File.Container == "gguf" && m.File.Size <= left {
		can |= llamaOriginal
	}
	return can
}

// saidTokens is how many tokens are said at most.
const saidTokens = 160

// The events of saying.
type (
	// SayAsked lets both go on with a prompt.
	SayAsked struct {
		Prompt string
		With   string // wire.OpSayOpen, or wire.OpLlama for what llama.cpp can run
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
	n, resident, room := m.share(2)
	if n == 1 { // what one worker may hold of both, two share
		resident /= 2
	}
	why := cmp.Or(m.NotMeasured(), room)
	can := m.Llama()
	if e.With != wire.OpLlama {
		can = 0
	}
	if why == "" || can&llamaOriginal != 0 {
		y.Texts = append(y.Texts, Speech{Name: m.File.Name, What: "original", With: with(can & llamaOriginal), ref: m.ref})
	}
	if made := m.made(); made != nil && (why == "" || can&llamaMade != 0) {
		y.Texts = append(y.Texts, Speech{Name: made.Name, What: made.Choice, With: with(can & llamaMade), parts: m.fileID})
	}
	y.running = len(y.Texts)
	if y.running == 0 {
		y.Fault = why
		return nil
	}
	y.Status = "Loading"
	out := s.yieldFlow()
	for k, t := range y.Texts {
		args := wire.SayOpenArgs{Name: t.Name, Prompt: e.Prompt, Tokens: saidTokens, Resident: resident}
		c := s.call("say", "", Call{Lane: t.lane(k), Op: t.With, Args: args, File: t.ref, Parts: t.parts})
		y.asked[c.ID] = k
		out = append(out, c)
	}
	return out
}

// with is what runs a text.
func with(llama int) string {
	if llama != 0 {
		return wire.OpLlama
	}
	return wire.OpSayOpen
}

// lane is the worker of a text; its name says what it runs.
func (t *Speech) lane(k int) string { return t.With + strconv.Itoa(k) }

// saidMore takes in what was said, and asks for more.
func (s *State) saidMore(e Reply) []Effect {
	y := &s.Model.Saying
	k, ok := y.asked.take(e.ID)
	if !ok || !y.Running() {
		return nil
	}
	t := &y.Texts[k]
	t.News = ""
	if err := wire.Unmarshal(e.JSON, &t.Said); err != nil {
		return s.sayFailed("the answer of the worker cannot be read: " + err.Error())
	}
	if t.News == "" {
		y.Status = "Going on"
	}
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
		return []Effect{End{t.lane(k)}}
	}
	c := s.call("say", "", Call{Lane: t.lane(k), Op: wire.OpSay})
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
		out = append(out, End{y.Texts[k].lane(k)})
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
