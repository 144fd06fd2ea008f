package page

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// ladderTable has what the claims ask for.
func ladderTable() []wire.FormatRow {
	affine := table()[0].Options
	rows := []wire.FormatRow{}
	for _, bits := range ladder {
		rows = append(rows, wire.FormatRow{Name: fmt.Sprintf("INT%d", bits), Family: "affine", Bits: bits, Options: affine})
	}
	for _, n := range []string{"Q4_0", "Q4_K", "Q5_0", "Q5_K"} {
		rows = append(rows, wire.FormatRow{Name: n, Family: "ggml", Bits: int(n[1] - '0')})
	}
	for _, n := range []string{"FP32", "FP16", "BF16"} {
		rows = append(rows, wire.FormatRow{Name: n, Family: "float", Bits: 16})
	}
	return rows
}

// sums are of 100 tokens: the reference at ln p = −1, the model at ratio times
// its perplexity, straying by kl each time.
func sums(ratio, kl float64) metric.Tokens {
	const n = 100
	x := 1 + math.Log(ratio)
	return metric.Tokens{Scored: n, Own: metric.Moments{One: n * x, Two: n * x * x}, Ref: metric.Moments{One: n, Two: n},
		Product: n * x, KL: metric.Moments{One: n * kl, Two: n * kl * kl}, MaxKL: kl, Same: 95}
}

// onModel is a page that compares on the demo model, which is there.
func onModel(t *testing.T) (*State, []Call) {
	t.Helper()
	s := Start()
	s.Update(Booted{ladderTable()})
	s.Update(WorkersCounted{2})
	out := s.Update(Went{"#/compare?on=model"})
	if f, ok := out[0].(FetchSample); !ok || f.Name != demoLarge {
		t.Fatalf("asked for %+v", out)
	}
	c := calls(s.Update(SampleFetched{Name: demoLarge, Ref: 7, Bytes: 4e6}))
	if len(c) != 2 || c[0].Op != wire.OpTrialOpen || c[0].File != 7 || c[0].Lane == c[1].Lane {
		t.Fatalf("asked for %+v", c)
	}
	return s, c
}

// tried answers every request until there are none, and counts them by format.
func tried(t *testing.T, s *State, queue []Call, size func(open wire.TrialOpenArgs) wire.Trial, way func(name string, a wire.TrialArgs) wire.Tried) map[string]int {
	t.Helper()
	seen, model := map[string]int{}, ""
	for i := 0; len(queue) > 0; i++ {
		if i > 500 {
			t.Fatal("it does not end")
		}
		c := queue[0]
		queue = queue[1:]
		var out []Effect
		if c.Op == wire.OpTrialOpen {
			args := c.Args.(wire.TrialOpenArgs)
			model = args.Name
			out = answer(t, s, c, size(args))
		} else {
			args := c.Args.(wire.TrialArgs)
			seen[fmt.Sprint(model, args)]++
			out = answer(t, s, c, way(model, args))
		}
		for _, e := range out {
			if f, ok := e.(FetchSample); ok {
				out = append(out, s.Update(SampleFetched{Name: f.Name, Ref: 8, Bytes: 1e6})...)
			}
		}
		queue = append(queue, calls(out)...)
	}
	return seen
}

