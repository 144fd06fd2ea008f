package tales

import (
	"math/rand/v2"
	"strings"
)

// Seeds of texts that have no more in common than the grammar.
const (
	Measuring   = 2       // what models are measured on
	Calibration = 3       // what methods that calibrate may see
	Training    = 1 << 32 // and all above: what models are trained on
)

// Text is so many stories, a line each. A story is about 75 words.
func Text(seed uint64, count int) string {
	var b strings.Builder
	w := NewWriter(seed)
	for range count {
		b.WriteString(w.Story())
		b.WriteByte('\n')
	}
	return b.String()
}

// Writer writes one story after another.
type Writer struct {
	random *rand.Rand
	slots  map[string]string
}

// NewWriter is the writer of a text from its beginning.
func NewWriter(seed uint64) *Writer {
	return &Writer{random: rand.New(rand.NewPCG(seed, 0x74616c6573)), slots: map[string]string{}}
}

// Story is the next story, without the end of its line.
func (w *Writer) Story() string {
	w.draw()
	s := stories[w.random.IntN(len(stories))]
	w.slots["key"] = w.fill(s.key)
	return w.fill(pick(w, openings) + " " + s.text + pick(w, endings))
}

func pick[T any](w *Writer, list []T) T { return list[w.random.IntN(len(list))] }

// some are n different ones.
func some[T any](w *Writer, list []T, n int) []T {
	out := make([]T, 0, n)
	for _, i := range w.random.Perm(len(list))[:n] {
		out = append(out, list[i])
	}
	return out
}

// draw draws the slots of a story.
func (w *Writer) draw() {
	clear(w.slots)
	for i, p := range some(w, people, 2) {
		pre := [2]string{"", "b"}[i]
		w.slots[[2]string{"A", "B"}[i]] = p.name
		w.set(pre+"he", p.he)
		w.set(pre+"him", p.him)
		w.set(pre+"his", p.his)
		w.set(pre+"boy", p.boy)
	}
	for i, c := range some(w, colours, 3) {
		w.slots[[3]string{"c1", "c2", "c3"}[i]] = c
	}
	for i, o := range some(w, things, 2) {
		w.slots[[2]string{"o1", "o2"}[i]] = o
	}
	for i, p := range some(w, places, 3) {
		name := [3]string{"p", "q", "r"}[i]
		w.set(name, p.there)
		w.slots[name+"n"] = p.noun
	}
	w.slots["trait"], w.slots["s"], w.slots["cloth"] = pick(w, traits), pick(w, spots), pick(w, clothes)
	w.slots["tool"], w.slots["mood"] = pick(w, tools), pick(w, moods)
	a, n, x := pick(w, animals), pick(w, needs), pick(w, weathers)
	w.slots["animal"], w.slots["state"], w.slots["cure"] = a.name, n.state, n.cure
	w.set("sound", a.sound)
	if n.cure == "" {
		w.slots["cure"] = a.food
	}
	w.slots["falls"], w.slots["become"] = x.falls, x.become
	w.count()
}

// count draws numbers and what is counted: k + m is at most ten, n − k one at
// least.
func (w *Writer) count() {
	fruit := pick(w, fruits)
	m := 1 + w.random.IntN(5)
	k := 1 + w.random.IntN(5)
	for name, n := range map[string]int{"k": k, "m": m, "k+m": k + m, "n": k + m, "n-k": m} {
		w.slots[name+" number"] = numbers[n]
		noun := fruit[1]
		if n == 1 {
			noun = fruit[0]
		}
		w.slots[name+" f"] = numbers[n] + " " + noun
		w.slots[name+" F"] = capital(numbers[n]) + " " + noun
	}
}

// set sets a slot, and its twin at the beginning of a sentence.
func (w *Writer) set(name, text string) {
	w.slots[name] = text
	w.slots[capital(name)] = capital(text)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// fill writes a template out. What it names must be there: a test reads all.
func (w *Writer) fill(template string) string {
	var b strings.Builder
	for template != "" {
		i := strings.IndexAny(template, "{[")
		if i < 0 {
			b.WriteString(template)
			break
		}
		b.WriteString(template[:i])
		closing := "}"
		if template[i] == '[' {
			closing = "]"
		}
		inner, rest, _ := strings.Cut(template[i+1:], closing)
		if closing == "]" {
			b.WriteString(w.fill(pick(w, strings.Split(inner, "|"))))
		} else {
			b.WriteString(w.slots[inner])
		}
		template = rest
	}
	return b.String()
}
