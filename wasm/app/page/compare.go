package page

import (
	"math"

	"fewbits/wasm/wire"
)

// Compare is the state of the Compare view.
type Compare struct {
	On      string          // what is compared on: "tensor" or "model"
	Metric  string          // of Metrics
	Weights float64         // of the model in the table, billions
	Context int             // tokens that its cache holds
	Hidden  map[string]bool // families that are not shown
	Sort    string          // column of the table; "" is "bits"
	Rising  bool
	All     bool // the table shows every way, and not a choice
	Running bool
	Fault   string
	Trials  Trials // on a model
	Speeds  Speeds // of products

	results map[string]*Measurement // by Way.Name, of the current tensor
	want    int                     // request under way
	asked   string                  // the way that it measures
	ways    []Way                   // those of the formats, made once
	waysOf  int                     // of so many formats
}

// Measurement is what one way did to the tensor.
type Measurement struct {
	wire.Measured
	Best  float64 // ms, of the fastest run since the last time it was asked for
	runs  int
	spent float64 // ms, in those runs
}

// Speed is in million weights a second, quantized and reconstructed; 0 where
// it is not known.
func (m *Measurement) Speed() float64 {
	if m == nil || m.Refused != "" || m.Best <= 0 {
		return 0
	}
	return float64(m.Values) / m.Best / 1000
}

// Metric is one way to say how large an error is.
type Metric struct {
	Name   string
	Title  string // with its unit
	Higher bool   // is better
	Log    bool   // spans powers of ten
	of     func(m *wire.Measured) float64
}

// Metrics are those that the plot can show.
var Metrics = []Metric{
	{"sqnr", "SQNR, dB", true, false, func(m *wire.Measured) float64 { return float64(m.SQNR) }},
	{"relrmse", "RMSE over RMS", false, true, func(m *wire.Measured) float64 { return m.RelRMSE }},
	{"max", "Max error", false, true, func(m *wire.Measured) float64 { return m.MaxAbs }},
	{"cosine", "1 − cosine", false, true, func(m *wire.Measured) float64 { return max(0, 1-m.Cosine) }},
}

// Shown is the metric that the plot shows.
func (c *Compare) Shown() Metric {
	for _, m := range Metrics {
		if m.Name == c.Metric {
			return m
		}
	}
	return Metrics[0]
}

// The events of Compare.
type (
	// MetricChosen names one of Metrics.
	MetricChosen struct{ Name string }
	// FamilyShown shows or hides a family of formats.
	FamilyShown struct {
		Family string
		Show   bool
	}
	// ModelSized sets the weights of the model in the table, in billions.
	ModelSized struct{ Billions float64 }
	// ContextSized sets the tokens of its cache.
	ContextSized struct{ Tokens int }
	// TableSorted sorts by a column, or turns the order round.
	TableSorted struct{ Column string }
	// TableWhole shows all ways in the table, or the choice.
	TableWhole struct{ All bool }
	// MeasuredAgain takes the times anew, or goes on after a fault.
	MeasuredAgain struct{}
	// WayOpened shows the way of that name in Tensor.
	WayOpened struct{ Name string }
)

// The limits of the sliders.
const (
	minWeights, maxWeights = 0.01, 10_000
	minContext, maxContext = 1, 1 << 24
)

// measuredValues is how many values are measured at most: of a larger tensor
// an even sample of rows stands for the whole.
const measuredValues = 1 << 20

// A time is the best of so many runs, as far as they stay within so many ms.
const (
	timedRuns   = 5
	timedMillis = 300
)

// stale forgets what was measured: the tensor is another one.
func (c *Compare) stale() {
	c.results, c.want, c.asked = nil, 0, ""
	c.Running, c.Fault = false, ""
}

// compareShown starts measuring where the view is open and something is
// missing. Leaving the view stops it after the way under way.
func (s *State) compareShown() []Effect {
	st := s.Tensor.Stats
	if s.Compare.On == "model" {
		return s.trialsShown()
	}
	if s.Route != "compare" || !s.Ready || st == nil || st.Values == 0 || s.Compare.Running || s.Compare.Fault != "" {
		return nil
	}
	return s.measureNext()
}

