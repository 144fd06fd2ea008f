package policy

import (
	"slices"
	"strings"
)

// Cloudflare writes the _headers file of a build whose assets lie under
// Assets + hash + "/".
//
// Every rule that matches a path applies, in order, and a header set twice is
// joined with a comma; "! Key" takes back what an earlier rule set. So the
// first rule holds what all pages have, and each later one only differences.
func Cloudflare(hash string) string {
	var b strings.Builder
	b.WriteString("# Written by the build from package policy: change it there.\n")
	common := For("/")
	rule(&b, "/*", nil, common)
	assets := Assets + hash + "/"
	for _, r := range []struct{ pattern, path string }{
		{assets + "*", assets + "x"},
		{Module, Module},
		{Element, Element},
		{Embed, Embed},
	} {
		rule(&b, r.pattern, common, For(r.path))
	}
	return b.String()
}

// rule writes what has to change to come from one set of headers to another.
func rule(b *strings.Builder, pattern string, from, to []Header) {
	b.WriteString(pattern + "\n")
	for _, h := range to {
		if slices.Contains(from, h) {
			continue
		}
		if slices.ContainsFunc(from, func(f Header) bool { return f.Key == h.Key }) {
			b.WriteString("  ! " + h.Key + "\n")
		}
		b.WriteString("  " + h.Key + ": " + h.Value + "\n")
	}
}
