package page

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	int4, int2 := Questions[0], Questions[1]
	for _, c := range []struct {
		q           Question
		text, other string
		want        string // a piece of what is said; "" is right
	}{
		{int4, "16", "", ""}, {int4, " 16 ", "", ""}, {int4, "2^4", "", ""}, {int4, "2**4", "", ""}, {int4, "2⁴", "", ""},
		{int4, "16 values", "", ""}, {int4, "16 different values", "", ""}, {int4, "2^4 = 16", "", ""}, {int4, "=16", "", ""},
		{int4, "256/16", "", ""}, {int4, "2 x 2 × 2 * 2", "", ""}, {int4, "16.0", "", ""}, {int4, "016", "", ""}, {int4, "2 ^ 4", "", ""},
		{int2, "4", "", ""}, {int2, "2^2", "", ""}, {int2, "2·2", "", ""}, {int2, "4 levels", "", ""},

		{int4, "", "4", "still open"}, {int2, "  ", "", "INT2 is still open"},
		{int4, "abc", "", "“abc” for INT4 is not a number"}, {int4, "sixteen", "", "not a number"}, {int4, "1e1", "", "not a number"},
		{int4, "inf", "", "not a number"}, {int4, "NaN", "", "not a number"}, {int4, "0x10", "", "not a number"}, {int4, "16/0", "", "not a number"},
		{int4, "2^99999", "", "not a number"}, {int4, strings.Repeat("9", 500), "", "not a number"}, {int4, "-", "", "not a number"}, {int4, "16*", "", "not a number"},
		{int4, "<b>16</b>", "", "not a number"},

		{int4, "15", "4", "15 for INT4: did you leave out zero"}, {int2, "3", "16", "leave out zero"},
		{int4, "15", "", "gives one away"},
		{int4, "8", "2", "one sign only"}, {int4, "8", "4", "2 × 4"}, {int4, "8", "", "one sign only, or 2 × 4?"},
		{int4, "7", "", "largest value of a signed format"}, {int2, "1", "", "largest value of a signed format"},
		{int4, "-8", "", "−8 for INT4: that is the smallest value"}, {int4, "−8", "", "smallest value"}, {int2, "-2", "", "smallest value"},
		{int4, "-3", "", "never negative"}, {int4, "0", "", "one bit tells two values apart"},
		{int4, "4", "2", "the number of bits"}, {int2, "2", "4", "the number of bits"}, {int2, "2", "8", "one sign only"},
		{int4, "128", "", "in proportion"}, {int2, "64", "", "in proportion"},
		{int4, "64", "", "divided by the bits"}, {int2, "128", "", "divided by the bits"},
		{int4, "256", "", "that is INT8"}, {int2, "256", "", "that is INT8"}, {int4, "255", "", "each bit that goes halves"},
		{int4, "32", "", "2⁵, what 5 bits give"}, {int2, "8", "", "2³, what 3 bits give"}, {int2, "16", "8", "2⁴, what 4 bits give"},
		{int4, "4", "16", "swapped"}, {int2, "16", "4", "swapped"}, {int2, "16", "16", "2⁴, what 4 bits give"},
		{int4, "15.5", "", "whole number"}, {int4, "13", "", "halves the number"}, {int2, "1000000", "", "1000000 for INT2: that is more than INT8 has"},
		{int4, "100000000000000000000", "", "1000000000000000… for INT4: that is more"}, {int4, "31", "", "2⁵ − 1"}, {int2, "15", "", "2⁴ − 1"}, {int4, "127", "", "2⁷ − 1"},
		{int4, "-8..7", "", "“-8..7” for INT4 is a range"}, {int4, "−8 … 7", "", "is a range"}, {int2, "0-3", "", "is a range"}, {int4, "from -8 to 7", "", "is a range"},
		{int4, "between 0 and 15", "", "is a range"}, {int4, "4 bits", "", "counts bits"}, {int4, "16 or so", "", "not a number"},
	} {
		t.Run(c.q.Label+" "+clipped(c.text)+" "+c.other, func(t *testing.T) {
			got := Judge(c.q, c.text, c.other)
			if got.Right != (c.want == "") || !strings.Contains(got.Says, c.want) || got.Right && got.Says != "" {
				t.Errorf("%+v, want %q", got, c.want)
			}
		})
	}
}

// No wrong answer is told the right one.
func TestVerdictsDoNotTellTheAnswer(t *testing.T) {
	for n := -300; n <= 1100; n++ {
		for _, q := range Questions {
			if n == q.Count() {
				continue
			}
			text := printCount(float64(n))
			says := Judge(q, text, "1").Says
			_, says, _ = strings.Cut(says, ":")
			for _, w := range regexp.MustCompile(`\d+`).FindAllString(says, -1) {
				if w == printCount(float64(q.Count())) && q.Bits == 4 {
					t.Errorf("%s for %s: %s", text, q.Label, says)
				}
			}
			if says == "" {
				t.Errorf("nothing is said to %s for %s", text, q.Label)
			}
		}
	}
}