// measureNext asks for what is not known yet: ways never measured, then more
// runs of those whose time is shown.
func (s *State) measureNext() []Effect {
	c := &s.Compare
	w, ok := s.nextWay()
	c.Running = ok
	if !ok {
		return nil
	}
	call := s.call("compare", "b", Call{Lane: "b", Op: wire.OpMeasure,
		Args: wire.MeasureArgs{Format: w.Format, Options: w.Options.Map(), Sample: measuredValues}})
	c.want, c.asked = call.ID, w.Name
	return []Effect{call}
}

func (s *State) nextWay() (Way, bool) {
	ways := s.Ways()
	for _, w := range ways {
		if s.Compare.results[w.Name] == nil {
			return w, true
		}
	}
	for _, w := range ways {
		if !w.Now && !chosen[w.Name] {
			continue
		}
		if m := s.Compare.results[w.Name]; m.Refused == "" && m.runs < timedRuns && m.spent < timedMillis {
			return w, true
		}
	}
	return Way{}, false
}

func (s *State) compareReply(e Reply) []Effect {
	c := &s.Compare
	if e.ID != c.want {
		return nil // of another tensor
	}
	var m wire.Measured
	if err := wire.Unmarshal(e.JSON, &m); err != nil {
		c.Running, c.Fault = false, "the answer of the worker cannot be read: "+err.Error()
		return nil
	}
	c.took(c.asked, m)
	c.Fault = ""
	if s.Route != "compare" || c.On == "model" {
		c.Running = false
		return nil
	}
	return s.measureNext()
}

// took keeps an answer; of the time it keeps the best.
func (c *Compare) took(name string, m wire.Measured) {
	if c.results == nil {
		c.results = map[string]*Measurement{}
	}
	r := &Measurement{Measured: m, Best: m.Elapsed}
	if old := c.results[name]; old != nil && old.runs > 0 {
		*r = *old
		r.Best = min(r.Best, m.Elapsed)
	}
	r.runs++
	r.spent += m.Elapsed
	c.results[name] = r
}

// again lets all times be taken anew. Where a fault stopped the measuring, the
// way that it stopped at is given up.
func (s *State) again() []Effect {
	c := &s.Compare
	if c.Fault != "" && c.asked != "" {
		c.took(c.asked, wire.Measured{Refused: c.Fault})
	}
	c.Fault = ""
	for _, m := range c.results {
		m.runs, m.spent = 0, 0
	}
	return s.compareShown()
}

func (s *State) updateCompare(e Event) ([]Effect, bool) {
	c := &s.Compare
	switch e := e.(type) {
	case MetricChosen:
		c.Metric = e.Name
	case FamilyShown:
		if c.Hidden == nil {
			c.Hidden = map[string]bool{}
		}
		c.Hidden[e.Family] = !e.Show
	case ModelSized:
		if e.Billions > 0 && !math.IsInf(e.Billions, 0) {
			c.Weights = max(minWeights, min(maxWeights, e.Billions))
		}
	case ContextSized:
		c.Context = max(minContext, min(maxContext, e.Tokens))
	case TableSorted:
		c.Rising = c.column() == e.Column && !c.Rising
		if c.column() != e.Column {
			c.Rising = e.Column == "name"
		}
		c.Sort = e.Column
	case TableWhole:
		c.All = e.All
	case MeasuredAgain:
		return s.again(), true
	case WayOpened:
		return s.openWay(e.Name), true
	default:
		return nil, false
	}
	return nil, true
}

// openWay makes side A of Tensor the way of that name, and goes there.
func (s *State) openWay(name string) []Effect {
	w, ok := s.Way(name)
	if !ok {
		return nil
	}
	s.Route, s.Path = "tensor", ""
	out := s.pauseTrials()
	a := &s.Tensor.A
	if w.Now {
		return out
	}
	s.remember()
	a.Format, a.Options = w.Format, w.Options
	return append(out, s.analyze("a")...)
}

// WayAddress is the link that opens a way in Tensor.
func (s *State) WayAddress(w Way) string {
	route, path, a := s.Route, s.Path, s.Tensor.A
	s.Route, s.Path = "tensor", ""
	if !w.Now {
		s.Tensor.A.Format, s.Tensor.A.Options = w.Format, w.Options
	}
	hash := s.Address()
	s.Route, s.Path, s.Tensor.A = route, path, a
	return hash
}
