//go:build !first

package session

import (
	"fmt"

	"fewbits/quant/qat"
	"fewbits/wasm/wire"
)

const (
	labSteps   = 500 // of plain training, and then as many with few bits
	labAtOnce  = 100 // steps that one request may ask for
	labSide    = 40
	labReach   = 1.2
	labPoints  = 200
	labDigits  = 20
	labLossDot = 5 // steps that one point of a curve is the mean of
)

func (s *Session) labOpen(a wire.LabArgs) (Reply, error) {
	lab, err := qat.NewLab(qat.Setup{Task: a.Task, Seed: a.Seed, Bits: a.Bits, Activations: a.Activations, Steps: labSteps})
	if err != nil {
		return Reply{}, err
	}
	s.teaching.lab, s.teaching.spirals = lab, a.Task != "digits"
	v, err := s.labState()
	_, fresh := lab.Data()
	if !s.teaching.spirals {
		for i := range min(labDigits, fresh.Rows()) {
			v.Digits = append(v.Digits, letters(fresh.Row(i)))
		}
		return Reply{JSON: v}, err
	}
	for i := range min(labPoints, fresh.Rows()) {
		v.Points = append(v.Points, wire.LabDot{X: float64(fresh.X[2*i]), Y: float64(fresh.X[2*i+1]), Class: fresh.Labels[i]})
	}
	return Reply{JSON: v}, err
}

func (s *Session) labStep(a wire.LabStepArgs) (Reply, error) {
	if s.teaching.lab == nil {
		return Reply{}, fmt.Errorf("no lab is open that could make steps")
	}
	for range min(labAtOnce, a.Steps) {
		if err := s.teaching.lab.Step(); err != nil {
			return Reply{}, err
		}
	}
	v, err := s.labState()
	return Reply{JSON: v}, err
}

func (s *Session) labState() (v wire.Lab, err error) {
	lab := s.teaching.lab
	v.Done, v.All = lab.Steps()
	if s.teaching.spirals {
		v.Side, v.Reach = labSide, labReach
	}
	for _, r := range lab.Runs() {
		run := wire.LabRun{Name: r.Name, Bits: r.Bits, Nats: r.Nats, Accuracy: r.Accuracy}
		for i := 0; i+labLossDot <= len(r.Loss); i += labLossDot {
			var sum float64
			for _, x := range r.Loss[i : i+labLossDot] {
				sum += float64(x)
			}
			run.Loss, run.Every = append(run.Loss, sum/labLossDot), labLossDot
		}
		if v.Side > 0 {
			m, err := r.Net.Map(labSide, labReach)
			if err != nil {
				return v, err
			}
			run.Map = letters(m)
		} else {
			_, fresh := lab.Data()
			for _, class := range r.Net.Classify(fresh.First(labDigits)) {
				run.Reads += string(rune('0' + class))
			}
		}
		v.Runs = append(v.Runs, run)
	}
	return v, nil
}

// letters writes numbers from 0 to 1 as letters from A to Z.
func letters(p []float32) string {
	b := make([]byte, len(p))
	for i, x := range p {
		b[i] = 'A' + byte(max(0, min(25, 26*x)))
	}
	return string(b)
}