func TestTrialsOfAllWaysOnBothSizes(t *testing.T) {
	s, first := onModel(t)
	var tokens []int
	size := func(a wire.TrialOpenArgs) wire.Trial {
		tokens = append(tokens, a.Tokens)
		n, ppl := 2_000_000, 1.0
		if a.Name == demoSmall {
			n, ppl = 500_000, 1.2
		}
		return wire.Trial{Weights: n, Context: 256, Chunks: 8, Sums: sums(ppl, 0)}
	}
	// KL grows fourfold with each bit less; methods halve it, the smaller model
	// doubles it, and so do the older formats.
	seen := tried(t, s, first, size, func(model string, a wire.TrialArgs) wire.Tried {
		bits := 16.0
		if f := s.Format(a.Format); f != nil && f.Family != "float" {
			bits = float64(f.Bits)
		} else if f == nil {
			fmt.Sscan(a.Options["bits"], &bits)
		}
		kl := 4 * math.Pow(4, -bits)
		switch {
		case model == demoSmall || strings.HasSuffix(a.Format, "_0"):
			kl *= 2
		case s.Format(a.Format) == nil && !a.Plain:
			kl /= 2
		}
		return wire.Tried{Bits: bits, Sums: sums(1+kl, kl)}
	})
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s was tried %d times", key, n)
		}
	}
	if want := len(s.modelWays()) + len(ladder); len(seen) != want || s.Compare.Trials.Running() || s.Compare.Trials.Fault != "" {
		t.Errorf("%d ways, want %d; %+v", len(seen), want, s.Compare.Trials)
	}
	if done, all := s.TrialProgress(); done != all {
		t.Errorf("%d of %d", done, all)
	}
	if tokens[0] != 0 || tokens[len(tokens)-1] != 8*256 {
		t.Errorf("the sizes read %v tokens: the same is wanted", tokens)
	}
	want := map[string]string{"k": holds, "sizes": holds, "methods": holds}
	for _, c := range s.Claims() {
		if w := want[c.ID]; w != "" && c.Verdict != w || c.Says == "" || c.Verdict == "" || len(c.Bars)+len(c.Points) == 0 {
			t.Errorf("%s: %q, %q", c.ID, c.Verdict, c.Says)
		}
	}
	if more := s.Update(Went{"#/compare?on=model"}); len(more) != 0 {
		t.Errorf("it begins again: %v", more)
	}
}

// TestSweetSpot puts the losses where one width is best, and sees that named.
func TestSweetSpot(t *testing.T) {
	for _, c := range []struct {
		name    string
		lost    map[int]float64 // perplexity ratio by bits
		small   float64         // perplexity of the smaller, a quarter of the weights
		verdict string
		says    string
	}{
		{"four", map[int]float64{8: 1, 6: 1, 5: 1, 4: 1.01, 3: 1.5, 2: 3}, 1.2, holds, "4 bits make the most"},
		{"three", map[int]float64{8: 1, 6: 1, 5: 1, 4: 1.01, 3: 1.02, 2: 3}, 1.5, fails, "3 bits make the most"},
		{"size is worth little", map[int]float64{8: 1, 6: 1.1, 5: 1.2, 4: 1.3, 3: 1.5, 2: 3}, 1.01, fails, "8 bits make the most"},
		{"size is worth nothing", map[int]float64{8: 1, 6: 1, 5: 1, 4: 1, 3: 1, 2: 1}, 0.9, undecided, "that is not seen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Start()
			tr := &s.Compare.Trials
			tr.large = trialModel{name: demoLarge, open: &wire.Trial{Weights: 4_000_000, Sums: sums(1, 0)}, ways: map[string]*wire.Tried{"FP16": {Bits: 16, Sums: sums(1, 0)}}}
			tr.small = trialModel{name: demoSmall, open: &wire.Trial{Weights: 1_000_000, Sums: sums(c.small, 0)}}
			for bits, ratio := range c.lost {
				tr.large.ways[rung(bits)] = &wire.Tried{Bits: float64(bits), Sums: sums(ratio, 0.1)}
			}
			got := s.sweetSpot()
			if got.Verdict != c.verdict || !strings.Contains(got.Says, c.says) || len(got.Points) != 7 {
				t.Errorf("%q: %s; %d points", got.Verdict, got.Says, len(got.Points))
			}
		})
	}
}

// TestSweetestIsSure wants no verdict where errors could turn it, those of the
// ratios as those of what more weights are worth.
func TestSweetestIsSure(t *testing.T) {
	spots := func(e float64) (all []spot) {
		for _, v := range []struct {
			bits  int
			value float64
		}{{8, 0.9}, {5, 0.81}, {4, 0.8}, {3, 0.95}} {
			l := &ModelLoss{Bits: float64(v.bits)}
			l.Ratio = metric.Estimate{Value: 1, Error: e}
			all = append(all, spot{v.bits, l, v.value})
		}
		return all
	}
	for _, c := range []struct {
		name         string
		ratio, worth float64 // errors
		want, says   string
	}{
		{"sure", 0.001, 0.001, holds, "4 bits make the most of a given memory"},
		{"ratios", 0.006, 0, undecided, "4 bits and 5 are within two standard errors"},
		{"worth", 0, 0.05, undecided, "4 bits and 5 are within two standard errors"},
		{"all", 0.2, 0, undecided, "4 bits and 8, 5, 3 are within"},
	} {
		got, says := sweetest(spots(c.ratio), metric.Estimate{Value: 0.3, Error: c.worth})
		if got != c.want || !strings.Contains(says, c.says) {
			t.Errorf("%s: %q, %s", c.name, got, says)
		}
	}
}

