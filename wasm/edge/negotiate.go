package edge

import (
	"net/http"
	"strconv"
	"strings"
)

// preference is one element of an Accept or Accept-Encoding header.
type preference struct {
	name string  // lower case, without parameters
	q    float64 // weight, 0 refuses
}

// preferences reads a header of RFC 9110 §12.4.2 form: "br, gzip;q=0.5".
// A weight that cannot be read counts as 0: what is not understood is not sent.
func preferences(h http.Header, key string) []preference {
	var all []preference
	for item := range strings.SplitSeq(strings.Join(h.Values(key), ","), ",") {
		name, params, _ := strings.Cut(item, ";")
		p := preference{name: strings.ToLower(strings.TrimSpace(name)), q: 1}
		if p.name == "" {
			continue
		}
		for param := range strings.SplitSeq(params, ";") {
			k, v, _ := strings.Cut(strings.TrimSpace(param), "=")
			if strings.EqualFold(strings.TrimSpace(k), "q") {
				p.q = weight(strings.TrimSpace(v))
			}
		}
		all = append(all, p)
	}
	return all
}

func weight(s string) float64 {
	q, err := strconv.ParseFloat(s, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}

// encoding is a way in which a file may lie beside its plain self.
type encoding struct {
	name string // in Content-Encoding
	ext  string // of the sibling file
}

// identity is the file itself.
var identity = encoding{name: "identity"}

// encodings are the compressed ones, the smallest first.
func encodings() []encoding {
	return []encoding{{"br", ".br"}, {"gzip", ".gz"}}
}

// choose picks one of the encodings that there are (RFC 9110 §12.5.3): the one
// with the greatest weight, of equals the first. The file itself is the last
// resort, unless a client asks for it by weight, and always there unless
// refused: then ok is false where nothing else is acceptable either.
func choose(h http.Header, there []encoding) (best encoding, ok bool) {
	prefs := preferences(h, "Accept-Encoding")
	bestQ := 0.0
	for _, e := range there {
		if q, named := weightOf(prefs, e.name); named && q > bestQ {
			best, bestQ = e, q
		}
	}
	q, named := weightOf(prefs, identity.name)
	switch {
	case named && q > bestQ, bestQ == 0 && (!named || q > 0):
		return identity, true
	}
	return best, bestQ > 0
}

// weightOf is the weight of a coding by its name or by "*".
func weightOf(prefs []preference, name string) (q float64, named bool) {
	for _, p := range prefs {
		if p.name == name || name == "gzip" && p.name == "x-gzip" {
			return p.q, true
		}
		if p.name == "*" {
			q, named = p.q, true
		}
	}
	return q, named
}

// wantsJSON says whether an Accept header asks for JSON by name, and not less
// than for bytes by name. Anything else gets bytes.
func wantsJSON(h http.Header) bool {
	json, bytes := 0.0, 0.0
	for _, p := range preferences(h, "Accept") {
		switch p.name {
		case "application/json":
			json = p.q
		case "application/octet-stream":
			bytes = p.q
		}
	}
	return json > 0 && json >= bytes
}