func TestExercise(t *testing.T) {
	s := Start()
	l := &s.Learn
	s.Update(Checked{[2]string{"15", "4"}})
	if l.Verdict.Kind != "wrong" || l.Verdict.Head != "One of the two is right." || len(l.Verdict.Lines) != 1 {
		t.Errorf("verdict %+v", l.Verdict)
	}
	if l.Fields != [2]Field{{true, false}, {true, true}} {
		t.Errorf("fields %+v", l.Fields)
	}
	s.Update(Typed{0})
	if l.Fields != [2]Field{{}, {true, true}} {
		t.Errorf("typing leaves %+v", l.Fields)
	}
	turn := l.Verdict.Turn
	s.Update(Checked{[2]string{"", "x"}})
	if l.Verdict.Kind != "wrong" || l.Verdict.Head != "Not yet." || len(l.Verdict.Lines) != 2 || l.Verdict.Turn == turn {
		t.Errorf("verdict %+v", l.Verdict)
	}
	if l.IsDone("levels") || l.Kept() != "" {
		t.Error("done without an answer")
	}
	for range 2 {
		s.Update(Checked{[2]string{"16", "2^2"}})
		if l.Verdict.Kind != "right" || l.Verdict.Head != "Right: 2⁴ = 16 and 2² = 4." || l.Kept() != "levels" {
			t.Errorf("verdict %+v, kept %q", l.Verdict, l.Kept())
		}
	}
	if got := strings.Join(l.Verdict.Lines, " "); got != "From 8 bits to 4 the count is halved 4 times, not once: 256 ∕ 16 = 16. Bits times bits gives 16 and 4 as well, by chance: INT3 has 2³ = 8 values, not 3 × 3." {
		t.Errorf("it says %q", got)
	}
	for i := range 2 * len(hints) {
		s.Update(Hinted{})
		if l.Verdict.Kind != "hint" || l.Verdict.Lines[0] != hints[i%len(hints)] {
			t.Errorf("hint %d: %+v", i, l.Verdict)
		}
	}
}

// What is solved of a lesson is kept beside what is done, and begun again or not.
func TestExercisesAreKept(t *testing.T) {
	s := Start()
	s.Update(LessonsListed{[]string{"levels", "scale"}})
	s.Update(Solved{"/code"})
	s.Update(Solved{"scale"})
	s.Update(Solved{"/code"})
	if s.Learn.Kept() != "scale /code" || len(s.Learn.Done) != 1 {
		t.Errorf("kept %q, done %q", s.Learn.Kept(), s.Learn.Done)
	}
	s.Update(ProgressForgotten{})
	if s.Learn.Kept() != "" || !s.Learn.Forgot() {
		t.Errorf("kept %q", s.Learn.Kept())
	}
	s.Update(ProgressForgotten{})
	if s.Learn.Kept() != "scale /code" || s.Learn.Forgot() {
		t.Errorf("taken back: %q", s.Learn.Kept())
	}
	s.Update(Recalled{strings.Repeat("/x", 9000) + " /" + strings.Repeat("y", 100) + " /<b> /a /b"})
	if s.Learn.Kept() != "/a /b" {
		t.Errorf("kept %q", s.Learn.Kept())
	}
}

func TestProgressIsRecalled(t *testing.T) {
	s := Start()
	s.Update(Recalled{"gone levels levels"})
	if s.Learn.Kept() != "levels" || !s.Learn.IsDone("levels") {
		t.Errorf("recalled %q", s.Learn.Kept())
	}
	s.Update(Recalled{""})
	if s.Learn.IsDone("levels") {
		t.Error("done without a visit")
	}
}

func TestLine(t *testing.T) {
	s := Start()
	for bits := -1; bits <= 12; bits++ {
		s.Update(LineBits{bits})
		b := max(1, min(8, bits))
		l := s.Learn.Line()
		n := len(l.Levels)
		if s.Learn.Bits != b || n != 1<<b || l.Levels[0] != -1 || l.Levels[n-1] != 1 {
			t.Fatalf("%d bits: %d levels from %v to %v", bits, n, l.Levels[0], l.Levels[n-1])
		}
		for i := 1; i < n; i++ {
			if d := l.Levels[i] - l.Levels[i-1]; math.Abs(d-s.Learn.Step()) > 1e-12 {
				t.Fatalf("%d bits: a step of %v at level %d, not %v", b, d, i, s.Learn.Step())
			}
		}
		// The error is that of the nearest level, found by looking at all.
		for _, x := range []float64{-1, -0.999, -0.5, 0, 0.37, 0.6667, 1} {
			s.Update(LineMoved{x})
			best := math.Inf(1)
			for _, v := range l.Levels {
				if math.Abs(v-x) < math.Abs(best) {
					best = v - x
				}
			}
			if got := s.Learn.Error(); math.Abs(math.Abs(got)-math.Abs(best)) > 1e-12 {
				t.Errorf("%d bits, %v: error %v, the nearest level is %v away", b, x, got, best)
			}
		}
	}
	for _, c := range []struct{ x, want float64 }{{5, 1}, {-5, -1}, {0.123456, 0.1235}, {math.NaN(), 0.1235}} {
		s.Update(LineMoved{c.x})
		if s.Learn.X != c.want {
			t.Errorf("%v became %v, want %v", c.x, s.Learn.X, c.want)
		}
	}
}

