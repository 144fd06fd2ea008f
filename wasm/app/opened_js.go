package app

import (
	"fmt"
	"strings"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

func blockName(side string, o *wire.Opened) string {
	if o == nil {
		return side
	}
	return fmt.Sprintf("%s: %s bytes", side, grouped(len(o.Hex)/2))
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
	for _, t := range terms {
		if tag := marks[t.Role]; tag != "" {
			p.AppendChild(a.make(tag, t.Text))
		} else {
			p.AppendChild(a.plain(t.Text))
		}
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
