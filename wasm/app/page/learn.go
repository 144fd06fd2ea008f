package page

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// FirstLesson is the one whose text and exercise are part of the page; the
// others are fetched when they are opened.
const FirstLesson = "levels"

// Learn is the state of the Learn view.
type Learn struct {
	Lessons []string // in the order that they are read, by what stands in the address: #/learn/levels
	Asked   Asked
	Bits    int     // of the number line
	X       float64 // the value on it
	Done    []string
	Solved  []string // exercises, as "/code"
	Fields  [2]Field // as last checked, in the order of Questions
	Verdict Verdict
	Hints   int // given so far

	forgotten string // what Kept was before it was begun again
}

// Asked is an exercise of a lesson with the seed of its numbers, as in
// #/learn/scale?exercise=code&seed=7.
type Asked struct {
	Exercise string
	Seed     int
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
	// LessonsListed says which lessons there are.
	LessonsListed struct{ IDs []string }
	// Recalled brings what Kept gave at an earlier visit.
	Recalled struct{ Text string }
	// Solved says that all exercises of a lesson were, or with a slash before
	// it, that one exercise was.
	Solved struct{ Lesson string }
	// ExerciseAsked is a variation of an exercise that was opened.
	ExerciseAsked struct{ Asked }
	// ProgressForgotten begins the course again, or takes that back.
	ProgressForgotten struct{}
)

// OpenLesson fetches a lesson beyond the first and shows it.
type OpenLesson struct {
	ID string
	Asked
}

// The ends of the line and of its bits.
const (
	lineLo, lineHi = -1.0, 1.0
	minBits        = 1
	maxBits        = 8
	maxSeed        = 1 << 30
)

// Lesson is the one that is shown: that of the address, else the first.
func (s *State) Lesson() string {
	if slices.Contains(s.Learn.Lessons, s.Path) {
		return s.Path
	}
	return FirstLesson
}

// IsDone says whether the exercises of a lesson were solved.
func (l *Learn) IsDone(id string) bool { return slices.Contains(l.Done, id) }

// Kept is the progress as text, for the next visit.
func (l *Learn) Kept() string { return strings.Join(slices.Concat(l.Done, l.Solved), " ") }

// Forgot says whether the course was begun again, and nothing done since.
func (l *Learn) Forgot() bool { return l.forgotten != "" && l.Kept() == "" }

// forget begins the course again; a second time it takes that back.
func (l *Learn) forget() {
	was := l.Kept()
	if l.Forgot() {
		l.recalled(l.forgotten)
	} else {
		l.recalled("")
	}
	l.forgotten = was
}

// maxSolved is how many exercises are remembered, and how long a name may be.
const maxSolved = 64

// recalled takes what Kept gave, without lessons that are no more.
func (l *Learn) recalled(text string) {
	known := strings.Fields(text)
	l.Done, l.Solved = nil, nil
	for _, id := range l.Lessons {
		if slices.Contains(known, id) {
			l.Done = append(l.Done, id)
		}
	}
	for _, id := range known {
		name, ok := strings.CutPrefix(id, "/")
		if ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == "" && len(id) < maxSolved && len(l.Solved) < maxSolved && !slices.Contains(l.Solved, id) {
			l.Solved = append(l.Solved, id)
		}
	}
}

func (l *Learn) solved(id string) { l.recalled(l.Kept() + " " + id) }

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

// learnShown opens the lesson of the address.
func (s *State) learnShown() []Effect {
	if id := s.Lesson(); s.Route == "learn" && id != FirstLesson {
		return []Effect{OpenLesson{id, s.Learn.Asked}}
	}
	return nil
}

// asked takes what an address says of an exercise.
func (l *Learn) asked(query map[string]string) {
	l.Asked = Asked{Exercise: query["exercise"]}
	if n, err := strconv.Atoi(query["seed"]); err == nil && n >= 0 && n < maxSeed {
		l.Asked.Seed = n
	}
}

// address is what the address says of the exercise that is open.
func (l *Learn) address() string {
	if l.Asked.Exercise == "" {
		return ""
	}
	return "?exercise=" + escape(l.Asked.Exercise) + "&seed=" + strconv.Itoa(l.Asked.Seed)
}

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
	case LessonsListed:
		l.Lessons = e.IDs
	case Recalled:
		l.recalled(e.Text)
	case Solved:
		l.solved(e.Lesson)
	case ExerciseAsked:
		l.Asked = e.Asked
	case ProgressForgotten:
		l.forget()
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
		l.solved(FirstLesson)
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
