package lesson

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

const seeds = 200

// TestExercises wants the right answer taken and each slip met with its own
// reason, for many seeds.
func TestExercises(t *testing.T) {
	for _, e := range Exercises {
		t.Run(e.ID, func(t *testing.T) {
			texts := map[string]bool{}
			for seed := range uint64(seeds) {
				q, err := Ask(e.ID, seed)
				if err != nil {
					t.Fatal(err)
				}
				texts[fmt.Sprint(q.Text, q.Given)] = true
				checkQuestion(t, seed, q)
			}
			if len(texts) < 50 {
				t.Errorf("only %d different questions", len(texts))
			}
		})
	}
}

func checkQuestion(t *testing.T, seed uint64, q Question) {
	t.Helper()
	if q.Title == "" || q.Text == "" || q.Hints == 0 || len(q.right) == 0 || len(q.Fields) == 0 {
		t.Fatalf("seed %d: %+v lacks something", seed, q)
	}
	keys := q.Keys()
	var right []string
	for _, k := range keys {
		right = append(right, k.Right)
	}
	if v := q.Check(right); v.Kind != "right" || len(v.Lines) == 0 {
		t.Fatalf("seed %d: %v is judged %+v", seed, right, v)
	}
	for i, k := range keys {
		want := 2
		if n := len(q.Fields[i].Options); n > 0 {
			want = n - 1
		}
		if len(k.Wrong) < want {
			t.Errorf("seed %d: %s knows %d slips", seed, q.Fields[i].Label, len(k.Wrong))
		}
		for j, w := range k.Wrong {
			answers := append([]string(nil), right...)
			answers[i] = w
			v := q.Check(answers)
			if v.Kind != "wrong" || v.Fields[i] || len(v.Lines) != 1 || !strings.HasSuffix(v.Lines[0], k.Whys[j]) {
				t.Fatalf("seed %d: %s for %s is judged %+v, want %q", seed, w, q.Fields[i].Label, v, k.Whys[j])
			}
		}
		for _, w := range []string{"", "nonsense", "12345.678"} {
			answers := append([]string(nil), right...)
			answers[i] = w
			if v := q.Check(answers); v.Kind != "wrong" || v.Fields[i] || v.Lines[0] == "" {
				t.Fatalf("seed %d: %q is judged %+v", seed, w, v)
			}
		}
		if len(q.Fields[i].Options) == 0 && q.Fields[i].other == "" {
			t.Errorf("seed %d: %s has nothing to say of any other number", seed, q.Fields[i].Label)
		}
	}
	for h := range q.Hints {
		if v := q.Hint(h); v.Kind != "hint" || v.Lines[0] == "" {
			t.Errorf("seed %d: hint %d is %+v", seed, h, v)
		}
	}
	for _, s := range append(append(append([]string{q.Text}, q.hints...), q.right...), fmt.Sprint(q.Given)) {
		if strings.Contains(s, "%!") || strings.Contains(s, "NaN") || strings.Contains(s, "-") && !strings.Contains(s, "://") && strings.ContainsAny(after(s, "-"), "0123456789") {
			t.Errorf("seed %d: %q", seed, s)
		}
	}
	if v := q.Check(nil); v.Head != "Not yet." {
		t.Errorf("no answer at all is judged %+v", v)
	}
}

// TestUnexplained wants a number that no slip explains to meet what its size
// tells of it.
func TestUnexplained(t *testing.T) {
	f := Field{Label: "Scale", want: 0.0079, near: 0.0079 / 1000, other: "no."}
	count := Field{Label: "Values", want: 256, other: "no."}
	for _, c := range []struct {
		f          *Field
		text, want string
	}{
		{&f, "0.00791", "Write more of its digits"}, {&f, "-0.0079", "sign is the other way round"}, {&f, "0.079", "decimal point"},
		{&f, "7.9", "decimal point"}, {&f, "0.5", ": no."}, {&f, "0", ": no."}, {&f, "-0.79", ": no."},
		{&count, "255", ": no."}, {&count, "-256", "sign"}, {&count, "2560", "decimal point"},
	} {
		if ok, says := c.f.judge(c.text); ok || !strings.Contains(says, c.want) {
			t.Errorf("%s: %v %q, want %q", c.text, ok, says, c.want)
		}
	}
}

// after is the character after a mark.
func after(s, mark string) string {
	if i := strings.Index(s, mark); i >= 0 && i+1 < len(s) {
		return s[i+1 : i+2]
	}
	return ""
}

