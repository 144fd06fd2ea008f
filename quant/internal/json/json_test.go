package json

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
)

// read reads a text as a tree, with a buffer of so many bytes.
func read(text string, buffer int) (any, error) {
	r := New("x.json", strings.NewReader(text), 0, int64(len(text)))
	r.buf = make([]byte, buffer)
	v, err := r.Value()
	if err == nil {
		err = r.End()
	}
	return v, err
}

// theirs reads a text with encoding/json, numbers as they are written.
func theirs(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows")
	}
	return v, nil
}

// alike turns numbers of encoding/json into ours, and empty lists into nil.
func alike(v any) any {
	switch v := v.(type) {
	case json.Number:
		return Number(v)
	case []any:
		if len(v) == 0 {
			return []any(nil)
		}
		for i := range v {
			v[i] = alike(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = alike(v[k])
		}
	}
	return v
}

var good = []string{
	`null`, ` true `, `false`, `0`, `-0.5e+10`, `12345678901234567890`, `""`, `"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude80é🚀"`,
	`[]`, `[1, [2, []], {}]`, `{"a": {"b": [null, true, "c"]}, "": 1}`, "\n{\t\"x\" : [ 1 ,2\r] }\n",
}

func TestAgainstEncodingJSON(t *testing.T) {
	for _, text := range good {
		want, err := theirs([]byte(text))
		if err != nil {
			t.Fatal(text, err)
		}
		for _, buffer := range []int{1, 2, 3, 7, 4096} {
			got, err := read(text, buffer)
			if err != nil || !reflect.DeepEqual(got, alike(want)) {
				t.Errorf("%s with a buffer of %d: %v, %v; want %v", text, buffer, got, err, want)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int64
		path   string
		says   string
	}{
		{``, 0, "", "ends"},
		{`{"a": [1, {"b": x}]}`, 17, "a[1].b", "'x'"[1:2]},
		{`{"a": tru}`, 9, "a", "tru"},
		{`{"a" 1}`, 5, "{}", "':'"},
		{`{"a": 1 "b": 2}`, 8, "a", "',' or '}'"},
		{`[1 2]`, 3, "[0]", "',' or ']'"},
		{`[1,]`, 3, "[1]", "']'"},
		{`{"a": 1, "a": 2}`, 13, "a", "twice"},
		{`"abc`, 4, "", "end of a string"},
		{"\"a\nb\"", 2, "", "control character 10"},
		{`"\x"`, 3, "", "escape"},
		{`"\ud800x"`, 8, "", "surrogate"},
		{`"\ud800\ud800"`, 13, "", "surrogate"},
		{`"\u12g4"`, 6, "", "hexadecimal"},
		{"\"\xff\"", 3, "", "UTF-8"},
		{`01`, 2, "", "01"},
		{`1.`, 2, "", "1."},
		{`1e`, 2, "", "1e"},
		{`-`, 1, "", "-"},
		{`1 2`, 2, "", "follows the end"},
		{strings.Repeat("[", 100), 65, strings.Repeat("[0]", 64), "64 deep"},
	} {
		_, err := read(c.text, 5)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if e.Offset != c.offset || e.Path != c.path || !strings.Contains(e.Reason, c.says) || e.File != "x.json" || !strings.HasPrefix(err.Error(), "x.json: ") {
			t.Errorf("%s: byte %d, path %q: %s; want byte %d, %q, %q", c.text, e.Offset, e.Path, e.Reason, c.offset, c.path, c.says)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		n     Number
		i     int64
		whole bool
		f     float64
		fits  bool
	}{
		{"0", 0, true, 0, true}, {"-7", -7, true, -7, true}, {"9223372036854775807", math.MaxInt64, true, math.MaxInt64, true},
		{"9223372036854775808", 0, false, 1 << 63, true}, {"1e3", 1000, true, 1000, true}, {"4096.0", 4096, true, 4096, true},
		{"0.5", 0, false, 0.5, true}, {"1e999", 0, false, 0, false}, {"Infinity", 0, false, math.Inf(1), true}, {"-Infinity", 0, false, math.Inf(-1), true},
	} {
		i, whole := c.n.Int()
		f, fits := c.n.Float()
		if whole != c.whole || whole && i != c.i || fits != c.fits || fits && f != c.f {
			t.Errorf("%s: %d %v, %v %v", c.n, i, whole, f, fits)
		}
		if v, err := read(string(c.n), 3); err != nil || v != any(c.n) {
			t.Errorf("%s is read as %v, %v", c.n, v, err)
		}
	}
}

// TestFrom reads on from the middle of a file.
func TestFrom(t *testing.T) {
	const text = `{"skip": [1, {"x": "]"}], "list": [["a", 1.5], ["b", 2]]}`
	r := New("x", strings.NewReader(text), 0, int64(len(text)))
	at := int64(0)
	err := r.Object(func(key string) error {
		if _, err := r.Peek(); err != nil {
			return err
		}
		if key == "list" {
			at = r.Offset()
		}
		return r.Skip()
	})
	if err != nil || r.End() != nil {
		t.Fatal(err)
	}
	r = New("x", strings.NewReader(text), at, int64(len(text))).Under("list")
	var got []any
	err = r.Array(func(int) error {
		return r.Array(func(i int) error {
			if i == 0 {
				s, err := r.Text()
				got = append(got, s)
				return err
			}
			f, err := r.Float()
			got = append(got, f)
			return err
		})
	})
	if want := []any{"a", 1.5, "b", 2.0}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	r = New("x", strings.NewReader(text), at, int64(len(text))).Under("list")
	if err := r.Array(func(int) error { return r.Array(func(int) error { _, err := r.Int(); return err }) }); err == nil || !strings.Contains(err.Error(), "x: list[0][0], byte ") {
		t.Errorf("%v", err)
	}
	if _, err := New("x", strings.NewReader("{"), 0, 99).Value(); err == nil || !strings.Contains(err.Error(), "longer when it was opened") {
		t.Errorf("a file that shrank: %v", err)
	}
}

func FuzzValue(f *testing.F) {
	for _, text := range good {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"a": NaN, "b": -Infinity}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := read(string(text), 16)
		want, theirErr := theirs(text)
		if err == nil && theirErr == nil && !reflect.DeepEqual(got, alike(want)) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
		extra := bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Infinity")) || bytes.Contains(text, []byte(`"`)) && !json.Valid(text)
		if err == nil && theirErr != nil && !extra {
			t.Errorf("%q is no JSON: %v", text, theirErr)
		}
	})
}
