package speed

import (
	"strings"
	"testing"
	"time"

	"fewbits/kernels"
	"fewbits/quant/linear"
)

func TestPass(t *testing.T) {
	m, err := NewMemory(1 << 18)
	if err != nil {
		t.Fatal(err)
	}
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
		{"no kind of F32", Case{"F32", "fast", 1, 8, 256}, "fast"},
		{"no tokens", Case{"F32", Exact, 0, 8, 256}, "0 tokens"},
		{"half a block", Case{"Q4_K", Exact, 1, 8, 128}, "128"},
		{"no room", Case{"F32", Exact, 1, 1 << 10, 256}, "the memory has"},
		{"too many", Case{"F32", Exact, 1, 1 << 16, 1 << 16}, "choose fewer"},
		{"too many bytes", Case{"F32", Exact, 1, 1 << 15, 1 << 12}, "choose fewer"},
		{"an importance matrix", Case{"IQ2_XXS", Exact, 1, 8, 256}, "importance"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pass, err := tt.c.Pass(m)
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
			if d, err := Best(0, 1, pass); err != nil || d <= 0 {
				t.Errorf("%v, %v", d, err)
			}
		})
	}
	if n := (Case{"F32", Exact, 2, 3, 4}).Len(); n != 24 {
		t.Errorf("%d weights", n)
	}
	if b := m.Bandwidth(time.Millisecond, 2); b <= 0 {
		t.Errorf("%v bytes a second", b)
	}
	for _, bytes := range []int{-1, 0, 1 << 40} {
		if _, err := NewMemory(bytes); err == nil {
			t.Errorf("%d bytes are taken", bytes)
		}
	}
}

// TestRelaxed wants each type that the other way has with relaxed SIMD too, where that is in
// the build, and none elsewhere.
func TestRelaxed(t *testing.T) {
	m, err := NewMemory(1 << 18)
	if err != nil {
		t.Fatal(err)
	}
	cases := []Case{{"INT8", RelaxedIntegers, 2, 9, 256}}
	for _, tokens := range []int{1, 3} {
		for _, typ := range []string{"F32", "F16"} {
			cases = append(cases, Case{typ, Relaxed, tokens, 70, 256})
		}
		for _, typ := range linear.Integers() {
			cases = append(cases, Case{typ, RelaxedIntegers, tokens, 70, 256})
		}
	}
	for _, c := range cases {
		pass, err := c.Pass(m)
		if err == nil {
			err = pass()
		}
		if (err == nil) != kernels.Relaxed {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Case{{"BF16", Relaxed, 1, 8, 256}, {"F32", RelaxedIntegers, 1, 8, 256}, {"INT8", Relaxed, 1, 8, 256}, {"Q5_K", RelaxedIntegers, 1, 8, 256}} {
		if _, err := c.Pass(m); err == nil {
			t.Errorf("%+v is timed", c)
		}
	}
}

func TestWeights(t *testing.T) {
	m, err := NewMemory(1 << 18)
	if err != nil {
		t.Fatal(err)
	}
	for typ, size := range map[string]int{"F32": 1024, "F16": 512, "INT8": 256, "Q4_0": 144, "Q6_K": 210} {
		w, err := Case{typ, Exact, 1, 70, 256}.Weights(m)
		if err != nil || len(w) != 70*size {
			t.Fatalf("%s: %d bytes, %v", typ, len(w), err)
		}
		first := string(w[:size])
		if string(w[32*size:33*size]) != first || string(w[64*size:65*size]) != first || string(w[size:2*size]) == first || first == strings.Repeat("\x00", size) {
			t.Errorf("%s: the rows are not %d, again and again", typ, distinct)
		}
	}
}
