package session

import (
	"errors"
	"testing"
)

func TestSayLeavesOutPackages(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"one", "gguf: the file ends at byte 12", "the file ends at byte 12"},
		{"several", "convert: llmint8: ggml: no scale", "no scale"},
		{"none", "tensor \"a: b\" is empty", "tensor \"a: b\" is empty"},
		{"a file", "model.gguf: not a file", "model.gguf: not a file"},
		{"a sentence", "the request cannot be read: no", "the request cannot be read: no"},
		{"a place", "line 3: \"x\" is not a number", "line 3: \"x\" is not a number"},
		{"nothing after it", "gguf: ", "gguf: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Say(errors.New(c.in)); got != c.want {
				t.Errorf("%q is said as %q, want %q", c.in, got, c.want)
			}
		})
	}
}
