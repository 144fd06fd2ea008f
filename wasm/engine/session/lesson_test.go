//go:build !first

package session

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"fewbits/wasm/lesson"
	"fewbits/wasm/wire"
)

// TestTeach asks for every widget and exercise as the page does, past the JSON.
func TestTeach(t *testing.T) {
	var s Session
	for _, w := range lesson.Widgets {
		f := ask[figure](t, &s, wire.OpFigure, wire.FigureArgs{ID: w.ID, Controls: true}, Attachment{})
		if len(f.Controls) != len(w.Controls) || len(f.Parts) == 0 {
			t.Errorf("%s: %+v", w.ID, f)
		}
	}
	for _, e := range lesson.Exercises {
		a := wire.AskArgs{ID: e.ID, Seed: 3}
		q := ask[lesson.Question](t, &s, wire.OpAsk, a, Attachment{})
		own, err := lesson.Ask(e.ID, 3)
		if err != nil || q.Text != own.Text || q.Hints != own.Hints {
			t.Fatalf("%s: %+v, %v", e.ID, q, err)
		}
		var answers []string
		for _, k := range own.Keys() {
			answers = append(answers, k.Right)
		}
		if v := ask[lesson.Verdict](t, &s, wire.OpCheck, wire.CheckArgs{AskArgs: a, Answers: answers}, Attachment{}); v.Kind != "right" {
			t.Errorf("%s: %+v", e.ID, v)
		}
		if v := ask[lesson.Verdict](t, &s, wire.OpCheck, wire.CheckArgs{AskArgs: a, Hint: 1}, Attachment{}); v.Kind != "hint" {
			t.Errorf("%s: %+v", e.ID, v)
		}
	}
	for _, op := range []string{wire.OpFigure, wire.OpAsk, wire.OpCheck} {
		if _, err := s.Call(op, []byte(`{"id":"none"}`), Attachment{}); err == nil || !strings.Contains(err.Error(), `"none"`) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// TestLab trains a small lab to its end, past the JSON: with 2 bits, training
// finds what rounding loses.
func TestLab(t *testing.T) {
	var s Session
	if _, err := s.Call(wire.OpLabStep, []byte(`{"steps":1}`), Attachment{}); err == nil || !strings.Contains(err.Error(), "no lab is open") {
		t.Error(err)
	}
	if _, err := s.Call(wire.OpLabOpen, []byte(`{"task":"spirals","bits":1}`), Attachment{}); err == nil {
		t.Error("1 bit is taken")
	}
	v := ask[wire.Lab](t, &s, wire.OpLabOpen, wire.LabArgs{Task: "spirals", Bits: []int{2}, Seed: 1}, Attachment{})
	if v.Done != 0 || v.All != 2*labSteps || len(v.Points) != labPoints || len(v.Runs) != 1 || len(v.Runs[0].Map) != labSide*labSide {
		t.Fatalf("%+v", v)
	}
	for v.Done < v.All {
		v = ask[wire.Lab](t, &s, wire.OpLabStep, wire.LabStepArgs{Steps: labAtOnce}, Attachment{})
	}
	if len(v.Runs) != 3 || len(v.Runs[0].Loss) != labSteps/labLossDot || len(v.Runs[2].Loss) != labSteps/labLossDot || v.Points != nil {
		t.Fatalf("%+v", v)
	}
	if float, rounded, trained := v.Runs[0].Accuracy, v.Runs[1].Accuracy, v.Runs[2].Accuracy; float < 0.95 || trained < rounded+0.05 {
		t.Errorf("floats find %v, rounded %v, trained %v", float, rounded, trained)
	}
	v = ask[wire.Lab](t, &s, wire.OpLabOpen, wire.LabArgs{Task: "digits", Bits: []int{4, 0}, Seed: 1}, Attachment{})
	if v.Side != 0 || v.Points != nil || v.Runs[0].Map != "" || len(v.Digits) != labDigits || len(v.Digits[0]) != 64 {
		t.Errorf("%+v", v)
	}
	for v.Done < v.All {
		v = ask[wire.Lab](t, &s, wire.OpLabStep, wire.LabStepArgs{Steps: labAtOnce}, Attachment{})
	}
	for i, r := range v.Runs { // the digits are 0 … 9 in turn
		right := 0
		for k, c := range r.Reads {
			if int(c-'0') == k%10 {
				right++
			}
		}
		if bits := []int{-1, 4, 4, 0, 0}[i]; r.Bits != bits || len(r.Reads) != labDigits || math.Abs(float64(right)/labDigits-r.Accuracy) > 0.25 {
			t.Errorf("%s: %d bits, reads %q, finds %v", r.Name, r.Bits, r.Reads, r.Accuracy)
		}
	}
}

// TestTale takes a few steps with the small sample model, past the JSON: with 2
// bits the first ones win back a good part of what rounding loses.
func TestTale(t *testing.T) {
	var s Session
	if _, err := s.Call(wire.OpTaleStep, []byte(`{"steps":1}`), Attachment{}); err == nil || !strings.Contains(err.Error(), "no model is open") {
		t.Error(err)
	}
	b, err := os.ReadFile("../../../web/samples/tale-small.gguf")
	if err != nil {
		t.Fatal(err)
	}
	file := Attachment{File: bytes.NewReader(b), Size: int64(len(b))}
	for args, says := range map[string]string{
		`{"bits":1,"steps":4}`:              "1 bits",
		`{"bits":2,"steps":0}`:              "0 steps",
		`{"bits":2,"steps":9999}`:           "9999 steps",
		`{"bits":2,"steps":4,"group":1000}`: "groups of 1000",
	} {
		if _, err := s.Call(wire.OpTaleOpen, []byte(args), file); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", args, err)
		}
	}
	if _, err := s.Call(wire.OpTaleOpen, []byte(`{"bits":2,"steps":4}`), Attachment{}); err == nil || !strings.Contains(err.Error(), "no model") {
		t.Error(err)
	}
	if testing.Short() {
		t.Skip("it takes some seconds to train")
	}
	v := ask[wire.Tale](t, &s, wire.OpTaleOpen, wire.TaleArgs{Bits: 2, Steps: 5, Seed: 1}, file)
	if v.Done != 0 || v.All != 5 || v.Weights < 500_000 || v.Float > 1.6 || v.Rounded < 1.2*v.Float || len(v.At) != 1 || v.Trained[0] != v.Rounded {
		t.Fatalf("%+v", v)
	}
	v = ask[wire.Tale](t, &s, wire.OpTaleStep, wire.LabStepArgs{Steps: 3}, Attachment{})
	v = ask[wire.Tale](t, &s, wire.OpTaleStep, wire.LabStepArgs{Steps: 9}, Attachment{})
	if v.Done != 5 || len(v.At) != 5 || v.At[4] != 5 || v.Trained[4] > v.Rounded-0.3*(v.Rounded-v.Float) {
		t.Errorf("%+v", v)
	}
}
