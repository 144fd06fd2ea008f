package page

import (
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// property is one thing that stands in the address: only where it differs
// from the default, so that links stay short.
type property struct {
	key string
	get func(t *Tensor) string
	set func(t *Tensor, v string)
}

// maxPasted is how long pasted numbers may be and still stand in the address.
const maxPasted = 1500

// properties is all of Tensor's state that a link reproduces.
var properties = append([]property{
	{"from", func(t *Tensor) string { return t.Source.Kind }, func(t *Tensor, v string) {
		if v == "sample" || v == "file" || v == "values" {
			t.Source.Kind = v
		}
	}},
	text("name", func(t *Tensor) *string { return &t.Source.Name }),
	{"numbers", func(t *Tensor) string {
		if t.Source.Kind != "values" || len(t.Source.Text) > maxPasted {
			return ""
		}
		return t.Source.Text
	}, func(t *Tensor, v string) { t.Source.Text = v }},
	text("file", func(t *Tensor) *string { return &t.Source.File }),
	{"url", func(t *Tensor) string {
		if t.Source.Kind == "file" {
			return t.Remote.URL
		}
		return t.Remote.Offered()
	}, func(t *Tensor, v string) { t.Remote.URL = v }},
	number("rows", func(t *Tensor) *int { return &t.Source.Rows }, 1, 1<<16),
	number("cols", func(t *Tensor) *int { return &t.Source.Cols }, 1, 1<<16),
	number("index", func(t *Tensor) *int { return &t.Source.Index }, 0, 1<<30),
	text("format", func(t *Tensor) *string { return &t.A.Format }),
	text("b", func(t *Tensor) *string { return &t.B.Format }),
	{"importance", func(t *Tensor) string { return t.Importance }, func(t *Tensor, v string) {
		if v == "" || v == wire.ImportanceMatrix || v == wire.ImportanceAlike {
			t.Importance = v
		}
	}},
	number("split", func(t *Tensor) *int { return &t.Split }, 0, 100),
	{"show", func(t *Tensor) string { return t.Show }, func(t *Tensor, v string) {
		if v == "a" || v == "b" || v == "split" {
			t.Show = v
		}
	}},
	number("row", func(t *Tensor) *int { return &t.Row }, 0, 1<<30),
	number("col", func(t *Tensor) *int { return &t.Col }, 0, 1<<30),
	{"block-of", func(t *Tensor) string { return t.Block }, func(t *Tensor, v string) {
		if v == "a" || v == "b" {
			t.Block = v
		}
	}},
}, options()...)

func text(key string, at func(*Tensor) *string) property {
	return property{key, func(t *Tensor) string { return *at(t) }, func(t *Tensor, v string) { *at(t) = v }}
}

func number(key string, at func(*Tensor) *int, lo, hi int) property {
	return property{key, func(t *Tensor) string { return strconv.Itoa(*at(t)) }, func(t *Tensor, v string) {
		if n, err := strconv.Atoi(v); err == nil && n >= lo && n <= hi {
			*at(t) = n
		}
	}}
}

// options are side A's, under their own names, and side B's after "b.".
func options() []property {
	var out []property
	for _, name := range quant.OptionNames() {
		out = append(out,
			property{name, func(t *Tensor) string { return t.A.Options.Get(name) }, func(t *Tensor, v string) { setOption(&t.A.Options, name, v) }},
			property{"b." + name, func(t *Tensor) string { return t.B.Options.Get(name) }, func(t *Tensor, v string) { setOption(&t.B.Options, name, v) }})
	}
	return out
}

// setOption ignores what an address has wrong; an empty value is the default.
func setOption(o *quant.Options, name, v string) {
	if v != "" {
		_ = o.Set(name, v)
		return
	}
	kept := o.Map()
	delete(kept, name)
	imp := o.Importance
	*o = quant.Options{Importance: imp}
	for k, w := range kept {
		_ = o.Set(k, w)
	}
}

// Address is what follows the page's own address: "#/tensor?format=NF4&…".
func (s *State) Address() string {
	hash := "#/" + s.Route
	if s.Path != "" {
		hash += "/" + s.Path
	}
	if s.Route == "model" && s.Model.Remote.URL != "" {
		return hash + "?url=" + escape(s.Model.Remote.URL)
	}
	if s.Route == "compare" && s.Compare.On == "model" {
		return hash + "?on=model"
	}
	if s.Route == "learn" {
		return hash + s.Learn.address()
	}
	if s.Route != "tensor" {
		return hash
	}
	d := defaultTensor()
	var q []string
	for _, p := range properties {
		if v := p.get(&s.Tensor); v != p.get(&d) {
			q = append(q, p.key+"="+escape(v))
		}
	}
	if len(q) > 0 {
		hash += "?" + strings.Join(q, "&")
	}
	return hash
}

// routes are the views.
var routes = map[string]bool{"tensor": true, "model": true, "compare": true, "learn": true}

// went takes an address in. What it does not name is at its default; what it
// has wrong is ignored.
func (s *State) went(hash string) []Effect {
	path, query, asked := strings.Cut(strings.TrimPrefix(hash, "#/"), "?")
	route, rest, _ := strings.Cut(path, "/")
	if !routes[route] {
		route, rest = "tensor", ""
	}
	s.Route, s.Path = route, rest
	if route == "compare" && asked {
		s.Compare.On = "tensor"
		if parseQuery(query)["on"] == "model" {
			s.Compare.On = "model"
		}
	}
	if route == "learn" {
		s.Learn.asked(parseQuery(query))
	}
	out := append(s.pauseTrials(), append(s.compareShown(), s.learnShown()...)...)
	if route == "model" {
		s.Model.Remote.URL = s.Model.Remote.opened
		if url := parseQuery(query)["url"]; url != "" {
			s.Model.Remote.URL = url
			s.offerModel()
		}
	}
	if route != "tensor" || !asked && s.Tensor.Stats != nil {
		return out
	}
	values := parseQuery(query)
	t, d := &s.Tensor, defaultTensor()
	before, source, url := s.tensorAddress(), t.Source, t.Remote.URL
	for _, p := range properties {
		v := p.get(&d)
		if w, ok := values[p.key]; ok {
			v = w
		}
		p.set(t, v)
	}
	if !s.Ready || s.tensorAddress() == before {
		return out
	}
	s.fixFormats()
	if t.Source.Kind != source.Kind || t.Source.Name != source.Name || t.Source.Rows != source.Rows ||
		t.Source.Cols != source.Cols || t.Source.Index != source.Index || t.Source.Text != source.Text || t.Remote.URL != url && t.Source.Kind == "file" {
		return append(out, s.load()...)
	}
	out = append(out, s.analyze("a")...)
	if t.B.Format != "" {
		out = append(out, s.analyze("b")...)
	} else {
		t.B = Side{}
		out = append(out, Draw{})
	}
	return out
}

func (s *State) tensorAddress() string {
	route := s.Route
	s.Route = "tensor"
	a := s.Address()
	s.Route = route
	return a
}

// escape writes what may stand in an address as it is, the rest as %XX, and a
// blank as +. net/url would do; it costs the page 50 KB.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b []byte
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

func unescape(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s):
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				b = append(b, '%')
				continue
			}
			b = append(b, byte(n))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// parseQuery takes the first value of each key.
func parseQuery(s string) map[string]string {
	m := map[string]string{}
	for _, pair := range strings.Split(s, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if k = unescape(k); k == "" {
			continue
		}
		if _, twice := m[k]; !twice {
			m[k] = unescape(v)
		}
	}
	return m
}
