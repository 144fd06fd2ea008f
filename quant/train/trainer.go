package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant/llama"
	"fewbits/quant/tales"
)

// Options says how a model is trained. The zero value of a field is its default.
type Options struct {
	Seed      uint64  // of weights and stories; 0 is 1
	Steps     int     // 0 is 1000
	Sequences int     // of a step, each of the shape's Context; 0 is 8
	Rate      float64 // of learning, at its highest; 0 is 0.002
	Warmup    int     // steps in which the rate rises; 0 is a twentieth of all
}

const maxSteps = 1 << 24

func (o Options) withDefaults() (Options, error) {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Steps == 0 {
		o.Steps = 1000
	}
	if o.Sequences == 0 {
		o.Sequences = 8
	}
	if o.Rate == 0 {
		o.Rate = 0.002
	}
	if o.Warmup == 0 {
		o.Warmup = max(1, o.Steps/20)
	}
	switch {
	case o.Seed >= 1<<32:
		return o, fmt.Errorf("train: the seed %d is too large; below 2^32 are possible", o.Seed)
	case o.Steps < 1 || o.Steps > maxSteps || o.Warmup < 1 || o.Sequences < 1 || o.Sequences > 1024:
		return o, fmt.Errorf("train: %d steps of %d sequences, %d of them warm-up: out of range", o.Steps, o.Sequences, o.Warmup)
	case !(o.Rate > 0) || o.Rate > 1:
		return o, fmt.Errorf("train: a rate of %v; more than 0 and at most 1 are possible", o.Rate)
	}
	return o, nil
}

// Trainer is a training under way.
type Trainer struct {
	Model      *Model
	Vocabulary *Vocabulary
	options    Options
	encoder    *llama.Vocab
	optimizer  *optimizer
	held       Batch
}

// vocabularyStories is how many stories a vocabulary is learnt from.
const vocabularyStories = 4000

// New begins a training: it learns the vocabulary and draws the weights.
func New(s Shape, o Options) (*Trainer, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &Trainer{options: o}
	if t.Model, err = NewModel(s, o.Seed); err != nil {
		return nil, err
	}
	if t.Vocabulary, err = LearnVocabulary(tales.Text(o.Seed*tales.Training, vocabularyStories), s.Vocabulary); err != nil {
		return nil, err
	}
	if t.encoder, err = t.Vocabulary.encoder(); err != nil {
		return nil, err
	}
	t.optimizer = newOptimizer(t.Model)
	t.held = t.batch(tales.Measuring, 2*o.Sequences)
	return t, nil
}

// Done is how many steps were taken, of how many.
func (t *Trainer) Done() (steps, of int) { return t.optimizer.steps, t.options.Steps }

// Step takes one step, and returns the loss before it.
func (t *Trainer) Step() (float64, error) {
	step := t.optimizer.steps
	loss, err := t.Model.Loss(t.batch(t.options.Seed*tales.Training+uint64(step)+1, t.options.Sequences), true)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(loss) {
		return 0, fmt.Errorf("train: the loss of step %d is no number; choose a lower rate than %v", step, t.options.Rate)
	}
	t.optimizer.step(t.Model, t.rate(step))
	return loss, nil
}

// Held is the loss on stories that are not trained on.
func (t *Trainer) Held() (float64, error) { return t.Model.Loss(t.held, false) }

// rate rises in a line, then falls as a cosine to a hundredth.
func (t *Trainer) rate(step int) float64 {
	o := t.options
	if step < o.Warmup {
		return o.Rate * float64(step+1) / float64(o.Warmup)
	}
	share := float64(step-o.Warmup) / float64(max(1, o.Steps-o.Warmup))
	return o.Rate * falling(share, 0.01)
}

// falling goes from 1 to least as a cosine, as share goes from 0 to 1.
func falling(share, least float64) float64 {
	return least + float64((1-least)*0.5*(1+math.Cos(math.Pi*min(1, share))))
}

// batch is sequences of stories of the trainer's vocabulary.
func (t *Trainer) batch(seed uint64, sequences int) Batch {
	return stories{t.encoder, t.Model.Context}.batch(seed, sequences)
}

// stories is what batches are made of: stories in a vocabulary, cut to context
// tokens.
type stories struct {
	encoder *llama.Vocab
	context int
}

// batch is sequences of stories. Three of four begin at the beginning of a
// story, where all that is told of is named, the rest anywhere in one. The first
// token is always that which begins a text, as when perplexity is measured.
func (s stories) batch(seed uint64, sequences int) Batch {
	w := tales.NewWriter(seed)
	random := rand.New(rand.NewPCG(seed, 0x6261746368))
	n := s.context
	var b Batch
	for i := range sequences {
		from := 0
		if i%4 == 3 {
			from = 1 + random.IntN(n/2)
		}
		var ids []int32
		for text := ""; len(ids) < from+n+1; {
			text += w.Story() + "\n" + w.Story() + "\n" + w.Story() + "\n"
			ids = s.encoder.Encode(text, true, false)
		}
		ids = ids[from : from+n+1]
		b.Tokens = append(b.Tokens, s.encoder.BOS)
		b.Tokens = append(b.Tokens, ids[1:n]...)
		b.Targets = append(b.Targets, ids[1:]...)
	}
	return b
}
