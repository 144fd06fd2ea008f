package session

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fewbits/quant/imatrix"
	"fewbits/wasm/wire"
)

// crew is helpers in the same process, which answer in any order.
type crew struct {
	helpers []*Session
	ready   int
	waiting []crewCall
	sent    int // values
	random  *rand.Rand
	ill     func(op string) string // why a call fails
}

type crewCall struct {
	k, id  int
	op     string
	args   []byte
	values []float32
}

func newCrew(n int, seed uint64) *crew {
	c := &crew{ready: n, random: rand.New(rand.NewPCG(seed, 1))}
	for range n {
		c.helpers = append(c.helpers, new(Session))
	}
	return c
}

func (c *crew) Most() int  { return len(c.helpers) }
func (c *crew) Ready() int { return c.ready }
func (c *crew) Drop()      { c.waiting = nil }

func (c *crew) Call(k, id int, op string, args any, values ...[]float32) {
	text, err := wire.Marshal(args)
	if err != nil {
		panic(err)
	}
	call := crewCall{k: k, id: id, op: op, args: text}
	for _, x := range values {
		call.values = append(call.values, x...)
	}
	c.sent += len(call.values)
	c.waiting = append(c.waiting, call)
}

// deliver has one helper answer the first call that it has.
func (c *crew) deliver(s *Session) bool {
	if len(c.waiting) == 0 {
		return false
	}
	k := c.waiting[c.random.IntN(len(c.waiting))].k
	at := slices.IndexFunc(c.waiting, func(w crewCall) bool { return w.k == k })
	w := c.waiting[at]
	c.waiting = slices.Delete(c.waiting, at, at+1)
	if c.ill != nil {
		if why := c.ill(w.op); why != "" {
			s.Take(w.id, nil, nil, why)
			return true
		}
	}
	r, err := c.helpers[k].Call(w.op, w.args, Attachment{Values: w.values})
	for err == nil && r.More != nil {
		r, err = r.More()
	}
	if err != nil {
		s.Take(w.id, nil, nil, err.Error())
		return true
	}
	text, err := wire.Marshal(r.JSON)
	if err != nil {
		panic(err)
	}
	arrays := map[string]any{}
	for name, a := range r.Arrays {
		switch a := a.(type) {
		case []float32:
			arrays[name] = slices.Clone(a)
		case []byte:
			arrays[name] = bytes.Clone(a)
		}
	}
	s.Take(w.id, text, arrays, "")
	return true
}

// slicedClock makes a slice some calls long.
func slicedClock(s *Session, calls int) {
	now := time.Duration(0)
	s.Slice = time.Duration(calls)
	s.now = func() time.Duration { now++; return now }
}

// together answers with the help of helpers.
func together(t *testing.T, s *Session, c *crew, a wire.AnalyzeArgs) (answer, error) {
	t.Helper()
	args, err := wire.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Call(wire.OpAnalyze, args, Attachment{})
	for err == nil && r.More != nil {
		some := c.random.IntN(4) == 0
		if r.Wait && !c.deliver(s) {
			t.Fatal("it waits for nobody")
		}
		for some && c.deliver(s) {
			some = c.random.IntN(2) == 0
		}
		r, err = r.More()
	}
	if err != nil {
		return answer{}, err
	}
	return answerOf(r)
}

// sameAnswer holds what helpers did against what one did alone.
func sameAnswer(t *testing.T, got, want answer, a, b *Session) {
	t.Helper()
	g, w := got.Analysis, want.Analysis
	g.Elapsed, g.Workers, w.Elapsed, w.Workers = 0, 0, 0, 0
	if fmt.Sprint(g) != fmt.Sprint(w) {
		t.Errorf("together\n%+v\nalone\n%+v", g, w)
	}
	for _, name := range slices.Sorted(maps.Keys(want.arrays)) {
		if !slices.EqualFunc(got.arrays[name], want.arrays[name], func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }) {
			t.Errorf("arrays.%s is another", name)
		}
	}
	if !bytes.Equal(a.last.packed.Bytes, b.last.packed.Bytes) {
		t.Error("the bytes are others")
	}
}

