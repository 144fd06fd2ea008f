package app

import (
	"fmt"
	"math"
	"strconv"

	"fewbits/quant/metric"
	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// measureView is what web/js/measure.js draws.
type measureView struct {
	Why     string       `json:"why"` // nothing can be measured
	Ready   bool         `json:"ready"`
	Running bool         `json:"running"`
	Percent int          `json:"percent"`
	Far     string       `json:"far"` // how far it is, in words
	Status  string       `json:"status"`
	Fault   string       `json:"fault"`
	Note    string       `json:"note"`
	Command string       `json:"command"`
	Rows    []measureRow `json:"rows"`
	Say     sayView      `json:"say"`
}

// sayView is what the models go on with.
type sayView struct {
	Llama   int      `json:"llama"` // as page.Model.Llama has it
	Running bool     `json:"running"`
	Status  string   `json:"status"`
	Fault   string   `json:"fault"`
	Prompt  string   `json:"prompt"`
	Texts   []speech `json:"texts"`
}

type speech struct {
	Name  string `json:"name"`
	What  string `json:"what"`
	With  string `json:"with"`
	Text  string `json:"text"`
	Done  bool   `json:"done"`
	Speed string `json:"speed"` // or how far it is
}

// measureRow is what one file makes of the text.
type measureRow struct {
	Name       string `json:"name"`
	What       string `json:"what"`
	Perplexity string `json:"perplexity"`
	More       string `json:"more"` // than the original, in per cent
	KL         string `json:"kl"`
	Most       string `json:"most"` // of the divergences
	Same       string `json:"same"`
}

// measurePlace is filled by web/js/measure.js, which is loaded when there is a model.
func (a *app) measurePlace() {
	place := a.make("div", "", "id", "q-sec")
	a.el("i-sec").Call("before", place.Underlying())
}

// renderMeasure draws what was measured on a text.
func (a *app) renderMeasure() {
	m := &a.state.Model
	if m.File == nil {
		return
	}
	if a.changed("made", "q-sec", "yes") {
		a.measurePlace()
	}
	q := &m.Measuring
	v := measureView{Why: m.NotMeasured(), Running: q.Running(), Status: q.Status, Fault: q.Fault, Rows: []measureRow{}}
	v.Say = sayViewOf(m)
	v.Ready = m.Idle()
	if done, total, left := q.Reading(); total > 0 {
		v.Percent = 100 * done / total
		v.Far = fmt.Sprintf("%s of %s tokens", grouped(done), grouped(total))
		if left >= 0 {
			v.Far += ", " + duration(left) + " left"
		}
	}
	if list := q.Shown(); len(list) > 0 {
		last := &list[len(list)-1]
		v.Rows, v.Note, v.Command = measureRows(list), measureNote(last), measureCommand(last)
	}
	text, err := wire.Marshal(v)
	if err == nil && a.changed("measure", "q-sec", string(text)) {
		a.host.Call("measure", string(text))
	}
}

func sayViewOf(m *page.Model) sayView {
	y := &m.Saying
	v := sayView{Running: y.Running(), Status: y.Status, Fault: y.Fault, Prompt: y.Prompt, Texts: []speech{}}
	v.Llama = m.Llama()
	for _, t := range y.Texts {
		s := speech{Name: t.Name, What: t.What, With: t.With, Text: t.Text, Done: t.Done, Speed: t.News}
		if t.Tokens > 0 {
			s.Speed = plural(t.Tokens, "token")
			if t.Speed > 0 {
				s.Speed += ", " + significant(t.Speed, 2) + " a second"
			}
		}
		v.Texts = append(v.Texts, s)
	}
	return v
}

// measureRows are the original, where it was read, and each file made of it.
func measureRows(list []page.Measured) []measureRow {
	rows := []measureRow{}
	last := &list[len(list)-1]
	if !last.Alone {
		e := last.Sums.Perplexity()
		if last.Made != "" {
			e = last.Sums.Strayed().Perplexity
		}
		rows = append(rows, measureRow{Name: last.Source, What: "original", Perplexity: estimate(e, 3), More: "–", KL: "–", Same: "–"})
	}
	for i := range list {
		m := &list[i]
		if m.Made == "" {
			continue
		}
		r := measureRow{Name: m.Made, What: m.Choice, Perplexity: estimate(m.Sums.Perplexity(), 3), More: "–", KL: "–", Same: "–"}
		if !m.Alone {
			s := m.Sums.Strayed()
			r.More = plus(100*(s.Ratio.Value-1)) + " ± " + fixed(100*s.Ratio.Error, 2) + " %"
			r.KL, r.Most = estimate(s.KL, 4), "at most "+significant(s.MaxKL, 3)
			r.Same = estimate(metric.Estimate{Value: 100 * s.SameTop.Value, Error: 100 * s.SameTop.Error}, 1) + " %"
		}
		rows = append(rows, r)
	}
	return rows
}

// estimate prints a value with its standard error.
func estimate(e metric.Estimate, digits int) string {
	if math.Abs(e.Value) >= 1e7 {
		return significant(e.Value, 4) + " ± " + significant(e.Error, 2)
	}
	return fixed(e.Value, digits) + " ± " + fixed(e.Error, digits)
}

func plus(v float64) string {
	if v < 0 {
		return fixed(v, 2)
	}
	return "+" + fixed(v, 2)
}

func measureNote(m *page.Measured) string {
	return fmt.Sprintf("%s of %s tokens scored, in %s of %s, of %s; counted as llama-perplexity does, with standard errors.",
		grouped(m.Sums.Scored), grouped(m.Chunks*m.Context), plural(m.Chunks, "chunk"), grouped(m.Context), m.Text)
}

// measureCommand does the same on a text that lies in a file.
func measureCommand(m *page.Measured) string {
	if !m.InFile {
		return ""
	}
	model, against := m.Source, ""
	if m.Made != "" {
		model = m.Made
		if !m.Alone {
			against = " -against " + page.Quoted(m.Source)
		}
	}
	return "fewbits eval " + page.Quoted(model) + " -text " + page.Quoted(m.Text) + against + " -ctx " + strconv.Itoa(m.Context) + " -chunks " + strconv.Itoa(m.Chunks)
}
