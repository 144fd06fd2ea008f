package wire

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"fewbits/kernels"
	"fewbits/quant/metric"
)

// messages are values of every shape that a message has.
func messages() []any {
	v := 0.25
	return []any{
		FormatRow{Name: "Q4_K", BitsPerWeight: 4.5, Options: []string{"a", "b"}},
		FormatRow{},
		Source{Kind: "values", Name: "tab\tquote\" back\\ line\n é 日 😀 \u2028 \x01", Seed: math.MaxUint64, Shape: []int{1, -2}},
		PickArgs{Row: 3, Value: &v},
		PickArgs{},
		AnalyzeArgs{Format: "INT4", Options: map[string]string{"group": "32", "a": "", "z": "é"}},
		Measured{Report: metric.Report{Format: "FP32", SQNR: metric.Decibel(math.Inf(1)), MSE: 1e-300, MaxAbs: 1e21}, Refused: "<b>"},
		Analysis{Metrics: Losses{Report: metric.Report{Values: 12, SQNR: 20.125}, Rounding: 0.5}, Opened: Opened{
			Fields: []Field{{Name: "d", Spans: [][2]int{{0, 16}}}}, Formula: []Term{{"x̂ = ", ""}, {"2", "code"}}}},
		MakeArgs{PlanArgs: PlanArgs{Recipe: "Q4_K_M", Types: map[string]string{"w": "Q8_0"}}, Head: 96, From: 1 << 40, To: 1<<40 + 1},
		Made{Lost: []StepSums{{Step: 3, Sums: metric.Sums{Values: 1 << 20, Bytes: 7, Sums: kernels.Sums{ErrSq: 0.1 + 0.2, MaxAbs: 1.0 / 3}}}}},
		FileInfo{Tensors: []TensorRow{{Name: "w", Shape: []int{}}}},
		[]FormatRow(nil),
		map[string]string{"k": "v"},
		[]any{1.5, "x", true, nil},
		math.Copysign(0, -1), 1e-7, 123456789.0, "plain", true, int64(math.MinInt64),
	}
}

func TestMarshalAgainstEncodingJSON(t *testing.T) {
	for _, m := range messages() {
		got, err := Marshal(m)
		if err != nil {
			t.Errorf("%T: %v", m, err)
			continue
		}
		back := reflect.New(reflect.TypeOf(m))
		if err := json.Unmarshal(got, back.Interface()); err != nil {
			t.Errorf("%T: encoding/json cannot read %s: %v", m, got, err)
			continue
		}
		want, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(back.Elem().Interface())
		if err != nil || string(again) != string(want) {
			t.Errorf("%T: through encoding/json\n%s\nwant\n%s", m, again, want)
		}
	}
}

func TestUnmarshalAgainstEncodingJSON(t *testing.T) {
	for _, m := range messages() {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		want, got := reflect.New(reflect.TypeOf(m)), reflect.New(reflect.TypeOf(m))
		if err := json.Unmarshal(text, want.Interface()); err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(text, got.Interface()); err != nil {
			t.Errorf("%T: %v in %s", m, err, text)
		} else if !reflect.DeepEqual(got.Interface(), want.Interface()) && string(text) != "[]" {
			if m, ok := m.([]any); ok && len(m) > 0 {
				continue // numbers, text and words of []any are compared below
			}
			t.Errorf("%T: got\n%+v\nwant\n%+v", m, got.Elem(), want.Elem())
		}
	}
	var list []any
	if err := Unmarshal([]byte(` [ 1.5 , "x" , true , null ] `), &list); err != nil || !reflect.DeepEqual(list, []any{1.5, "x", true, nil}) {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, s := range []string{"", "{", `{"name"`, `{"name":}`, `{"name":1}`, `{"values":"x"}`, `{"values":1.5}`, `{"a":[1,]}`, `{} x`, `{"name":"a`, `{"name":"\q"}`, `{"name":"\u12"}`, "{\"name\":\"\n\"}", `tru`, `{,}`, `{"shape":{}}`} {
		var v TensorRow
		if err := Unmarshal([]byte(s), &v); err == nil {
			t.Errorf("%q was read as %+v", s, v)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, m := range messages() {
		text, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"metrics":{"sqnr":null},"opened":{"fields":[{"spans":[[1,2],[3]]}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, want Analysis
		err := Unmarshal(text, &got)
		if json.Unmarshal(text, &want) == nil && err == nil {
			// encoding/json matches keys without regard to case; only exact ones count here.
			if a, e := Marshal(got); e != nil || len(a) == 0 {
				t.Fatalf("%s: %v", text, e)
			}
		}
	})
}

// TestNotANumber: a weight that is NaN stays one on its way to the page.
func TestNotANumber(t *testing.T) {
	text, err := Marshal(Opened{X: math.NaN(), XHat: 1})
	if err != nil {
		t.Fatal(err)
	}
	var back Opened
	if err := Unmarshal(text, &back); err != nil || !math.IsNaN(back.X) || back.XHat != 1 {
		t.Errorf("%s came back as %v, %v", text, back.X, err)
	}
}
