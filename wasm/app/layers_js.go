package app

import (
	"strconv"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// layerRow is what web/js/plots/layers.js draws one layer from.
type layerRow struct {
	Name    string   `json:"name"`
	Number  int      `json:"number"`
	Family  string   `json:"family"`
	Tensors int      `json:"tensors"`
	Values  int64    `json:"values"`
	Bits    float64  `json:"bits"`
	Now     [][3]any `json:"now"` // type, bytes, strength
	Next    [][3]any `json:"next"`
	Error   *float64 `json:"error"`
	Done    float64  `json:"done"`
	Filter  string   `json:"filter"`
	Short   string   `json:"short"`
	Long    string   `json:"long"`
}

type layerRows struct {
	Layers   []layerRow `json:"layers"`
	Sentence string     `json:"sentence"`
	Picked   string     `json:"picked"`
	Working  bool       `json:"working"`
}

// layersPlace is not in the page's HTML: nothing of it is seen before a model is.
func (a *app) layersPlace() {
	section := a.make("section", "", "class", "sec hr dim", "id", "k-sec", "aria-labelledby", "k-b")
	figure := a.make("figure", "", "class", "plot", "id", "k-plot")
	caption := a.make("figcaption", "", "class", "bare")
	caption.AppendChild(a.make("b", "By layer", "id", "k-b", "role", "heading", "aria-level", "2"))
	caption.AppendChild(a.make("span", "", "data-sentence", ""))
	caption.AppendChild(a.make("button", "data", "type", "button", "class", "plain", "data-data", ""))
	figure.AppendChild(caption)
	box := a.make("div", "", "class", "cv")
	box.Underlying().Get("style").Set("height", "17rem")
	figure.AppendChild(box)
	section.AppendChild(figure)
	a.el("m-tabsec").Call("before", section.Underlying())
}

// renderLayers draws what the layers take, and what they lost.
func (a *app) renderLayers() {
	m := &a.state.Model
	if a.wrote["made#k-sec"] != "" {
		a.attr("k-sec", "aria-busy", a.wrote["attr:aria-busy#m-tabsec"])
	}
	if !a.changed("layers", "k-plot", strconv.Itoa(m.Version())) {
		return
	}
	list := m.Layers()
	if list == nil && a.wrote["made#k-sec"] == "" {
		return
	}
	if a.changed("made", "k-sec", "yes") {
		a.layersPlace()
	}
	a.show("k-sec", list != nil)
	if list == nil {
		return
	}
	kinds := page.LayerKinds(list)
	rows := layerRows{Sentence: page.LayersSay(list), Picked: m.Filter, Working: m.Working()}
	for i := range list {
		l := &list[i]
		r := layerRow{Name: l.Title(kinds), Number: l.Number, Family: l.Family, Tensors: l.Tensors, Values: l.Values, Bits: l.Bits(),
			Now: byStrength(l.Now), Done: l.Done, Filter: l.Filter(), Short: l.Say(kinds, false), Long: l.Say(kinds, true)}
		if l.Next != nil {
			r.Next = byStrength(l.Next)
		}
		if l.Known {
			r.Error = &l.Error
		}
		rows.Layers = append(rows.Layers, r)
	}
	if text, err := wire.Marshal(rows); err == nil {
		a.host.Call("layers", string(text))
	}
}

func byStrength(parts []page.Part) (list [][3]any) {
	for _, p := range parts {
		list = append(list, [3]any{p.Type, p.Bytes, strength(p.Bits())})
	}
	return list
}
