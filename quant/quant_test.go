package quant

import (
	"errors"
	"maps"
	"math"
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		name  string
		shape []int
		want  int
		fault string
	}{
		{"scalar", nil, 1, ""},
		{"matrix", []int{3, 4}, 12, ""},
		{"empty", []int{math.MaxInt32, 0, 5}, 0, ""},
		{"the most", []int{1 << 20, 1 << 20}, 1 << 40, ""},
		{"one row more", []int{1<<20 + 1, 1 << 20}, 0, "2^40"},
		{"overflow", []int{math.MaxInt32, math.MaxInt32, math.MaxInt32}, 0, "2^40"},
		{"negative", []int{2, -1}, 0, "negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Count(tt.shape)
			if got != tt.want || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("got %d, %v, want %d, %q", got, err, tt.want, tt.fault)
			}
		})
	}
	if _, err := NewTensor("w", []int{2, 2}, make([]float32, 3)); err == nil || !strings.Contains(err.Error(), `tensor "w": shape [2 2] holds 4 values, but 3 are given`) {
		t.Errorf("got %v", err)
	}
}

func TestSlice(t *testing.T) {
	x, err := NewTensor("w", []int{2, 2, 2}, []float32{0, 1, 2, 3, 4, 5, 6, 7})
	if err != nil {
		t.Fatal(err)
	}
	if s := x.Slice(1, 3); s.Rows() != 2 || s.Cols() != 2 || s.Data[0] != 2 || s.Data[3] != 5 {
		t.Errorf("got %+v", s)
	}
}

func TestCheckFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	err := CheckFinite(Tensor{Name: "w", Shape: []int{2, 3}, Data: []float32{0, 1, math.MaxFloat32, 3, inf, nan}})
	var bad *NonFiniteError
	if !errors.As(err, &bad) || bad.Row != 1 || bad.Col != 1 || bad.NaN != 1 || bad.Inf != 1 || bad.Value != inf {
		t.Errorf("got %+v", err)
	}
	if err := CheckFinite(Tensor{Shape: []int{0, 0}}); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func TestOptions(t *testing.T) {
	given := map[string]string{
		"bits": "4", "sym": "true", "narrow": "true", "granularity": "channel", "axis": "1", "group": "-1", "range": "mse",
		"percentile": "99.5", "rounding": "stochastic", "seed": "18446744073709551615", "block": "128", "nested": "true", "scale": "f16",
		"act-order": "true", "static-groups": "true", "mse": "true", "damp": "0.05", "duo": "true",
		"clip": "false", "round-zero": "true", "alpha": "0.85", "threshold": "0",
	}
	var o Options
	for _, name := range OptionNames() {
		v, ok := given[name]
		if !ok {
			t.Errorf("option %s is not tested", name)
		}
		if got := o.Get(name); got != "" {
			t.Errorf("%s is %q by default", name, got)
		}
		if err := o.Set(strings.ToUpper(name), " "+v); err != nil || OptionHelp(name) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := o.Map(); !maps.Equal(got, given) {
		t.Errorf("got %v", got)
	}
	before := o
	for name, values := range map[string][]string{
		"bits": {"0", "17", "four", ""}, "sym": {"perhaps"}, "granularity": {"block"}, "axis": {"2", "-1"}, "group": {"-2", "2147483648"},
		"percentile": {"50", "100.5", "NaN", "x"}, "seed": {"-1", "18446744073709551616"}, "scale": {"bf16"}, "colour": {"red"},
		"damp": {"-1", "NaN", "101"}, "clip": {"perhaps", ""}, "alpha": {"-0.1", "1.1", "NaN", "x"}, "threshold": {"-1", "Inf", "NaN"},
	} {
		for _, v := range values {
			if err := o.Set(name, v); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v", name, v, err)
			}
		}
	}
	if !maps.Equal(o.Map(), before.Map()) {
		t.Errorf("a value that was refused changed %v", o.Map())
	}
}

// TestAxis0 wants axis=0 to be told from no axis, where the default is 1.
func TestAxis0(t *testing.T) {
	var o Options
	for _, v := range []string{"0", "1", "0"} {
		if err := o.Set("axis", v); err != nil || o.Get("axis") != v {
			t.Errorf("axis=%s: got %q, %v", v, o.Get("axis"), err)
		}
	}
	if o.Axis = 1; o.Get("axis") != "1" {
		t.Errorf("axis 1: got %q", o.Get("axis"))
	}
}

func TestMetaInt(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want int64
		ok   bool
	}{
		{int8(-1), -1, true}, {uint16(65535), 65535, true}, {int64(math.MinInt64), math.MinInt64, true},
		{uint64(math.MaxInt64), math.MaxInt64, true}, {uint64(math.MaxInt64 + 1), 0, false}, {float32(1), 0, false}, {"1", 0, false}, {nil, 0, false},
	} {
		if got, ok := (Meta{Value: tt.v}).Int(); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%T %v: got %d, %v", tt.v, tt.v, got, ok)
		}
	}
}
