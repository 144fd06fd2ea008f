package app

import (
	"strconv"
	"strings"
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

// element is dom's element as a concrete type. Through the interfaces
// dom.Element and dom.HTMLElement every method that is called once is linked
// for all eighty kinds of element: 250 KB more to download.
type element = *dom.BasicHTMLElement

func wrap(v js.Value) element {
	return &dom.BasicHTMLElement{BasicElement: &dom.BasicElement{BasicNode: &dom.BasicNode{Value: v}}}
}

// elements finds the document's elements by id, once, and writes to them only
// what changed: a call into the document costs more than a comparison.
type elements struct {
	host  js.Value // knows the views that are not in the document
	doc   element
	byID  map[string]element
	wrote map[string]string // what stands where: "text#id", "value#id", "attr:name#id"
}

func newElements(doc dom.Document, host js.Value) *elements {
	return &elements{host: host, doc: wrap(doc.Underlying()), byID: map[string]element{}, wrote: map[string]string{}}
}

// el is the element with that id; a missing one is a fault of the page's HTML.
func (e *elements) el(id string) element {
	v, ok := e.byID[id]
	if !ok {
		found := e.host.Call("byId", id)
		if found.IsNull() {
			panic("the page has no element #" + id)
		}
		v = wrap(found)
		e.byID[id] = v
	}
	return v
}

// all are the elements of every view that a selector matches.
func (e *elements) all(selector string) []element { return list(e.host.Call("all", selector)) }

// within are the elements below at that a selector matches.
func within(at element, selector string) []element {
	return list(at.Call("querySelectorAll", selector))
}

func list(list js.Value) []element {
	out := make([]element, list.Length())
	for i := range out {
		out[i] = wrap(list.Index(i))
	}
	return out
}

func (e *elements) changed(what, id, v string) bool {
	key := what + "#" + id
	if old, ok := e.wrote[key]; ok && old == v {
		return false
	}
	e.wrote[key] = v
	return true
}

// text sets the text of #id.
func (e *elements) text(id, s string) {
	if e.changed("text", id, s) {
		e.el(id).SetTextContent(s)
	}
}

// show shows or hides #id.
func (e *elements) show(id string, yes bool) {
	if e.changed("hidden", id, strconv.FormatBool(!yes)) {
		e.el(id).Underlying().Set("hidden", !yes)
	}
}

// attr sets an attribute of #id.
func (e *elements) attr(id, name, v string) {
	if e.changed("attr:"+name, id, v) {
		e.el(id).SetAttribute(name, v)
	}
}

// prop sets a boolean property of #id.
func (e *elements) prop(id, name string, v bool) {
	if e.changed("prop:"+name, id, strconv.FormatBool(v)) {
		e.el(id).Underlying().Set(name, v)
	}
}

// value sets what an input or select holds, unless the person is typing in it.
// The document may have changed it since, so it is compared with what is there.
func (e *elements) value(id, v string) {
	u := e.el(id).Underlying()
	if u.Get("value").String() == v || isActive(u) && u.Get("type").String() == "number" {
		return
	}
	u.Set("value", v)
}

func isActive(u js.Value) bool {
	return js.Global().Get("document").Get("activeElement").Equal(u)
}

// slide sets a slider and the filled part of its track.
func (e *elements) slide(id string, v, lo, hi int) {
	e.value(id, strconv.Itoa(v))
	fill := "0%"
	if hi > lo {
		fill = strconv.Itoa(100*(v-lo)/(hi-lo)) + "%"
	}
	if e.changed("fill", id, fill) {
		e.el(id).Underlying().Get("style").Call("setProperty", "--f", fill)
	}
}

// on calls f with what #id holds, at each of the events (parted by blanks).
func (e *elements) on(id, events string, f func(value string)) {
	u := e.el(id)
	for _, typ := range strings.Fields(events) {
		u.AddEventListener(typ, false, func(dom.Event) { f(u.Underlying().Get("value").String()) })
	}
}

// click calls f when #id is pressed.
func (e *elements) click(id string, f func()) {
	e.el(id).AddEventListener("click", false, func(dom.Event) { f() })
}

// radio calls f with the value chosen among the radio buttons of that name.
func (e *elements) radio(name string, f func(value string)) {
	for _, r := range e.all(`input[name="` + name + `"]`) {
		u := r.Underlying()
		r.AddEventListener("change", false, func(dom.Event) { f(u.Get("value").String()) })
	}
}

// choose checks one of the radio buttons of that name; an unknown value none.
func (e *elements) choose(name, value string) {
	if !e.changed("radio", name, value) {
		// The person may have moved it since.
		for _, r := range e.all(`input[name="` + name + `"]:checked`) {
			if r.Underlying().Get("value").String() == value {
				return
			}
		}
	}
	for _, r := range e.all(`input[name="` + name + `"]`) {
		u := r.Underlying()
		u.Set("checked", u.Get("value").String() == value)
	}
}

// number calls f with the whole number that #id holds, if it holds one.
func (e *elements) number(id, events string, f func(n int)) {
	e.on(id, events, func(v string) {
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			f(n)
		}
	})
}

// make is a new element with text and attributes (name, value, …).
func (e *elements) make(tag, text string, attrs ...string) element {
	n := wrap(e.doc.Call("createElement", tag))
	if text != "" {
		n.SetTextContent(text)
	}
	for i := 0; i+1 < len(attrs); i += 2 {
		n.SetAttribute(attrs[i], attrs[i+1])
	}
	return n
}

// options fills a select with values and labels, when they changed.
func (e *elements) options(id string, values, labels []string) {
	if !e.changed("options", id, strings.Join(values, "\x00")+"\x01"+strings.Join(labels, "\x00")) {
		return
	}
	s := e.el(id)
	s.SetTextContent("")
	for i, v := range values {
		s.AppendChild(e.make("option", labels[i], "value", v))
	}
}

// plain is a new piece of text.
func (e *elements) plain(s string) element { return wrap(e.doc.Call("createTextNode", s)) }
