package safetensors

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestIndex(t *testing.T) {
	tests := []struct {
		name, text string
		files      []string
		total      int64
	}{
		{"as huggingface_hub writes it", "{\n  \"metadata\": {\n    \"total_size\": 12\n  },\n  \"weight_map\": {\n    \"a\": \"m-1.safetensors\",\n    \"b\": \"m-2.safetensors\",\n    \"c\": \"m-1.safetensors\"\n  }\n}\n",
			[]string{"m-1.safetensors", "m-2.safetensors"}, 12},
		{"a float, other fields", `{"metadata":{"total_size":1.2e1,"total_parameters":3,"mtp":null,"x":[1,{"y":true}]},"weight_map":{"a":"sub/m.bin"},"more":[[],{},"\u00e9",-1.5]}`, []string{"sub/m.bin"}, 12},
		{"no metadata", `{"weight_map":{"a":"m"}}`, []string{"m"}, -1},
		{"metadata that is null", `{"metadata":null,"weight_map":{"a":"m"}}`, []string{"m"}, -1},
		{"a total that is none", `{"metadata":{"total_size":-1},"weight_map":{"a":"m"}}`, []string{"m"}, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, err := ReadIndex(strings.NewReader(tt.text), int64(len(tt.text)))
			if err != nil || !slices.Equal(x.Files, tt.files) || x.Total != tt.total || x.In["a"] != tt.files[0] {
				t.Errorf("got %+v, %v", x, err)
			}
		})
	}
}

func TestIndexRefused(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "the index ends where '{'"},
		{"[]", "'{'"},
		{"{}", "no weight_map"},
		{`{"weight_map":{}}`, "names no tensors"},
		{`{"weight_map":[]}`, "'{'"},
		{`{"weight_map":{"a":1}}`, "a string"},
		{`{"weight_map":{"a":"m","a":"n"}}`, "twice"},
		{`{"weight_map":{"a":"m"},"weight_map":{"a":"m"}}`, "twice"},
		{`{"weight_map":{"a":"../m"}}`, "no file in the folder"},
		{`{"weight_map":{"a":"/m"}}`, "no file in the folder"},
		{`{"weight_map":{"a":"c:\\m"}}`, "no file in the folder"},
		{`{"weight_map":{"a":""}}`, "no file in the folder"},
		{`{"weight_map":{"a":"m"}}x`, "follows the end"},
		{`{"x":` + strings.Repeat("[", 40), "nested"},
		{`{"x":tru}`, "a value"},
		{`{"x":,}`, "a value"},
	}
	for _, tt := range tests {
		x, err := ReadIndex(strings.NewReader(tt.text), int64(len(tt.text)))
		var e *Error
		if x != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40s: got %v, %v, want %q", tt.text, x, err, tt.want)
		}
	}
	if _, err := ReadIndex(nil, maxIndex+1); err == nil {
		t.Error("an index of 64 MiB is read")
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(`{"metadata":{"total_size":12},"weight_map":{"a":"m","b":"n"}}`)
	f.Add(`{"x":[{"y":"\u00e9"},-1.5e3,true],"weight_map":{"":"m"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ReadIndex(strings.NewReader(text), int64(len(text)))
		if (err == nil) != (x != nil) {
			t.Fatalf("got %v, %v", x, err)
		}
		if x == nil {
			return
		}
		for tensor, file := range x.In {
			if !slices.Contains(x.Files, file) {
				t.Errorf("%q lies in %q, which is not listed", tensor, file)
			}
		}
	})
}
