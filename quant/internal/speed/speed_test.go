package speed

import (
	"strings"
	"testing"

	"fewbits/kernels"
)

func TestPass(t *testing.T) {
	for _, tt := range []struct {
		name    string
		c       Case
		refused string
	}{
		{"F32", Case{"F32", Exact, 1, 64, 256}, ""},
		{"F16", Case{"F16", Exact, 1, 64, 256}, ""},
		{"BF16", Case{"BF16", Exact, 2, 64, 256}, ""},
		{"INT8", Case{"INT8", Integers, 3, 5, 256}, ""},
		{"Q4_K", Case{"Q4_K", Exact, 1, 64, 256}, ""},
		{"Q4_K in integers", Case{"Q4_K", Integers, 2, 40, 256}, ""},
		{"INT8 in float32", Case{"INT8", Exact, 1, 8, 256}, "INT8"},
		{"no way", Case{"Q5_K", Integers, 1, 8, 256}, "Q5_K"},
		{"no type", Case{"Q9", Exact, 1, 8, 256}, "Q9"},
		{"no kind", Case{"Q4_K", "fast", 1, 8, 256}, "fast"},
		{"no tokens", Case{"F32", Exact, 0, 8, 256}, "0 tokens"},
		{"too many", Case{"F32", Exact, 1, 1 << 16, 1 << 16}, "choose fewer"},
		{"an importance matrix", Case{"IQ2_XXS", Exact, 1, 8, 256}, "importance"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pass, err := tt.c.Pass()
			if tt.refused != "" {
				if err == nil {
					err = pass()
				}
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("%v, want one with %q", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d, err := Best(0, pass); err != nil || d <= 0 && kernels.Active() != "simd128" {
				t.Errorf("%v, %v", d, err)
			}
		})
	}
	if n := (Case{"F32", Exact, 2, 3, 4}).Len(); n != 24 {
		t.Errorf("%d weights", n)
	}
	if _, err := (Case{"F32", Relaxed, 1, 8, 256}).Pass(); (err == nil) != kernels.Relaxed {
		t.Errorf("relaxed: %v", err)
	}
}