// TestWidgets draws each with all that its controls may stand at, at their
// ends and in every choice.
func TestWidgets(t *testing.T) {
	for _, w := range Widgets {
		t.Run(w.ID, func(t *testing.T) {
			shown := map[string]int{}
			var try func(v Values, i, left int)
			try = func(v Values, i, left int) {
				if i == len(w.Controls) || left == 0 {
					checkParts(t, v, w.ID, shown)
					return
				}
				c := w.Controls[i]
				for _, s := range ends(c) {
					v[c.ID] = s
					next := left
					if s != c.Value {
						next--
					}
					try(v, i+1, next)
					delete(v, c.ID)
				}
			}
			try(Values{}, 0, 2) // two controls at a time away from where they begin
			checkParts(t, Values{"nonsense": "1"}, w.ID, shown)
			if len(shown) < 2 {
				t.Error("nothing changes as the controls move")
			}
		})
	}
}

func ends(c Control) []string {
	switch c.Kind {
	case Slider:
		return []string{c.Value, fmt.Sprint(c.Min), fmt.Sprint(c.Max), "NaN"}
	case Choice:
		var out []string
		for _, o := range c.Options {
			out = append(out, o.Value)
		}
		return out
	case Text:
		return []string{c.Value, "a b.gguf", "<'\"&"}
	}
	return []string{c.Value, "1 2"}
}

func checkParts(t *testing.T, v Values, id string, shown map[string]int) {
	t.Helper()
	parts, err := Draw(id, v)
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	text, err := json.Marshal(parts)
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	shown[string(text)]++
	for _, p := range parts {
		if n := utf8.RuneCountInString(p.Say); n > 140 {
			t.Errorf("%v: %q says %d characters: %s", v, p.Name, n, p.Say)
		}
		if p.Name == "" || p.Say == "" || strings.Contains(p.Say, "%!") || strings.Contains(p.Say, "NaN") || strings.Contains(p.Say, "Inf") {
			t.Fatalf("%v: %q says %q", v, p.Name, p.Say)
		}
		if l := p.Line; l != nil && !(l.Lo < l.Hi) {
			t.Fatalf("%v: a line from %v to %v", v, l.Lo, l.Hi)
		}
		if l := p.Lines; l != nil {
			for _, s := range l.Series {
				if len(s.Y) != len(l.X) || len(l.X) < 2 {
					t.Fatalf("%v: %s has %d numbers over %d", v, s.Name, len(s.Y), len(l.X))
				}
			}
		}
		if g := p.Grid; g != nil {
			for _, r := range g.Rows {
				if len(r.Cells) != len(g.Columns) {
					t.Fatalf("%v: row %q has %d cells under %d heads", v, r.Head, len(r.Cells), len(g.Columns))
				}
			}
		}
	}
}

// TestIDs wants no id twice.
func TestIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range Widgets {
		if seen[w.ID] {
			t.Errorf("two widgets %q", w.ID)
		}
		seen[w.ID] = true
	}
	seen = map[string]bool{}
	for _, e := range Exercises {
		if seen[e.ID] {
			t.Errorf("two exercises %q", e.ID)
		}
		seen[e.ID] = true
	}
	for _, f := range []func(string) error{
		func(id string) error { _, err := Draw(id, nil); return err },
		func(id string) error { _, err := Controls(id); return err },
		func(id string) error { _, err := Ask(id, 0); return err },
	} {
		if err := f("none"); err == nil || !strings.Contains(err.Error(), `"none"`) {
			t.Error(err)
		}
	}
}

// TestGrid holds the widget's codes against the formula, worked out here, and
// has the worked example: 0.5 becomes 64.
func TestGrid(t *testing.T) {
	for _, kind := range []string{"narrow", "symmetric", "asymmetric"} {
		for _, b := range []int{2, 3, 4, 5, 6, 8} {
			for x := -0.7; x <= 1.3; x += 0.1271 {
				say := drawn(t, "grid", Values{"lo": "-0.7", "hi": "1.3", "bits": fmt.Sprint(b), "kind": kind, "x": fmt.Sprint(x)})[1].Say
				if want := "the code " + whole(codeOf(x, -0.7, 1.3, b, kind)) + " "; !strings.Contains(say, want) {
					t.Errorf("%s, %d bits, %v: %q, want %q", kind, b, x, say, want)
				}
			}
		}
	}
	if say := drawn(t, "grid", nil)[1].Say; !strings.HasPrefix(say, "0.5 is stored as the code 64 ") {
		t.Error(say)
	}
}

// codeOf is the code of x for a range around 0.
func codeOf(x, lo, hi float64, b int, kind string) int {
	low, top := -math.Exp2(float64(b-1)), math.Exp2(float64(b-1))-1
	s, z := (hi-lo)/(top-low), 0.0
	switch kind {
	case "narrow":
		low = -top
		s = max(hi, -lo) / top
	case "symmetric":
		s = max(hi, -lo) / ((top - low) / 2)
	default:
		z = math.RoundToEven(low - lo/s)
	}
	return int(max(low, min(top, math.RoundToEven(x/s)+z)))
}

// drawn is a widget's figure.
func drawn(t *testing.T, id string, v Values) []Part {
	t.Helper()
	parts, err := Draw(id, v)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}
