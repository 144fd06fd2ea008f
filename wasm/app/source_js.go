package app

import (
	"honnef.co/go/js/dom/v2"

	"fewbits/wasm/app/page"
)

// bindSources fills the ways to open more than a file, which are folded at
// first, so that they cost nothing before the program runs.
func (a *app) bindSources() {
	for _, v := range []string{"t", "m"} {
		form := a.make("form", "", "class", "stack", "id", v+"-more")
		drop := a.make("div", "", "class", "drop")
		label := a.make("label", "Open a folder")
		label.AppendChild(a.make("input", "", "type", "file", "id", v+"-folder", "webkitdirectory", ""))
		drop.AppendChild(label)
		drop.AppendChild(a.make("span", "the shards of a model, or a Hugging Face folder", "class", "note"))
		field := a.make("div", "", "class", "field")
		field.AppendChild(a.make("label", "Open a URL", "for", v+"-url"))
		ctl := a.make("div", "", "class", "ctl")
		ctl.AppendChild(a.make("input", "", "type", "text", "inputmode", "url", "id", v+"-url", "placeholder", "https://…/model.gguf",
			"autocomplete", "off", "spellcheck", "false", "aria-describedby", v+"-urlhelp"))
		ctl.AppendChild(a.make("button", "Open"))
		field.AppendChild(ctl)
		field.AppendChild(a.make("span", remoteHelp, "class", "help", "id", v+"-urlhelp"))
		form.AppendChild(drop)
		form.AppendChild(field)
		a.el(v + "-alt").AppendChild(form)
		form.AddEventListener("submit", false, func(e dom.Event) {
			e.PreventDefault()
			if url := a.el(v + "-url").Underlying().Get("value").String(); url != "" {
				a.host.Call("openURL", url)
			}
		})
	}
}

const remoteHelp = "Only what is shown is read, a part at a time. The server must allow that (range requests, CORS)."

// renderOffer shows what a link wants opened, where a press opens it.
func (a *app) renderOffer(v string, r *page.Remote) {
	url := r.Offered()
	if !a.changed("offer", v, url) || url == "" {
		return
	}
	alt := a.el(v + "-alt").Underlying()
	alt.Set("open", true)
	alt.Get("parentElement").Call("closest", "details").Set("open", true) // which a phone folds
	a.el(v+"-url").Underlying().Set("value", url)
}