func TestContests(t *testing.T) {
	loss := func(kl, e float64) *ModelLoss {
		l := &ModelLoss{}
		l.KL = metric.Estimate{Value: kl, Error: e}
		return l
	}
	for _, c := range []struct {
		name  string
		pairs [][2]float64
		want  string
	}{
		{"nothing", nil, ""}, {"less", [][2]float64{{2, 1}, {2, 1}}, holds}, {"more", [][2]float64{{1, 2}}, fails},
		{"both", [][2]float64{{2, 1}, {1, 2}}, inPart}, {"near", [][2]float64{{1, 1.25}}, undecided}, {"near and less", [][2]float64{{1, 1.25}, {2, 1}}, inPart}, {"near and mostly less", [][2]float64{{1, 1.25}, {2, 1}, {3, 1}}, holds},
	} {
		var all contest
		for _, p := range c.pairs {
			all.add(loss(p[0], 0.1), loss(p[1], 0.1))
		}
		if got := all.verdict(); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	// Chunks differ by more than the models do, but in each one loses less.
	one, other := loss(1.1, 0.5), loss(1, 0.5)
	for i := range 10 {
		other.parts = append(other.parts, float64(i)/4.5)
		one.parts = append(one.parts, float64(i)/4.5+0.1+0.01*float64(i%2))
	}
	var pairs contest
	if pairs.add(one, other); pairs.wins != 1 {
		t.Errorf("pairs do not tell: %+v, %s", pairs, inTimes(times(one, other)))
	}
	one.parts, other.parts = one.parts[:4], other.parts[:4]
	var few contest
	if few.add(one, other); few.near() != 1 {
		t.Errorf("four chunks tell: %+v", few)
	}
}

func TestPrecisionsOfSevenBillion(t *testing.T) {
	s := Start()
	s.Update(Booted{ladderTable()})
	want := []float64{28, 14, 14, 7, 3.5, 1.75}
	for i, p := range s.Precisions() {
		if p.GB != want[i] || p.Loss != nil || p.Memory <= p.GB {
			t.Errorf("%s: %+v, want %v GB", p.Name, p, want[i])
		}
	}
	s.Update(ModelSized{70})
	if got := s.Precisions()[4].GB; got != 35 {
		t.Errorf("70 billion in INT4 take %v GB", got)
	}
	s.Compare.Trials.large.ways = map[string]*wire.Tried{
		"INT4 g128": {Bits: 4.25, Sums: sums(1.1, 0.1)}, "Q4_K": {Bits: 4.5, Sums: sums(1.05, 0.05)},
		"GPTQ 4-bit": {Bits: 4.6, Sums: sums(1.04, 0.04)}, "INT5 g32": {Bits: 5, Sums: sums(1.01, 0.01)},
	}
	p := s.Precisions()[4]
	if p.Real != 4.25 || math.Abs(p.RealGB-70*4.25/8) > 1e-9 || p.Best != "GPTQ 4-bit" || p.Better.Bits != 4.6 {
		t.Errorf("%+v", p)
	}
}

func TestTrialsStopAndGoOn(t *testing.T) {
	s, first := onModel(t)
	c := calls(answer(t, s, first[0], wire.Trial{Weights: 1e6, Context: 256, Chunks: 8, Sums: sums(1, 0)}))[0]
	next := calls(answer(t, s, c, wire.Tried{Bits: 4, Sums: sums(1.1, 0.1)}))[0]
	out := s.Update(TrialsStopped{})
	if len(out) != 2 || s.Compare.Trials.Running() {
		t.Fatalf("%+v", out)
	}
	if out := answer(t, s, next, wire.Tried{Bits: 4}); len(out) != 0 {
		t.Errorf("a late answer is followed by %v", out)
	}
	if out := s.Update(Went{"#/compare?on=model"}); len(out) != 0 {
		t.Errorf("it goes on by itself: %v", out)
	}
	again := calls(s.Update(TrialsAsked{}))
	if done, _ := s.TrialProgress(); len(again) != 2 || done != 1 || again[0].File != 7 {
		t.Errorf("%d are done, and asked is %+v", done, again)
	}
	// Leaving ends it, coming back goes on.
	if out := s.Update(Went{"#/learn"}); s.Compare.Trials.Running() || len(out) < 2 {
		t.Errorf("it runs on in another view: %v", out)
	}
	if c := calls(s.Update(Went{"#/compare"})); len(c) != 2 {
		t.Errorf("it does not go on: %v", c)
	}
	if s.Address() != "#/compare?on=model" {
		t.Errorf("the address is %s", s.Address())
	}
}

func TestTrialFaults(t *testing.T) {
	s, first := onModel(t)
	c := calls(answer(t, s, first[0], wire.Trial{Weights: 1e6, Context: 256, Chunks: 8, Sums: sums(1, 0)}))[0]
	way := s.Compare.Trials.run.lanes[0].way
	c = calls(s.Update(Fault{ID: c.ID, Message: "no memory", Died: true}))[0]
	if c.Op != wire.OpTrialOpen || s.Compare.Trials.large.ways[way].Refused != "no memory" {
		t.Errorf("after a death %+v", c)
	}
	s.Update(Fault{ID: c.ID, Message: "damaged"})
	if tr := &s.Compare.Trials; tr.Running() || tr.Fault != "damaged" {
		t.Errorf("%+v", tr)
	}
	s = Start()
	s.Update(Booted{ladderTable()})
	s.Update(Went{"#/compare?on=model"})
	s.Update(SampleFetched{Name: demoLarge, Fault: "tale answers 404"})
	if f := s.Compare.Trials.Fault; !strings.Contains(f, "404") {
		t.Errorf("fault %q", f)
	}
}

func TestTrialsOfTheOpenModel(t *testing.T) {
	if n, fits := trialShare(4e6, 6); n < 4 || !fits {
		t.Errorf("a small model: %d, %v", n, fits)
	}
	if n, fits := trialShare(trialMost, 6); n != 1 || !fits {
		t.Errorf("the largest: %d, %v", n, fits)
	}
	if _, fits := trialShare(trialMost+1, 6); fits {
		t.Error("a larger one fits")
	}
	s := Start()
	s.Update(Booted{ladderTable()})
	s.Model.File = &wire.FileInfo{Name: "big.gguf", Container: "gguf", Size: 1 << 30, Meta: []wire.MetaRow{{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: "2"}, {Key: "tokenizer.ggml.model", Value: "llama"}}}
	s.Model.ref = 3
	if _, why := s.OpenModel(); !strings.Contains(why, "is 1 GiB") || !s.demo() {
		t.Errorf("a large model: %q", why)
	}
	s.Model.File.Size = 1 << 20
	if _, why := s.OpenModel(); why != "" || s.demo() {
		t.Fatalf("a small model: %q", why)
	}
	c := calls(s.Update(Went{"#/compare?on=model"}))
	if len(c) != 1 || c[0].File != 3 || c[0].Args.(wire.TrialOpenArgs).Name != "big.gguf" {
		t.Errorf("asked for %+v", c)
	}
	for _, id := range []int{0, 2} { // of the four, two need two sizes
		if cl := s.Claims()[id]; cl.Verdict != "" || !strings.Contains(cl.Says, "choose the demo model") {
			t.Errorf("%+v", cl)
		}
	}
}

// TestTrialsBeginAnew changes the text while the sample is still on its way,
// and again while workers open it.
func TestTrialsBeginAnew(t *testing.T) {
	s := Start()
	s.Update(Booted{ladderTable()})
	s.Update(Went{"#/compare?on=model"})
	s.Update(TrialTokens{512})
	first := calls(s.Update(SampleFetched{Name: demoLarge, Ref: 1, Bytes: 4e6}))
	if len(first) != 1 || len(s.Update(SampleFetched{Name: demoLarge, Ref: 2, Bytes: 4e6})) != 0 {
		t.Fatalf("asked for %+v", first)
	}
	second := calls(s.Update(TrialTokens{2048}))
	if len(second) != 1 || second[0].Lane == first[0].Lane || second[0].File != 1 || second[0].Args.(wire.TrialOpenArgs).Tokens != 2048 {
		t.Fatalf("asked for %+v after %+v", second, first)
	}
	if len(answer(t, s, first[0], wire.Trial{Weights: 1})) != 0 {
		t.Error("the first text is still read")
	}
	if len(calls(answer(t, s, second[0], wire.Trial{Weights: 1e6, Context: 256, Chunks: 8, Sums: sums(1, 0)}))) != 1 {
		t.Error("the second is not")
	}
}