func TestSharedIsAlone(t *testing.T) {
	for _, c := range cuts {
		for _, tall := range []int{1 << 19, 350_000} {
			if testing.Short() {
				if tall == 1<<19 {
					continue
				}
				tall = 270_000
			}
			t.Run(fmt.Sprint(c.format, " ", c.options, " of ", c.cols, ", ", tall), func(t *testing.T) {
				rows := tall / c.cols
				x := bell(rows * c.cols)
				args := wire.AnalyzeArgs{Format: c.format, Options: optionsOf(c.options), Row: rows / 2, Col: 7}
				alone := loaded(t, []int{rows, c.cols}, x)
				want := mustAnalyze(t, alone, args)
				for _, helpers := range []int{1, 3} {
					if helpers == 1 && (testing.Short() || tall == 1<<19) {
						continue
					}
					s, crew := loaded(t, []int{rows, c.cols}, x), newCrew(helpers, uint64(tall+helpers))
					slicedClock(s, 4)
					s.Helpers = crew
					for again := range 2 {
						before := crew.sent
						got, err := together(t, s, crew, args)
						if err != nil {
							t.Fatal(err)
						}
						sameAnswer(t, got, want, s, alone)
						if shared := got.Workers > 1; shared != (c.how != cutNot) {
							t.Errorf("%d workers did it", got.Workers)
						}
						if sent := crew.sent - before; again == 1 && c.how != cutNot && sent > len(x)/2 {
							t.Errorf("%d of %d values are sent again", sent, len(x))
						}
					}
				}
			})
		}
	}
}

func TestSharedImportance(t *testing.T) {
	const experts, rows, cols = 3, 300, 512
	g := generator{3}
	w := make([]float32, experts*cols)
	fill(w, func() float64 { return g.uniform() })
	matrix := &imatrix.Matrix{Weights: map[string][]float32{"w": w}}
	x := bell(experts * rows * cols)
	for _, kind := range []string{wire.ImportanceAlike, wire.ImportanceMatrix} {
		args := wire.AnalyzeArgs{Format: "Q4_K", Importance: kind}
		alone := loaded(t, []int{experts, rows, cols}, x)
		alone.matrix = matrix
		want := mustAnalyze(t, alone, args)
		s, crew := loaded(t, []int{experts, rows, cols}, x), newCrew(2, 5)
		slicedClock(s, 8)
		s.Helpers, s.matrix = crew, matrix
		got, err := together(t, s, crew, args)
		if err != nil {
			t.Fatal(err)
		}
		if sameAnswer(t, got, want, s, alone); got.Workers < 2 {
			t.Error("it is not shared")
		}
	}
}

func TestSharedFaults(t *testing.T) {
	const rows, cols = 500, 1000
	holed := bell(rows * cols)
	holed[377_777], holed[3] = float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		name, format string
		x            []float32
		ill          func(op string) string
	}{
		{"values that are not finite", "FP16", holed, nil},
		{"values that a format refuses", "INT4", holed, nil},
		{"a helper fails", "NF4", bell(rows * cols), func(string) string { return "out of memory" }},
		{"a helper fails to count", "NF4", bell(rows * cols), func(op string) string {
			if op == wire.OpCount {
				return "out of memory"
			}
			return ""
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := wire.AnalyzeArgs{Format: c.format, Options: map[string]string{}}
			if c.format == "INT4" {
				args.Options["granularity"] = "channel"
			}
			alone := loaded(t, []int{rows, cols}, c.x)
			want, refused := analyzed(alone, args)
			s, crew := loaded(t, []int{rows, cols}, c.x), newCrew(2, 5)
			slicedClock(s, 8)
			s.Helpers, crew.ill = crew, c.ill
			got, err := together(t, s, crew, args)
			if refused != nil {
				if err == nil || err.Error() != refused.Error() {
					t.Fatalf("got %v, want %v", err, refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameAnswer(t, got, want, s, alone)
		})
	}
}

// TestSharedStops wants answers that nobody waits for any more to change
// nothing, and helpers that are lost to be done without.
func TestSharedStops(t *testing.T) {
	const rows, cols = 768, 1024
	x := bell(rows * cols)
	alone := loaded(t, []int{rows, cols}, x)
	want := mustAnalyze(t, alone, wire.AnalyzeArgs{Format: "Q5_K"})
	for seed := range uint64(14) {
		s, crew := loaded(t, []int{rows, cols}, x), newCrew(2, seed)
		slicedClock(s, 8)
		s.Helpers = crew
		args, _ := wire.Marshal(wire.AnalyzeArgs{Format: "Q4_K"})
		r, err := s.Call(wire.OpAnalyze, args, Attachment{})
		for range 1 + seed%7 {
			if err != nil || r.More == nil {
				t.Fatal("it is done too early")
			}
			if r.Wait || seed%2 == 0 {
				crew.deliver(s)
			}
			r, err = r.More()
		}
		late := slices.Clone(crew.waiting)
		if seed >= 7 { // helpers are gone, and what they still say too
			crew.ready = 0
			s.Lost()
			for err == nil && r.More != nil {
				r, err = r.More()
			}
			if err != nil || s.last.packed.Format != "Q4_K" {
				t.Fatalf("alone it comes to %v", err)
			}
			crew.ready = 2
		}
		for _, w := range late {
			s.Take(w.id, []byte("{}"), nil, "")
		}
		got, err := together(t, s, crew, wire.AnalyzeArgs{Format: "Q5_K"})
		if err != nil {
			t.Fatal(err)
		}
		sameAnswer(t, got, want, s, alone)
	}
}
