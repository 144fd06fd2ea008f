package lesson

// Part is one picture of a figure: a kind, its name, a sentence that says what
// is seen now, and what is drawn, which is one of the fields.
type Part struct {
	Name  string `json:"name"`
	Say   string `json:"say"`
	Moves string `json:"moves,omitempty"` // control that is moved in the picture itself
	Wide  bool   `json:"wide,omitempty"`  // it wants the whole width
	Next  *Next  `json:"next,omitempty"`  // where a button would move it

	Line  *Line  `json:"line,omitempty"`
	Lines *Lines `json:"lines,omitempty"`
	Bars  *Bars  `json:"bars,omitempty"`
	Grid  *Grid  `json:"grid,omitempty"`
	Bits  []Bits `json:"bits,omitempty"`
	Terms []Term `json:"terms,omitempty"`
	Code  string `json:"code,omitempty"` // to copy
}

// Next is a value of the control that a picture moves, and what leads to it.
type Next struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Line is a number line with levels on it, and a value with the level that it
// becomes.
type Line struct {
	Levels    []float64 `json:"levels"` // rising
	Lo        float64   `json:"lo"`
	Hi        float64   `json:"hi"`
	Original  *float64  `json:"original,omitempty"`
	Highlight *float64  `json:"highlight,omitempty"`
}

// Lines are up to four series over a common x.
type Lines struct {
	X      []float64 `json:"x"` // rising
	Series []Series  `json:"series"`
	XName  string    `json:"xName"`
	YName  string    `json:"yName"`
	Mark   *float64  `json:"mark,omitempty"` // x that is looked at
}

// Series is one of Lines.
type Series struct {
	Name string    `json:"name"`
	Tone string    `json:"tone"` // "orig", "recon", "b" or "ink"
	Y    []float64 `json:"y"`
	Step bool      `json:"step,omitempty"`
	Fill bool      `json:"fill,omitempty"`
}

// Bars are level bars.
type Bars struct {
	Rows     []Bar   `json:"rows"`
	Unit     string  `json:"unit"`
	Digits   int     `json:"digits"`
	Roof     float64 `json:"roof,omitempty"` // a mark over all of them
	RoofName string  `json:"roofName,omitempty"`
}

// Bar is one of them.
type Bar struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Now   bool    `json:"now,omitempty"` // what the controls stand at
}

// Grid is a table of numbers or words, coloured where Shade says so.
type Grid struct {
	Columns []string `json:"columns"`
	Rows    []Row    `json:"rows"`
}

// Row is one of a Grid.
type Row struct {
	Head  string `json:"head"`
	Cells []Cell `json:"cells"`
	Now   bool   `json:"now,omitempty"`
}

// Cell is one of a Row.
type Cell struct {
	Text  string  `json:"text"`
	Shade float64 `json:"shade,omitempty"` // −1 … 1: how strongly, and of which sign
	Mark  bool    `json:"mark,omitempty"`
}

// Bits is a field of some bits, or of bytes, that lie beside one another.
type Bits struct {
	Name string `json:"name"`
	Role string `json:"role"` // "sign", "exponent", "mantissa", "code", "scale", "zero"
	Bits string `json:"bits"` // "0101": a cell each
	Text string `json:"text"` // what they mean
}

// Term is a piece of a formula with its numbers; a line of it ends with Break.
type Term struct {
	Text  string `json:"text"`
	Role  string `json:"role,omitempty"` // "x", "xhat", "scale", "zero", "code": its colour
	Break bool   `json:"break,omitempty"`
}

// at is a pointer to a number.
func at(v float64) *float64 { return &v }

// line is one line of a formula.
func line(terms ...Term) []Term {
	terms[len(terms)-1].Break = true
	return terms
}

// word is a Term without a role.
func word(s string) Term { return Term{Text: s} }
