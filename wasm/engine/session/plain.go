package session

import "strings"

// Say is an error as a person reads it: without the names of the packages that
// it begins with, "gguf: " and the like, which are of use to who calls them.
func Say(err error) string {
	text := err.Error()
	for {
		name, rest, ok := strings.Cut(text, ": ")
		if !ok || rest == "" || !packageName(name) {
			return text
		}
		text = rest
	}
}

// packageName says whether s can be the name of a package: one word in small
// letters and digits.
func packageName(s string) bool {
	for i, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
