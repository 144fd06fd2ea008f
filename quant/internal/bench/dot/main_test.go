package main

import (
	"strings"
	"testing"

	"fewbits/kernels"
	"fewbits/quant/internal/libggml"
)

// TestRun times a small product of each kind: times are above 0 where there are
// any, and what is missing says why.
func TestRun(t *testing.T) {
	_, why := libggml.Open("")
	for _, tt := range []struct{ line, refused string }{
		{line: "F32 exact 1 64 256 1"},
		{line: "F32 relaxed 2 64 256 1", refused: "relaxed"},
		{line: "Q4_0 relaxed-integers 1 64 256 1", refused: "relaxed"},
		{line: "F16 exact 1 64 256 1"},
		{line: "BF16 exact 2 64 256 1"},
		{line: "INT8 integers 3 64 256 1"},
		{line: "Q4_K exact 1 64 256 1"},
		{line: "Q4_K integers 2 64 256 1"},
		{line: "Q6_K libggml 2 64 4096 1"},
		{line: "F32 libggml 1 64 4096 1"},
		{line: "Q5_K integers 1 8 256 1", refused: "Q5_K"},
		{line: "Q9 exact 1 8 256 1", refused: "Q9"},
		{line: "Q4_K fast 1 8 256 1", refused: "fast"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			if why != nil && strings.Contains(tt.line, "libggml") {
				t.Skip(why)
			}
			if kernels.Relaxed && tt.refused == "relaxed" {
				tt.refused = ""
			}
			a, err := run(strings.Fields(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			if (a.Ms > 0) != (tt.refused == "") || !strings.Contains(a.Refused, tt.refused) {
				t.Errorf("%+v, want refused %q", a, tt.refused)
			}
		})
	}
	for _, line := range []string{"", "Q4_K exact 1 8 256", "Q4_K exact 0 8 256 1", "Q4_K exact 1 8 99999 1", "Q4_K exact 1 8 x 1"} {
		if _, err := run(strings.Fields(line)); err == nil {
			t.Errorf("%q was run", line)
		}
	}
}
