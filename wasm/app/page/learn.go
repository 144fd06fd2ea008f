package page

import (
	"math"
	"slices"
	"strings"
)

// Lesson is one lesson; its text is the article with data-lesson=ID of
// web/views/learn.html. A new one is a row in Lessons, an article and a line
// in that page's list.
type Lesson struct {
	ID    string // in the address: #/learn/levels
	Title string
}

// Lessons are in the order that they are read.
var Lessons = []Lesson{{"levels", "What a bit buys"}}

// Learn is the state of the Learn view.
type Learn struct {
	Bits    int     // of the number line
	X       float64 // the value on it
	Done    []string
	Fields  [2]Field // as last checked, in the order of Questions
	Verdict Verdict
	Hints   int // given so far
}

// Field is one answer as it was judged.
type Field struct {
	Judged, Right bool
}

// Verdict is what the exercise says.
type Verdict struct {
	Kind  string // "", "right", "wrong", "hint"
	Head  string
	Lines []string
	Turn  int // counts verdicts, so that the same one is news again
}

// The events of Learn.
type (
	// LineBits sets the bits of the number line.
	LineBits struct{ Bits int }
	// LineMoved sets the value on it.
	LineMoved struct{ X float64 }
	// Checked asks for a verdict on the answers, in the order of Questions.
	Checked struct{ Answers [2]string }
	// Typed says that an answer changed since it was judged.
	Typed struct{ Question int }
	// Hinted asks for the next hint.
	Hinted struct{}
	// Recalled brings what Kept gave at an earlier visit.
	Recalled struct{ Text string }
)

// The ends of the line and of its bits.
const (
	lineLo, lineHi = -1.0, 1.0
	minBits        = 1
	maxBits        = 8
)

// Lesson is the one that is shown: that of the address, else the first.
func (s *State) Lesson() Lesson {
	for _, l := range Lessons {
		if l.ID == s.Path {
			return l
		}
	}
	return Lessons[0]
}

// IsDone says whether the exercise of a lesson was solved.
func (l *Learn) IsDone(id string) bool { return slices.Contains(l.Done, id) }

// Kept is the progress as text, for the next visit.
func (l *Learn) Kept() string { return strings.Join(l.Done, " ") }

// recalled takes what Kept gave, without lessons that are no more.
func (l *Learn) recalled(text string) {
	l.Done = nil
	for _, lesson := range Lessons {
		if slices.Contains(strings.Fields(text), lesson.ID) {
			l.Done = append(l.Done, lesson.ID)
		}
	}
}

// Levels are 2ⁿ even levels over [−1, 1], both ends among them.
func Levels(bits int) []float64 {
	n := 1 << bits
	levels := make([]float64, n)
	for i := range levels {
		levels[i] = lineLo + (lineHi-lineLo)*float64(i)/float64(n-1)
	}
	return levels
}

// NumberLine is what the plot of that name draws.
type NumberLine struct {
	Levels   []float64 `json:"levels"`
	Lo       float64   `json:"lo"`
	Hi       float64   `json:"hi"`
	Original float64   `json:"original"`
	Sentence string    `json:"sentence,omitempty"`
}

// Line is the number line as it is now.
func (l *Learn) Line() NumberLine {
	return NumberLine{Levels: Levels(l.Bits), Lo: lineLo, Hi: lineHi, Original: l.X}
}

// Step is the distance between two of its levels.
func (l *Learn) Step() float64 { return (lineHi - lineLo) / float64(int(1)<<l.Bits-1) }

// Error is how far the value on the line moves to its nearest level.
func (l *Learn) Error() float64 {
	k := math.Round((l.X - lineLo) / l.Step())
	return lineLo + k*l.Step() - l.X
}

func (s *State) learnShown() []Effect { return nil }

func (s *State) updateLearn(e Event) ([]Effect, bool) {
	l := &s.Learn
	switch e := e.(type) {
	case LineBits:
		l.Bits = max(minBits, min(maxBits, e.Bits))
	case LineMoved:
		if !math.IsNaN(e.X) {
			l.X = max(lineLo, min(lineHi, math.Round(e.X*1e4)/1e4))
		}
	case Checked:
		l.check(e.Answers)
	case Typed:
		if e.Question >= 0 && e.Question < len(l.Fields) {
			l.Fields[e.Question] = Field{}
		}
	case Hinted:
		l.hint()
	case Recalled:
		l.recalled(e.Text)
	default:
		return nil, false
	}
	return nil, true
}

// check judges the answers of the first exercise.
func (l *Learn) check(answers [2]string) {
	v := Verdict{Kind: "wrong", Turn: l.Verdict.Turn + 1}
	right := 0
	for i, q := range Questions {
		a := Judge(q, answers[i], answers[1-i])
		l.Fields[i] = Field{Judged: true, Right: a.Right}
		if a.Right {
			right++
		} else {
			v.Lines = append(v.Lines, a.Says)
		}
	}
	switch right {
	case len(Questions):
		v.Kind, v.Head, v.Lines = "right", rightHead(), rightLines()
		if !l.IsDone(Lessons[0].ID) {
			l.recalled(l.Kept() + " " + Lessons[0].ID)
		}
	case 0:
		v.Head = "Not yet."
	default:
		v.Head = "One of the two is right."
	}
	l.Verdict = v
}

// hint gives the next hint; after the last it begins again.
func (l *Learn) hint() {
	i := l.Hints % len(hints)
	l.Hints++
	l.Verdict = Verdict{Kind: "hint", Head: hintHead(i), Lines: []string{hints[i]}, Turn: l.Verdict.Turn + 1}
}

// LessonAddress is the link that opens the line of the lesson in Tensor: the
// worked example from −1 to 1 in the integer format with as many bits, or the
// nearest there is.
func (s *State) LessonAddress() (address, format string) {
	t := s.Tensor
	format = s.Ladder("INT4").nearest(s.Learn.Bits)
	if format == "" {
		format = "INT4"
	}
	s.Tensor = defaultTensor()
	s.Tensor.Source.Name, s.Tensor.B = "example", Side{}
	s.Tensor.Row, s.Tensor.Col = 0, 11 // 0.375, near the value that the line shows first
	address = s.WayAddress(Way{Format: format})
	s.Tensor = t
	return address, format
}
