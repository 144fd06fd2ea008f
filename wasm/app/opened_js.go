package app

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// renderOpened takes the block around one weight apart.
func (a *app) renderOpened() {
	t := &a.state.Tensor
	if t.A.Opened != nil && t.A.Result != nil { // first: it asks for a width, which is known until something is written
		a.host.Call("layout", t.Block, sideID(&t.A, &t.B, t.Block), t.Block == "b")
	}
	a.value("row", strconv.Itoa(t.Row))
	a.value("col", strconv.Itoa(t.Col))
	if t.Stats != nil {
		a.attr("row", "max", strconv.Itoa(t.Stats.Rows-1))
		a.attr("col", "max", strconv.Itoa(t.Stats.Cols-1))
	}
	a.choose("blk", t.Block)
	a.enable("blk", "a", t.B.Opened != nil)
	a.text("blk-a", blockName("A", t.A.Opened))
	a.text("blk-b", blockName("B", t.B.Opened))
	side, result := t.A.Opened, t.A.Result
	if t.Block == "b" && t.B.Opened != nil {
		side, result = t.B.Opened, t.B.Result
	}
	if side == nil || result == nil {
		return
	}
	work := "work"
	if t.Block == "b" && t.B.Opened != nil {
		work = "work b"
	}
	a.attr("work", "class", work)
	a.terms("formula", side.Formula)
	from, rule := result.From, side.Rule
	if result.Stored != "" {
		rule = nil
		from = "" // its x is the original, which is not known
	}
	a.terms("rule", rule)
	a.nameOriginal(from)
	a.text("w-x", significant(side.X, 6))
	a.text("w-y", significant(side.XHat, 6))
	e, label := significant(side.XHat-side.X, 3), "error"
	if result.Stored != "" {
		a.text("w-x", "not in the file")
		if e, label = "not in the file", "error"; side.Step > 0 {
			e, label = "± "+significant(side.Step/math.Sqrt(12), 3), "error to expect, step / √12"
		}
	} else if side.Step > 0 {
		label = "error, share of a step"
		e += fmt.Sprintf(", %d %%", int(math.Round(100*math.Abs(side.XHat-side.X)/side.Step)))
	}
	a.text("w-elab", label)
	a.text("w-e", e)
	where := "at offset " + grouped(int(side.Offset))
	if side.Offset < 0 {
		where = "gathered from the tensors that hold it"
	}
	a.text("hex-h", fmt.Sprintf("Block %s %s, hexadecimal", grouped(side.Block), where))
	a.renderHex(side)
}

func blockName(side string, o *wire.Opened) string {
	if o == nil {
		return side
	}
	return side + ": " + counted(len(o.Hex)/2, "byte")
}

// sideID is the answer that the opened block stands in.
func sideID(a, b *page.Side, block string) int {
	s := a
	if block == "b" && b.Opened != nil {
		s = b
	}
	if s.PickID != 0 {
		return s.PickID
	}
	return s.ID
}

// marks is how each role of a number is marked in formulas and bytes: the
// weight's own code is lit, what it shares with its block is underlined.
var marks = map[string]string{
	"code": "mark", "sign": "mark", "exponent": "mark", "mantissa": "mark",
	"scale": "u", "zero": "u", "min": "u",
}

// terms writes a formula, its numbers marked by role.
func (a *app) terms(id string, terms []wire.Term) {
	var key strings.Builder
	for _, t := range terms {
		key.WriteString(t.Role + ":" + t.Text + "\x00")
	}
	if !a.changed("terms", id, key.String()) {
		return
	}
	p := a.el(id)
	p.SetTextContent("")
	w := formula{e: a.elements, at: p}
	for _, t := range terms {
		if tag := marks[t.Role]; tag != "" {
			w.marked(tag, t.Text)
		} else {
			w.plain(t.Text)
		}
	}
}

// formula writes text as a formula is printed: single letters in italics, and
// what follows a ^, be it a number or a bracket, raised.
type formula struct {
	e     *elements
	at    element
	sup   element // open, or nil
	depth int     // of brackets inside of sup; 0 before its first sign
}

func (w *formula) into() element {
	if w.sup != nil {
		return w.sup
	}
	return w.at
}

func (w *formula) marked(tag, text string) {
	m := w.e.make(tag, "")
	w.e.italics(m, text)
	w.into().AppendChild(m)
	if w.sup != nil && w.depth == 0 {
		w.sup = nil
	}
}

func (w *formula) plain(text string) {
	from := 0
	flush := func(to int) {
		if to > from {
			w.e.italics(w.into(), text[from:to])
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case w.sup == nil && c == '^':
			flush(i)
			from = i + 1
			w.sup, w.depth = w.e.make("sup", ""), 0
			w.at.AppendChild(w.sup)
		case w.sup == nil:
		case c == '(':
			if w.depth == 0 {
				from = i + 1
			}
			w.depth++
		case w.depth == 0 && !('0' <= c && c <= '9'):
			flush(i)
			from, w.sup = i, nil
		case c == ')' && w.depth > 0:
			if w.depth--; w.depth == 0 {
				flush(i)
				from, w.sup = i+1, nil
			}
		}
	}
	flush(len(text))
}

// italics writes text, its variables, which are of one letter, in italics.
func (e *elements) italics(at element, text string) {
	letter := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || '0' <= c && c <= '9'
	}
	from := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c <= 'a' || c > 'z' || i > 0 && letter(text[i-1]) || i+1 < len(text) && letter(text[i+1]) {
			continue
		}
		end := i + 1
		if strings.HasPrefix(text[end:], "\u0302") { // the hat of x̂
			end += len("\u0302")
		}
		if i > from {
			at.AppendChild(e.plain(text[from:i]))
		}
		at.AppendChild(e.make("i", text[i:end]))
		from, i = end, end-1
	}
	if from < len(text) {
		at.AppendChild(e.plain(text[from:]))
	}
}

// maxHex is how long a block may be and still be printed whole; of a longer one,
// which the layout shows in hexadecimal already, only the weight's own bytes are.
const maxHex = 44

// renderHex prints the block's bytes, the weight's own and its scale marked.
func (a *app) renderHex(o *wire.Opened) {
	if !a.changed("hex", "hex", o.Hex+fmt.Sprint(o.Row, o.Col)) {
		return
	}
	tags := usedBytes(o)
	p := a.el("hex")
	p.SetTextContent("")
	whole := len(tags) <= maxHex
	for i, tag := range tags {
		if !whole && tag == "" {
			continue
		}
		if !whole && (i == 0 || tags[i-1] == "") {
			p.AppendChild(a.make("small", fmt.Sprintf("byte %d ", i)))
		}
		digits := o.Hex[2*i : 2*i+2]
		if tag == "" {
			p.AppendChild(a.plain(digits))
		} else {
			p.AppendChild(a.make(tag, digits))
		}
		p.AppendChild(a.plain(" "))
	}
}

// usedBytes says of each byte of the block how it is marked: "" where the
// opened weight does not use it.
func usedBytes(o *wire.Opened) []string {
	tags := make([]string, len(o.Hex)/2)
	for _, f := range o.Fields {
		tag := marks[f.Role]
		if tag == "" {
			continue
		}
		for _, s := range f.Mine {
			for b := s[0] / 8; b <= (s[0]+s[1]-1)/8 && b < len(tags); b++ {
				if tags[b] != "mark" {
					tags[b] = tag
				}
			}
		}
	}
	return tags
}
