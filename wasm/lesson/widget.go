package lesson

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Widget is something to move in a lesson.
type Widget struct {
	ID       string
	Controls []Control
	Draw     func(v Values) ([]Part, error) // of values as fixed by Controls
}

// Kinds of controls.
const (
	Slider = "slider" // a number between Min and Max
	Choice = "choice" // one of Options
	Text   = "text"   // a short text
	Points = "points" // numbers between Min and Max, moved on a plot (Part.Moves)
)

// Control is one thing that a person may set. Its value is text.
type Control struct {
	ID      string   `json:"id"`
	Label   string   `json:"label"`
	Kind    string   `json:"kind"`
	Value   string   `json:"value"` // at first
	Min     float64  `json:"min"`
	Max     float64  `json:"max"`
	Step    float64  `json:"step"`
	Unit    string   `json:"unit,omitempty"`
	Options []Option `json:"options,omitempty"`
	Only    *Only    `json:"only,omitempty"` // else it says nothing, and rests
}

// Only is where a control counts: where another stands at a value.
type Only struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// Option is one of a choice.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// maxText is how long a text may be, in bytes.
const maxText = 4096

// Values are what the controls stand at, by their ids.
type Values map[string]string

// Number is a value as a number, 0 where it is none.
func (v Values) Number(id string) float64 {
	n, err := strconv.ParseFloat(v[id], 64)
	if err != nil {
		return 0
	}
	return n
}

// Int is a value as a whole number.
func (v Values) Int(id string) int { return int(math.Round(v.Number(id))) }

// Numbers are the values of Points.
func (v Values) Numbers(id string) []float64 {
	var out []float64
	for _, f := range strings.Fields(v[id]) {
		n, _ := strconv.ParseFloat(f, 64)
		out = append(out, n)
	}
	return out
}

// fix is v with each value as its control allows, or as it is at first.
func (w *Widget) fix(v Values) Values {
	out := Values{}
	for _, c := range w.Controls {
		out[c.ID] = c.fix(v[c.ID])
	}
	return out
}

func (c *Control) fix(s string) string {
	switch c.Kind {
	case Slider:
		if n, ok := c.number(s); ok {
			return strconv.FormatFloat(n, 'g', -1, 64)
		}
	case Choice:
		for _, o := range c.Options {
			if o.Value == s {
				return s
			}
		}
	case Points:
		fields, want := strings.Fields(s), len(strings.Fields(c.Value))
		if len(s) > maxText || len(fields) != want {
			return c.Value
		}
		for i, f := range fields {
			n, ok := c.number(f)
			if !ok {
				return c.Value
			}
			fields[i] = strconv.FormatFloat(n, 'g', -1, 64)
		}
		return strings.Join(fields, " ")
	case Text:
		if s != "" && len(s) <= maxText {
			return s
		}
	}
	return c.Value
}

func (c *Control) number(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) {
		return 0, false
	}
	return max(c.Min, min(c.Max, n)), true
}

// Draw is a widget's figure as its controls stand; v may lack some.
func Draw(id string, v Values) ([]Part, error) {
	w := widget(id)
	if w == nil {
		return nil, fmt.Errorf("there is no widget %q", id)
	}
	parts, err := w.Draw(w.fix(v))
	for i := range parts {
		parts[i].Say = strings.ReplaceAll(parts[i].Say, " %", "\u00a0%") // stays with its number
	}
	return parts, err
}

// Controls are those of a widget.
func Controls(id string) ([]Control, error) {
	w := widget(id)
	if w == nil {
		return nil, fmt.Errorf("there is no widget %q", id)
	}
	return w.Controls, nil
}

func widget(id string) *Widget {
	for i := range Widgets {
		if Widgets[i].ID == id {
			return &Widgets[i]
		}
	}
	return nil
}

// slider is a Slider.
func slider(id, label string, lo, hi, step, at float64) Control {
	return Control{ID: id, Label: label, Kind: Slider, Min: lo, Max: hi, Step: step, Value: strconv.FormatFloat(at, 'g', -1, 64)}
}

// choice is a Choice of values and labels in turn; the first is chosen.
func choice(id, label string, values ...string) Control {
	c := Control{ID: id, Label: label, Kind: Choice, Value: values[0]}
	for i := 0; i+1 < len(values); i += 2 {
		c.Options = append(c.Options, Option{values[i], values[i+1]})
	}
	return c
}

// from begins a choice at another value than its first.
func (c Control) from(value string) Control {
	c.Value = value
	return c
}

// bits is the choice among the integer formats.
func bits(at string) Control {
	return choice("bits", "Bits", "2", "2", "3", "3", "4", "4", "5", "5", "6", "6", "8", "8").from(at)
}

// only lets a control count where another stands at a value.
func (c Control) only(id, value string) Control {
	c.Only = &Only{id, value}
	return c
}

// in gives a control a unit.
func (c Control) in(unit string) Control {
	c.Unit = unit
	return c
}
