//go:build !first

package session

import (
	"errors"
	"fmt"

	"fewbits/quant/gguf"
	"fewbits/quant/train"
	"fewbits/wasm/wire"
)

const (
	taleSteps  = 500 // that may be asked for
	taleAtOnce = 10  // of them in one request
	taleEvery  = 4   // steps between two measures
)

// tale is a language model that is trained on with few bits in mind.
type tale struct {
	training *train.Aware
	weights  int
	at       []int
	trained  []float64
}

func (s *Session) taleOpen(v wire.TaleArgs, a Attachment) (Reply, error) {
	s.teaching.tale = nil // two at once would not be small any more
	if a.File == nil {
		return Reply{}, errors.New("no model came along that could be trained")
	}
	if v.Steps < 1 || v.Steps > taleSteps {
		return Reply{}, fmt.Errorf("%d steps; 1 … %d are possible", v.Steps, taleSteps)
	}
	f, err := gguf.Open(a.File, a.Size)
	if err != nil {
		return Reply{}, err
	}
	m, vocabulary, err := train.Read(f, 0)
	if err != nil {
		return Reply{}, err
	}
	t := &tale{weights: m.Parameters()}
	t.training, err = train.NewAware(m, vocabulary, train.AwareOptions{Bits: v.Bits, Group: v.Group, Seed: v.Seed, Steps: v.Steps})
	if err != nil {
		return Reply{}, err
	}
	t.at, t.trained = []int{0}, []float64{t.training.Rounded}
	s.teaching.tale = t
	return Reply{JSON: t.state()}, nil
}

func (s *Session) taleStep(a wire.LabStepArgs) (Reply, error) {
	t := s.teaching.tale
	if t == nil {
		return Reply{}, errors.New("no model is open that could make steps")
	}
	for range min(taleAtOnce, a.Steps) {
		done, all := t.training.Done()
		if done == all {
			break
		}
		if _, err := t.training.Step(); err != nil {
			return Reply{}, err
		}
		if done++; done%taleEvery == 0 || done == all || done < 3 {
			p, err := t.training.Perplexity()
			if err != nil {
				return Reply{}, err
			}
			t.at, t.trained = append(t.at, done), append(t.trained, p)
		}
	}
	return Reply{JSON: t.state()}, nil
}

func (t *tale) state() wire.Tale {
	v := wire.Tale{Weights: t.weights, Float: t.training.Float, Rounded: t.training.Rounded, At: t.at, Trained: t.trained}
	v.Done, v.All = t.training.Done()
	return v
}
