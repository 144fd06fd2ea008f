package app

import (
	"fmt"
	"slices"
	"strconv"

	"fewbits/wasm/app/page"
)

// maxReasons is how many reasons are listed beside the recipe.
const maxReasons = 8

// renderNotes lists what the plan does otherwise than it was asked, and why.
func (a *app) renderNotes() {
	m := &a.state.Model
	list := a.el("m-reasons")
	if m.Plan == nil { // the notes of the plan before stay until there is another, or none can be
		if m.Fault != "" {
			a.text("m-whynote", "none yet")
			list.SetTextContent("")
		}
		return
	}
	reasons := m.Reasons()
	boxed := !m.Named()
	if !a.changed("plan", "m-reasons", strconv.Itoa(m.Edition())) {
		return
	}
	a.text("m-whynote", notesInShort(reasons, boxed))
	list.SetTextContent("")
	if boxed {
		list.AppendChild(a.make("li", "The result is a GGUF box: the tensors under the names that they have here. No program runs it as a model."))
	}
	for _, n := range m.File.Notes {
		list.AppendChild(a.make("li", n))
	}
	for _, r := range reasons[:min(maxReasons, len(reasons))] {
		li := a.make("li", "")
		li.AppendChild(a.make("b", r.To))
		li.AppendChild(a.plain(fmt.Sprintf(" for %s: %s", plural(r.Tensors, "tensor"), r.Why)))
		list.AppendChild(li)
	}
	if n := len(reasons) - maxReasons; n > 0 {
		list.AppendChild(a.make("li", fmt.Sprintf("and %d more; the table says why for each", n)))
	}
}

// notesInShort names the types that tensors take for a reason.
func notesInShort(reasons []page.Reason, boxed bool) string {
	var types []string
	n := 0
	for _, r := range reasons {
		n += r.Tensors
		if !slices.Contains(types, r.To) {
			types = append(types, r.To)
		}
	}
	switch {
	case boxed:
		return "a GGUF box"
	case n == 0:
		return "none"
	}
	return plural(n, "tensor") + ": " + listed(types)
}
