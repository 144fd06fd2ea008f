package page

import (
	"cmp"
	"fmt"
	"strings"

	"fewbits/wasm/wire"
)

// ModelLine is one row of the table of tensors.
type ModelLine struct {
	Index int // in FileInfo.Tensors
	Info  *wire.TensorRow
	Step  *wire.StepRow // nil while there is no plan
	Loss  *Loss         // nil until it is made
	Done  float64       // how much of it is made, 0 … 1, while the file is
	Own   string        // the type that a person gave it
	Free  bool          // a person may give it one
}

// Bits is bits a weight: then where there is a plan, else now.
func (l *ModelLine) Bits() float64 {
	if l.Info.Values == 0 {
		return 0
	}
	return 8 * float64(l.Next()) / float64(l.Info.Values)
}

// Next is the bytes that the tensor will take.
func (l *ModelLine) Next() int64 {
	if l.Step == nil {
		return l.Info.Room()
	}
	return l.Step.Bytes
}

// lost orders tensors by error.
func (l *ModelLine) lost() float64 {
	if l.Loss == nil {
		return 0
	}
	return l.Loss.RelRMSE
}

// modelTable holds the lines that are shown, until something changes.
type modelTable struct {
	version, edition int
	lines            []ModelLine // nil where they are to be made anew
}

func (t *modelTable) changed() { t.version, t.lines = t.version+1, nil }

func (t *modelTable) renewed() { t.edition++; t.changed() }

// Version changes whenever Lines does.
func (t *modelTable) Version() int { return t.version }

// Edition changes whenever the file, its plan or what was made of it does.
func (t *modelTable) Edition() int { return t.edition }

// Lines are the rows of the table: those that the filter lets through, in order.
func (m *Model) Lines() []ModelLine {
	if m.lines != nil || m.File == nil {
		return m.lines
	}
	byTensor := m.stepOf()
	words := strings.Fields(strings.ToLower(m.Filter))
	m.lines = []ModelLine{}
	for i := range m.File.Tensors {
		l := ModelLine{Index: i, Info: &m.File.Tensors[i]}
		if at := byTensor[i] - 1; at >= 0 {
			m.step(&l, at)
		}
		if l.holds(words) {
			m.lines = append(m.lines, l)
		}
	}
	if by, ok := modelColumns[m.Sort]; ok {
		order(m.lines, func(a, b *ModelLine) int {
			if m.Desc {
				a, b = b, a
			}
			return by(a, b)
		})
	}
	return m.lines
}

// step puts what a line says of step i of the plan in.
func (m *Model) step(l *ModelLine, i int) {
	l.Step = &m.Plan.Steps[i]
	l.Own = m.Types[l.Step.Name]
	l.Free = l.Step.Asked != "" && m.mixes() && !m.working
	switch {
	case m.job != nil:
		l.Done = m.job.share(i)
		if loss, ok := m.job.loss(i); ok {
			l.Loss = &loss
		}
	case m.Made != nil:
		l.Loss = &m.Made.Losses[i]
	case m.ended != nil:
		l.Loss, l.Done = &m.ended.Losses[i], 1
	}
}

// holds says whether every word stands somewhere in the row.
func (l *ModelLine) holds(words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := l.Info.Name + " " + Shape(l.Info.Shape) + " " + l.Info.Now()
	if l.Step != nil {
		text += " " + l.Step.To + " " + l.Step.Why
	}
	text = strings.ToLower(text)
	for _, w := range words {
		if part, ok := strings.CutPrefix(w, partPrefix); ok && strings.EqualFold(partOf(l.Info.Name), part) {
			continue
		}
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// modelColumns compare rows by what a column shows.
var modelColumns = map[string]func(a, b *ModelLine) int{
	"name": func(a, b *ModelLine) int { return natural(a.Info.Name, b.Info.Name) },
	"now":  func(a, b *ModelLine) int { return cmp.Compare(a.Info.Room(), b.Info.Room()) },
	"next": func(a, b *ModelLine) int { return cmp.Compare(a.Next(), b.Next()) },
	"bits": func(a, b *ModelLine) int { return cmp.Compare(a.Bits(), b.Bits()) },
	"loss": func(a, b *ModelLine) int { return cmp.Compare(a.lost(), b.lost()) },
}

// sortBy orders by a column: names upwards, numbers from the largest; once
// more the other way; a third time as the file has it.
func (m *Model) sortBy(column string) {
	if _, ok := modelColumns[column]; !ok {
		return
	}
	first := column != "name"
	switch {
	case m.Sort != column:
		m.Sort, m.Desc = column, first
	case m.Desc == first:
		m.Desc = !first
	default:
		m.Sort, m.Desc = "", false
	}
	m.changed()
}

// natural compares names so that blk.2 stands before blk.10.
func natural(a, b string) int {
	for a != "" && b != "" {
		if !digit(a[0]) || !digit(b[0]) {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		var x, y string
		x, a = number1(a)
		y, b = number1(b)
		if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// number1 cuts the digits that s begins with, without leading zeros.
func number1(s string) (digits, rest string) {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return strings.TrimLeft(s[:n], "0"), s[n:]
}

// Shape prints a shape: "64 × 172".
func Shape(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	var s []string
	for _, d := range shape {
		s = append(s, fmt.Sprint(d))
	}
	return strings.Join(s, " × ")
}

// Part is what the tensors of one type take together.
type Part struct {
	Type    string
	Tensors int
	Values  int64
	Bytes   int64
}

// Bits is bits a weight.
func (p Part) Bits() float64 { return 8 * float64(p.Bytes) / float64(max(1, p.Values)) }

// Now are the types of the file, the most bytes first.
func (m *Model) Now() []Part {
	return partsOf(len(m.File.Tensors), func(i int) (string, int, int64) {
		t := &m.File.Tensors[i]
		return t.Now(), t.Values, t.Room()
	})
}

// Mix are the types of the file to be, the most bytes first.
func (m *Model) Mix() []Part {
	if m.Plan == nil {
		return nil
	}
	return partsOf(len(m.Plan.Steps), func(i int) (string, int, int64) {
		s := &m.Plan.Steps[i]
		return s.To, m.File.Tensors[s.Tensor].Values, s.Bytes
	})
}

func partsOf(n int, at func(i int) (typ string, values int, bytes int64)) []Part {
	var list []Part
	where := map[string]int{}
	for i := range n {
		typ, values, bytes := at(i)
		k, ok := where[typ]
		if !ok {
			k = len(list)
			where[typ] = k
			list = append(list, Part{Type: typ})
		}
		list[k].Tensors++
		list[k].Values += int64(values)
		list[k].Bytes += bytes
	}
	order(list, func(a, b *Part) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return list
}

// Reason is why tensors do not take the type that was asked for.
type Reason struct {
	To, Why string
	Tensors int
	Kept    bool // they stay as they are
}

// Reasons are all of them: fallbacks first, and of these the most common first.
func (m *Model) Reasons() []Reason {
	if m.Plan == nil {
		return nil
	}
	var list []Reason
	where := map[[2]string]int{}
	for _, s := range m.Plan.Steps {
		if s.Why == "" {
			continue
		}
		key := [2]string{s.To, s.Why}
		k, ok := where[key]
		if !ok {
			k = len(list)
			where[key] = k
			list = append(list, Reason{To: s.To, Why: s.Why, Kept: s.Asked == ""})
		}
		list[k].Tensors++
	}
	order(list, func(a, b *Reason) int {
		if a.Kept != b.Kept {
			if a.Kept {
				return 1
			}
			return -1
		}
		return cmp.Compare(b.Tensors, a.Tensors)
	})
	return list
}
