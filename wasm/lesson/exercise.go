package lesson

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"fewbits/wasm/lesson/answer"
)

// Exercise asks something that is different for every seed.
type Exercise struct {
	ID    string
	Title string
	Make  func(r *rand.Rand) Question
}

// Question is what an exercise asks.
type Question struct {
	Title  string  `json:"title"`
	Text   string  `json:"text"`
	Given  []Given `json:"given,omitempty"`
	Fields []Field `json:"fields"`
	Hints  int     `json:"hints"` // how many there are

	hints []string // step by step
	right []string // what follows, once all is right
}

// Given is a number that the question starts from.
type Given struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Field takes one answer: a number, or one of Options.
type Field struct {
	Label   string   `json:"label"`
	Unit    string   `json:"unit,omitempty"`
	Options []string `json:"options,omitempty"` // the answer is the place of one, from 0

	want  float64
	near  float64 // how far off still counts
	slips []slip
	other string // what is said of a number that no slip explains
}

// slip is a wrong answer that people arrive at, and what probably went wrong.
type slip struct {
	value float64
	why   string
}

// Verdict judges the answers to a question.
type Verdict struct {
	Kind   string   `json:"kind"` // "right", "wrong" or "hint"
	Head   string   `json:"head"`
	Lines  []string `json:"lines"`
	Fields []bool   `json:"fields,omitempty"` // which answers are right
}

// Key is one answer with what is said of it, for tests.
type Key struct {
	Right string   `json:"right"`
	Wrong []string `json:"wrong"`
	Whys  []string `json:"whys"`
}

// Ask makes the question of a seed.
func Ask(id string, seed uint64) (Question, error) {
	for _, e := range Exercises {
		if e.ID == id {
			h := fnv.New64a()
			h.Write([]byte(id))
			q := e.Make(rand.New(rand.NewPCG(seed, h.Sum64())))
			q.Title, q.Hints = e.Title, len(q.hints)
			return q, nil
		}
	}
	return Question{}, fmt.Errorf("there is no exercise %q", id)
}

// Hint is the n-th hint; after the last it begins again.
func (q *Question) Hint(n int) Verdict {
	if len(q.hints) == 0 {
		return Verdict{Kind: "hint", Head: "There is no hint here.", Lines: []string{}}
	}
	n = max(0, n) % len(q.hints)
	return Verdict{Kind: "hint", Head: fmt.Sprintf("Hint %d of %d.", n+1, len(q.hints)), Lines: []string{q.hints[n]}}
}

// Check judges answers, in the order of Fields; one that is missing is open.
func (q *Question) Check(answers []string) Verdict {
	v := Verdict{Kind: "wrong", Lines: []string{}}
	right := 0
	for i := range q.Fields {
		text := ""
		if i < len(answers) {
			text = answers[i]
		}
		ok, says := q.Fields[i].judge(text)
		v.Fields = append(v.Fields, ok)
		if ok {
			right++
		} else {
			v.Lines = append(v.Lines, says)
		}
	}
	switch {
	case right == len(q.Fields):
		v.Kind, v.Head, v.Lines = "right", "Right.", q.right
	case right == 0:
		v.Head = "Not yet."
	default:
		v.Head = fmt.Sprintf("%d of %d are right.", right, len(q.Fields))
	}
	return v
}

// Keys are the right answers and the slips.
func (q *Question) Keys() []Key {
	var out []Key
	for _, f := range q.Fields {
		k := Key{Right: plainNumber(f.want)}
		for _, s := range f.slips {
			k.Wrong, k.Whys = append(k.Wrong, plainNumber(s.value)), append(k.Whys, s.why)
		}
		out = append(out, k)
	}
	return out
}

func plainNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (f *Field) judge(text string) (bool, string) {
	shown := strings.TrimSpace(text)
	if shown == "" {
		return false, f.Label + " is still open."
	}
	v, ok := answer.Read(shown, f.Unit, "bits", "bit", "gb")
	if !ok {
		if r := []rune(shown); len(r) > 16 {
			shown = string(r[:16]) + "…"
		}
		return false, fmt.Sprintf("“%s” for %s is not a number. Write digits alone, such as 0.25; 1/4 is fine too.", shown, f.Label)
	}
	if f.is(v, f.want) {
		return true, ""
	}
	said := fmt.Sprintf("%s for %s: ", num(v, 6), f.Label)
	if len(f.Options) > 0 {
		said = ""
	}
	for _, s := range f.slips {
		if f.is(v, s.value) {
			return false, said + s.why
		}
	}
	return false, said + f.unexplained(v)
}

// unexplained is what is said of a number that no slip explains: what its size
// tells of it, else Field.other.
func (f *Field) unexplained(v float64) string {
	if v == 0 || f.want == 0 || len(f.Options) > 0 {
		return f.other
	}
	ratio := v / f.want
	tens := math.Round(math.Log10(math.Abs(ratio)))
	switch size := math.Abs(ratio) / math.Pow(10, tens); {
	case f.near > 0 && math.Abs(ratio-1) < 0.03:
		return "that is near. Write more of its digits."
	case f.is(-v, f.want):
		return "the size is right, the sign is the other way round."
	case tens != 0 && ratio > 0 && math.Abs(size-1) < 1e-6:
		return "the digits are right, but the decimal point is not."
	}
	return f.other
}

// is says whether v passes for want.
func (f *Field) is(v, want float64) bool {
	return math.Abs(v-want) <= f.near+1e-9*math.Abs(want)
}

// add keeps a slip where it is an answer of its own: neither right nor taken.
func (f *Field) add(value float64, why string) {
	if math.IsNaN(value) || math.IsInf(value, 0) || math.Abs(value-f.want) <= 2*f.near+1e-9*math.Abs(f.want) {
		return
	}
	for _, s := range f.slips {
		if math.Abs(value-s.value) <= 2*f.near+1e-9*math.Abs(value) {
			return
		}
	}
	f.slips = append(f.slips, slip{value, why})
}

// pick is one of a few.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