func TestLessonAddress(t *testing.T) {
	s := Start()
	if a, f := s.LessonAddress(); f != "INT4" || !strings.HasPrefix(a, "#/tensor?") {
		t.Errorf("before the formats are known: %s %s", a, f)
	}
	s.Update(Booted{table()})
	s.Update(Went{"#/learn"})
	for bits, want := range map[int]string{8: "INT8", 4: "INT4", 1: "INT2"} {
		s.Update(LineBits{bits})
		a, f := s.LessonAddress()
		if f != want {
			t.Errorf("%d bits open %s, want %s", bits, f, want)
		}
		there := Start()
		there.Update(Went{a})
		if there.Tensor.Source.Name != "example" || there.Tensor.A.Format != want || there.Tensor.A.Options.Group != 0 {
			t.Errorf("%s opens %+v as %+v", a, there.Tensor.Source, there.Tensor.A)
		}
	}
	if s.Tensor.Source.Name != "outliers" || s.Route != "learn" {
		t.Errorf("making a link changed the page: %+v", s.Tensor.Source)
	}
}

// TestLessons opens the lesson of the address, and asks for what is not part
// of the page.
func TestLessons(t *testing.T) {
	s := Start()
	s.Update(LessonsListed{[]string{"levels", "scale", "clip"}})
	for _, c := range []struct {
		hash, lesson string
		asked        Asked
		again        string // the address as it is written
	}{
		{"#/learn", "levels", Asked{}, "#/learn"},
		{"#/learn/levels", "levels", Asked{}, "#/learn/levels"},
		{"#/learn/nothing", "levels", Asked{}, "#/learn/nothing"},
		{"#/learn/scale", "scale", Asked{}, "#/learn/scale"},
		{"#/learn/scale?exercise=code&seed=7", "scale", Asked{"code", 7}, "#/learn/scale?exercise=code&seed=7"},
		{"#/learn/clip?exercise=a+b&seed=-1", "clip", Asked{"a b", 0}, "#/learn/clip?exercise=a+b&seed=0"},
		{"#/learn/clip", "clip", Asked{}, "#/learn/clip"},
	} {
		effects := s.Update(Went{c.hash})
		if s.Lesson() != c.lesson || s.Learn.Asked != c.asked || s.Address() != c.again {
			t.Errorf("%s opens %s, %+v, %s", c.hash, s.Lesson(), s.Learn.Asked, s.Address())
		}
		var opened []OpenLesson
		for _, e := range effects {
			if o, ok := e.(OpenLesson); ok {
				opened = append(opened, o)
			}
		}
		if c.lesson == FirstLesson {
			if opened != nil {
				t.Errorf("%s fetches %v", c.hash, opened)
			}
		} else if len(opened) != 1 || opened[0] != (OpenLesson{c.lesson, c.asked}) {
			t.Errorf("%s fetches %v", c.hash, opened)
		}
	}
	s.Update(ExerciseAsked{Asked{"clip", 3}})
	if a := s.Address(); a != "#/learn/clip?exercise=clip&seed=3" {
		t.Error(a)
	}
	s.Update(Solved{"clip"})
	s.Update(Solved{"nothing"})
	s.Update(Solved{"levels"})
	if s.Learn.Kept() != "levels clip" {
		t.Errorf("kept %q", s.Learn.Kept())
	}
	s.Update(ProgressForgotten{})
	if s.Learn.Kept() != "" {
		t.Errorf("kept %q", s.Learn.Kept())
	}
}

// TestFirstLesson wants its text to become part of the page.
func TestFirstLesson(t *testing.T) {
	web := filepath.Join("..", "..", "..", "web")
	html, err := os.ReadFile(filepath.Join(web, "views", "learn.html"))
	if err != nil {
		t.Skip("the page's HTML is not here: ", err)
	}
	for _, want := range []string{`data-lesson="` + FirstLesson + `"`, "<!--lesson-->", "<!--lessons-->", `id="lesson-more"`} {
		if !strings.Contains(string(html), want) {
			t.Errorf("there is no %s", want)
		}
	}
	first, err := filepath.Glob(filepath.Join(web, "lessons", "01-*.md"))
	if err != nil || len(first) != 1 {
		t.Fatalf("first lessons are %v: %v", first, err)
	}
	text, err := os.ReadFile(first[0])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nid: "+FirstLesson+"\n") {
		t.Errorf("%s is not the lesson %s", first[0], FirstLesson)
	}
}
