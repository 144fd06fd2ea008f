package app

import (
	"fmt"
	"strconv"
	"strings"
	"syscall/js"

	"honnef.co/go/js/dom/v2"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// kept is where the progress stands in the browser's storage.
const kept = "fewbits.lessons"

// answerIDs are the text fields of the first exercise.
var answerIDs = [2]string{"l-a0", "l-a1"}

// bindLearn turns what is done in the Learn view into events.
func (a *app) bindLearn() {
	var ids []string
	for _, e := range a.all("[data-entry]") {
		ids = append(ids, e.GetAttribute("data-entry"))
	}
	// Not dispatched: the address is not read yet.
	a.state.Update(page.LessonsListed{IDs: ids})
	if v := a.host.Call("recall", kept); v.Type() == js.TypeString {
		a.state.Update(page.Recalled{Text: v.String()})
	}
	a.number("l-bits", "input", func(n int) { a.dispatch(page.LineBits{Bits: n}) })
	a.number("l-bits-n", "input", func(n int) { a.dispatch(page.LineBits{Bits: n}) })
	a.on("l-bits-n", "change blur", func(string) {
		a.el("l-bits-n").Underlying().Set("value", strconv.Itoa(a.state.Learn.Bits))
	})
	js.Global().Get("fewbitsPage").Set("line", js.FuncOf(func(_ js.Value, v []js.Value) any {
		a.dispatch(page.LineMoved{X: v[0].Float()})
		return nil
	}))
	a.bindProgress()
	for i, id := range answerIDs {
		a.on(id, "input", func(string) { a.dispatch(page.Typed{Question: i}) })
	}
	form := a.el("l-form")
	form.AddEventListener("submit", false, func(e dom.Event) {
		e.PreventDefault()
		a.checkAnswers()
	})
	a.click("l-hint", func() { a.dispatch(page.Hinted{}) })
	if a.host.Call("askedEarly").Bool() {
		a.checkEarly()
	}
}

// bindProgress takes what the lessons beyond the first say, and what is done
// with the progress.
func (a *app) bindProgress() {
	on := func(name string, f func(v []js.Value)) {
		js.Global().Get("fewbitsPage").Set(name, js.FuncOf(func(_ js.Value, v []js.Value) any { f(v); return nil }))
	}
	on("solved", func(v []js.Value) { a.dispatch(page.Solved{Lesson: v[0].String()}) })
	on("exercise", func(v []js.Value) {
		a.dispatch(page.ExerciseAsked{Asked: page.Asked{Exercise: v[0].String(), Seed: v[1].Int()}})
	})
	on("progress", func(v []js.Value) { a.dispatch(page.Recalled{Text: v[0].String()}) })
	a.click("l-save", func() { a.host.Call("saveText", "fewbits-progress.txt", "text/plain", a.state.Learn.Kept()+"\n") })
	a.click("l-forget", func() { a.dispatch(page.ProgressForgotten{}) })
}

// checkAnswers judges what stands in the fields.
func (a *app) checkAnswers() { a.dispatch(page.Checked{Answers: a.answers()}) }

// checkEarly judges what was sent before the page ran.
func (a *app) checkEarly() { a.state.Update(page.Checked{Answers: a.answers()}) }

func (a *app) answers() (v [2]string) {
	for i, id := range answerIDs {
		v[i] = a.el(id).Underlying().Get("value").String()
	}
	return v
}

func (a *app) renderLearn() {
	a.renderLessons()
	a.renderLine()
	l := &a.state.Learn
	for i, f := range l.Fields {
		ok, invalid, text := "", "false", ""
		switch {
		case f.Judged && f.Right:
			ok, text = "1", "right"
		case f.Judged:
			ok, invalid, text = "0", "true", "not yet"
		}
		a.attr(answerIDs[i], "data-ok", ok)
		a.attr(answerIDs[i], "aria-invalid", invalid)
		a.text(fmt.Sprintf("l-s%d", i), text)
	}
	a.renderVerdict(&l.Verdict)
	if a.changed("kept", "learn", l.Kept()) {
		a.host.Call("remember", kept, l.Kept())
	}
}

func (a *app) renderLessons() {
	l, now := &a.state.Learn, a.state.Lesson()
	for _, id := range l.Lessons {
		state, class := "", "todo"
		switch {
		case l.IsDone(id):
			state, class = "done", "done"
		case id == now:
			state = "here"
		}
		a.text("l-state-"+id, state)
		a.attr("l-state-"+id, "class", class)
	}
	again := "begin again"
	if l.Forgot() {
		again = "take that back"
	}
	a.text("l-forget", again)
	a.show("lesson-levels", now == page.FirstLesson)
	a.show("lesson-more", now != page.FirstLesson)
	if a.changed("lesson", "learn", now) {
		for _, e := range a.all("[data-entry]") {
			if e.GetAttribute("data-entry") == now {
				e.SetAttribute("aria-current", "page")
			} else {
				e.RemoveAttribute("aria-current")
			}
		}
	}
	text := fmt.Sprintf("%d of %d done", len(l.Done), len(l.Lessons))
	a.text("l-done", text)
	if a.changed("meter", "l-meter", text) {
		a.attr("l-meter", "aria-label", text)
		a.el("l-meter").Underlying().Get("style").Call("setProperty", "--w", fmt.Sprintf("%d%%", 100*len(l.Done)/max(1, len(l.Lessons))))
	}
}

func (a *app) renderLine() {
	l := &a.state.Learn
	n := 1 << l.Bits
	bits := fmt.Sprintf("%d bits", l.Bits)
	if l.Bits == 1 {
		bits = "1 bit"
	}
	a.slide("l-bits", l.Bits, 1, 8)
	a.attr("l-bits", "aria-valuetext", fmt.Sprintf("%s, %d levels", bits, n))
	a.value("l-bits-n", strconv.Itoa(l.Bits))
	line := l.Line()
	line.Sentence = fmt.Sprintf("%s: %d levels, a step of %s, error here %s.", bits, n, significant(l.Step(), 3), minus(strconv.FormatFloat(l.Error(), 'f', 4, 64)))
	if text, err := wire.Marshal(line); err == nil && a.changed("line", "learn", string(text)) {
		a.host.Call("numberLine", string(text))
	}
	address, format := a.state.LessonAddress()
	a.attr("l-open", "href", address)
	a.text("l-open", "Open in Tensor as "+format)
}

// renderVerdict writes what the exercise says. A new turn is written even
// where its words are the same, so that a screen reader says it again.
func (a *app) renderVerdict(v *page.Verdict) {
	if v.Kind == "" || !a.changed("verdict", "learn", fmt.Sprint(v.Turn, v.Kind, v.Head, strings.Join(v.Lines, "\n"))) {
		return
	}
	a.attr("l-verdict", "class", "verdict "+v.Kind)
	box := a.el("l-verdict")
	box.SetTextContent("")
	box.AppendChild(a.make("b", v.Head))
	for _, line := range v.Lines {
		box.AppendChild(a.make("span", line))
	}
}
