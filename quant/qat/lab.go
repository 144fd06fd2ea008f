package qat

import "fmt"

// Setup is what a Lab compares. Zero values mean the defaults in brackets.
type Setup struct {
	Task        string // "spirals" or "digits" ["spirals"]
	Seed        uint64 // of the data, the first weights and the order of batches
	Bits        []int  // of weights: 2 … 8 or Ternary [8, 4, 3, 2, Ternary]
	Activations int    // bits of what the ReLUs give, 2 … 8, or 0 for floats
	Steps       int    // of plain training, and then of training with few bits [500]
}

// maxSteps and maxRuns bound what a setup may ask for.
const maxSteps, maxRuns = 10_000, 8

// Lab trains one network as floats, then takes it to few bits in two ways at
// each width: rounded afterwards (PTQ), and trained on with fake quantization
// (QAT). The same setup gives the same numbers.
type Lab struct {
	setup      Setup
	learnFrom  Data
	fresh      Data // rows that nobody learns from
	float      *Net
	plain      *Trainer
	few        []few
	plainLoss  []float32
	steps, end int
}

type few struct {
	bits    int
	rounded *Net
	learnt  *Net
	trainer *Trainer
	loss    []float32
}

// NewLab draws the data and the first weights.
func NewLab(s Setup) (*Lab, error) {
	if s.Task == "" {
		s.Task = "spirals"
	}
	if s.Steps == 0 {
		s.Steps = 500
	}
	if len(s.Bits) == 0 {
		s.Bits = []int{8, 4, 3, 2, Ternary}
	}
	if s.Steps < 1 || s.Steps > maxSteps {
		return nil, fmt.Errorf("qat: %d steps; 1 … %d are possible", s.Steps, maxSteps)
	}
	if len(s.Bits) > maxRuns {
		return nil, fmt.Errorf("qat: %d widths at once; at most %d", len(s.Bits), maxRuns)
	}
	for _, b := range s.Bits {
		if err := (Bits{b, s.Activations}).check(); err != nil {
			return nil, err
		}
	}
	l := &Lab{setup: s, end: 2 * s.Steps}
	widths := []int{2, 32, 32, 2}
	switch s.Task {
	case "spirals":
		l.learnFrom, l.fresh = Spirals(600, 0.03, s.Seed), Spirals(600, 0.03, s.Seed+1<<32)
	case "digits":
		l.learnFrom, l.fresh = Digits(2000, s.Seed), Digits(600, s.Seed+1<<32)
		widths = []int{DigitSide * DigitSide, 24, 10}
	default:
		return nil, fmt.Errorf("qat: there is no task %q; there are \"spirals\" and \"digits\"", s.Task)
	}
	l.float = NewNet(widths, s.Seed)
	var err error
	l.plain, err = NewTrainer(l.float, l.learnFrom, Plan{Steps: s.Steps, Seed: s.Seed})
	return l, err
}

// Data are the rows that are learnt from, and those that are measured on.
func (l *Lab) Data() (train, fresh Data) { return l.learnFrom, l.fresh }

// Steps says how many steps were made, and how many there are.
func (l *Lab) Steps() (done, all int) { return l.steps, l.end }

// Done says whether all steps were made.
func (l *Lab) Done() bool { return l.steps >= l.end }

// Step makes one step: of the floats at first, then one of every width.
func (l *Lab) Step() error {
	if l.Done() {
		return nil
	}
	if l.steps < l.setup.Steps {
		l.plainLoss = append(l.plainLoss, float32(l.plain.Step()))
		l.steps++
		return nil
	}
	if l.few == nil {
		if err := l.begin(); err != nil {
			return err
		}
	}
	for i := range l.few {
		f := &l.few[i]
		f.loss = append(f.loss, float32(f.trainer.Step()))
	}
	l.steps++
	return nil
}

// begin folds the floats, rounds them and starts training at each width.
func (l *Lab) begin() error {
	l.float.Fold()
	for _, bits := range l.setup.Bits {
		b := Bits{bits, l.setup.Activations}
		f := few{bits: bits, rounded: l.float.Clone(), learnt: l.float.Clone()}
		if err := f.rounded.Round(b, l.learnFrom); err != nil {
			return err
		}
		if err := f.learnt.Learn(b); err != nil {
			return err
		}
		var err error
		if f.trainer, err = NewTrainer(f.learnt, l.learnFrom, Plan{Steps: l.setup.Steps, Rate: 0.005, Seed: l.setup.Seed + 1}); err != nil {
			return err
		}
		l.few = append(l.few, f)
	}
	return nil
}

// Run is how one network stands.
type Run struct {
	Name     string    // "floats", "2 bits, rounded", "2 bits, trained"
	Bits     int       // of its weights; -1 for floats
	Learnt   bool      // trained with few bits, not rounded afterwards
	Net      *Net      // to look at; it is trained on
	Loss     []float32 // nats, one a step; nil for what does not learn
	Nats     float64   // mean loss on fresh rows
	Accuracy float64   // share of fresh rows whose class is found
}

// Runs measures every network there is: the floats first, then rounded and
// trained at each width.
func (l *Lab) Runs() []Run {
	runs := []Run{{Name: "floats", Bits: -1, Net: l.float, Loss: l.plainLoss}}
	for _, f := range l.few {
		name := fmt.Sprintf("%d bits", f.bits)
		if f.bits == Ternary {
			name = "ternary"
		}
		runs = append(runs, Run{Name: name + ", rounded", Bits: f.bits, Net: f.rounded},
			Run{Name: name + ", trained", Bits: f.bits, Learnt: true, Net: f.learnt, Loss: f.loss})
	}
	for i := range runs {
		runs[i].Nats, runs[i].Accuracy = runs[i].Net.Measure(l.fresh)
	}
	return runs
}
