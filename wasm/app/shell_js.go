package app

import (
	"strconv"

	"honnef.co/go/js/dom/v2"

	"fewbits/wasm/app/page"
)

// titles of the views, for the window.
var titles = map[string]string{"tensor": "Tensor", "model": "Model", "compare": "Compare", "learn": "Learn"}

func (a *app) bindShell() {
	a.click("copylink", func() { a.host.Call("copyLink") })
	keys := func(e dom.Event) {
		u := e.Underlying()
		if u.Get("ctrlKey").Bool() || u.Get("metaKey").Bool() || u.Get("altKey").Bool() || !a.host.Call("singleKeys", u.Get("target")).Bool() {
			return
		}
		if a.key(u.Get("key").String()) {
			e.PreventDefault()
		}
	}
	dom.GetWindow().AddEventListener("keydown", false, keys)
}

// key does what a single key means; false where it means nothing.
func (a *app) key(k string) bool {
	if k == "?" {
		a.host.Call("showKeys")
		return true
	}
	if k == "o" && (a.state.Route == "tensor" || a.state.Route == "model") {
		a.el(a.state.Route[:1] + "-file").Underlying().Call("click")
		return true
	}
	if a.state.Route != "tensor" {
		return false
	}
	switch k {
	case "1":
		a.dispatch(page.ShowChosen{Value: "a"})
	case "2":
		a.dispatch(page.ShowChosen{Value: "split"})
	case "3":
		a.dispatch(page.ShowChosen{Value: "b"})
	case "[", "]":
		a.stepBits(k == "]")
	default:
		return false
	}
	return true
}

// stepBits moves one rung along the ladder of side A's format.
func (a *app) stepBits(up bool) {
	ladder := a.state.Ladder(a.state.Tensor.A.Format)
	for i, r := range ladder {
		if r.Name != a.state.Tensor.A.Format {
			continue
		}
		if up && i+1 < len(ladder) {
			a.dispatch(page.BitsChosen{Bits: ladder[i+1].Bits})
		} else if !up && i > 0 {
			a.dispatch(page.BitsChosen{Bits: ladder[i-1].Bits})
		}
		return
	}
}

func (a *app) renderShell() {
	if a.changed("route", "html", a.state.Route) {
		wrap(a.doc.Get("documentElement")).SetAttribute("data-route", a.state.Route)
		a.doc.Set("title", titles[a.state.Route]+" · Fewbits")
		for _, l := range a.all("[data-nav]") {
			if l.GetAttribute("data-nav") == a.state.Route {
				l.SetAttribute("aria-current", "page")
			} else {
				l.RemoveAttribute("aria-current")
			}
		}
		a.host.Call("shown", a.state.Route)
	}
	a.attr("stage", "data-ready", strconv.FormatBool(a.state.Ready))
}
