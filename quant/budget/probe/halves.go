package probe

import (
	"strings"
	"unicode/utf8"
)

// Halves cuts a text in the middle, at a space where one is near: mixes are
// found by the first half, and judged by the second.
func Halves(text string) (first, rest string) {
	at := len(text) / 2
	if n := strings.IndexByte(text[at:], ' '); n >= 0 && n < 1<<10 {
		at += n
	}
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return text[:at], text[at:]
}
