//go:build !first

package session

import (
	"context"
	"fmt"

	"fewbits/quant/llama"
	"fewbits/wasm/wire"
)

const (
	maxPrompt = 16 << 10 // bytes of a prompt
	maxSaid   = 4096     // tokens that may be asked for
	sayStep   = 4        // tokens between two answers
)

// saying is a model that goes on with a prompt.
type saying struct {
	vocab  *llama.Vocab
	text   *llama.Session
	ids    []int32 // the prompt's, then those that were said
	fed    int     // of ids
	prompt int     // of ids
	before int     // bytes of the prompt as it is decoded
	tokens int     // to be said at most
	logits []float32
}

// sayOpen loads the model and takes the prompt apart; nothing is said yet.
func (s *Session) sayOpen(v wire.SayOpenArgs, a Attachment) (Reply, error) {
	s.evaluation = evaluation{}
	switch {
	case v.Prompt == "":
		return Reply{}, fmt.Errorf("there is no prompt to go on with; write the beginning of a text")
	case len(v.Prompt) > maxPrompt:
		return Reply{}, fmt.Errorf("the prompt has %d bytes; up to %d are read", len(v.Prompt), maxPrompt)
	case v.Tokens < 1 || v.Tokens > maxSaid:
		return Reply{}, fmt.Errorf("%d tokens are asked for; 1 to %d are possible", v.Tokens, maxSaid)
	}
	files := a.files(v.Name)
	room := v.Resident
	m, err := openModel(files, v.Name, &room)
	if err != nil {
		return Reply{}, err
	}
	y := &saying{vocab: m.Vocab(), tokens: v.Tokens, logits: make([]float32, m.Config().Vocabulary)}
	y.ids = y.vocab.Encode(v.Prompt, true, false)
	if n := len(y.ids); n > 0 && y.vocab.AddEOS && y.ids[n-1] == y.vocab.EOS {
		y.ids = y.ids[:n-1] // it is not at its end
	}
	if len(y.ids) == 0 {
		return Reply{}, fmt.Errorf("the prompt has no token that %s knows; write another beginning", v.Name)
	}
	y.prompt, y.before = len(y.ids), len(y.vocab.Decode(y.ids))
	if y.text, err = m.NewSession(y.prompt + v.Tokens); err != nil {
		return Reply{}, fmt.Errorf("%s cannot go on with it: %w", v.Name, err)
	}
	s.evaluation.saying = y
	return Reply{JSON: wire.Said{}}, nil
}

// say goes on for a few tokens: each is the likeliest.
func (s *Session) say() (Reply, error) {
	y := s.evaluation.saying
	if y == nil {
		return Reply{}, fmt.Errorf("no model is open that could go on with a prompt")
	}
	done := false
	for range sayStep {
		var err error
		if done, err = y.next(context.Background()); err != nil {
			s.evaluation.saying = nil
			return Reply{}, err
		}
		if done {
			s.evaluation.saying = nil
			break
		}
	}
	return Reply{JSON: wire.Said{Text: y.vocab.Decode(y.ids)[y.before:], Tokens: len(y.ids) - y.prompt, Done: done}}, nil
}

// next says one token, and whether it was the last.
func (y *saying) next(ctx context.Context) (done bool, err error) {
	if err := y.text.Feed(ctx, y.ids[y.fed:]); err != nil {
		return false, err
	}
	n := len(y.ids) - y.fed
	y.fed = len(y.ids)
	if err := y.text.Logits(ctx, n-1, 1, y.logits); err != nil {
		return false, err
	}
	best := 0
	for i, l := range y.logits {
		if l-l != 0 {
			return false, fmt.Errorf("what the model says next is not finite: there are NaN or infinities in it")
		}
		if l > y.logits[best] {
			best = i
		}
	}
	if int32(best) == y.vocab.EOS {
		return true, nil
	}
	y.ids = append(y.ids, int32(best))
	return len(y.ids)-y.prompt == y.tokens, nil
}
