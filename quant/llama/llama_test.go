package llama

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
)

// TestKnown holds a trained model against what an independent program, a
// forward pass of 60 lines on the same weights, made of it: the first logits
// after BOS and the first tokens of the story that it tells.
func TestKnown(t *testing.T) {
	m := openModel(t, testdata.File(t, "gguf", "stories260K.gguf"), Options{})
	s, err := m.NewSession(64)
	if err != nil {
		t.Fatal(err)
	}
	tokens := []int32{1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396, 267}
	out := make([]float32, m.Config().Vocabulary)
	for i, want := range tokens[1:] {
		if err := s.Feed(t.Context(), tokens[i:i+1]); err != nil {
			t.Fatal(err)
		}
		if err := s.Logits(t.Context(), 0, 1, out); err != nil {
			t.Fatal(err)
		}
		if got := top(out); got != int(want) {
			t.Fatalf("token %d is %d, want %d", i+1, got, want)
		}
		if i > 0 {
			continue
		}
		for j, want := range []float64{-6.222913, 8.404342, -6.223739, -6.222544, -6.221953} {
			if math.Abs(float64(out[j])-want) > 5e-6 {
				t.Errorf("logit %d is %v, want %v", j, out[j], want)
			}
		}
	}
	if got, want := m.Vocab().Decode(tokens), "Once upon a time, there was a little girl named Lily"; !strings.HasPrefix(got, want) {
		t.Errorf("the story begins %q, want %q", got, want)
	}
}

func top(x []float32) int {
	at := 0
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}

// openModel opens a file and keeps it in memory.
func openModel(t testing.TB, path string, o Options) *Model {
	t.Helper()
	m, err := Open(openFile(t, path), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openFile(t testing.TB, path string) *gguf.File {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// someTokens are n tokens of a vocabulary.
func someTokens(n, vocabulary int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((i*i*7 + i*31 + 1) % vocabulary)
	}
	return ids
}

// logits runs a model over tokens.
func logits(t testing.TB, m *Model, room int, ids []int32) []float32 {
	t.Helper()
	s, err := m.NewSession(room)
	if err != nil {
		t.Fatal(err)
	}
	return feed(t, s, ids, len(ids))
}

// feed gives a session tokens, some at a time, and returns all logits.
func feed(t testing.TB, s *Session, ids []int32, some int) []float32 {
	t.Helper()
	var all []float32
	for part := range slices.Chunk(ids, some) {
		if err := s.Feed(t.Context(), part); err != nil {
			t.Fatal(err)
		}
		out := make([]float32, len(part)*s.m.Vocabulary)
		if err := s.Logits(t.Context(), 0, len(part), out); err != nil {
			t.Fatal(err)
		}
		all = append(all, out...)
	}
	return all
}

// TestSame computes the same text with other numbers of workers, in other
// portions, and with weights that are read each time: every bit is the same.
func TestSame(t *testing.T) {
	windowed := small2("gemma2")
	windowed.meta = []quant.Meta{{Key: "attention.sliding_window", Value: uint32(37)}}
	wide := shape{arch: "llama", width: 256, hidden: 256, heads: 8, shared: 2, layers: 2, vocabulary: 300, typ: "Q4_K"}
	for _, s := range []shape{windowed, wide} {
		path := s.write(t)
		ids := someTokens(70, s.vocabulary)
		want := logits(t, openModel(t, path, Options{Workers: 1}), 70, ids)
		for _, o := range []Options{{Workers: 3}, {Workers: 16}, {Workers: 2, Resident: 1}, {Workers: 1, Resident: 100_000}} {
			m := openModel(t, path, o)
			session, err := m.NewSession(80)
			if err != nil {
				t.Fatal(err)
			}
			for _, some := range []int{1, 7, 64, 70} {
				session.Reset()
				got := feed(t, session, ids, some)
				for i := range want {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
						t.Fatalf("%s, %+v, %d at a time: logit %d is %v, want %v", s.arch, o, some, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// TestLongBatch feeds more tokens than go through the layers together.
func TestLongBatch(t *testing.T) {
	s := small2("llama")
	m := openModel(t, s.write(t), Options{})
	ids := someTokens(maxBatch+100, s.vocabulary)
	session, err := m.NewSession(len(ids))
	if err != nil {
		t.Fatal(err)
	}
	want := feed(t, session, ids, 100)
	session.Reset()
	if got := feed(t, session, ids, len(ids)); !slices.Equal(got, want) {
		t.Error("logits differ")
	}
}

// TestObserve asks for the inputs of all linear layers.
func TestObserve(t *testing.T) {
	s := small2("llama")
	s.layers = 1
	path := s.write(t)
	seen := map[string][2]int{}
	values := map[string][]float32{}
	o := Options{Observe: func(name string, x []float32, rows, cols int) {
		if len(x) != rows*cols {
			t.Errorf("%s: %d values, %d × %d", name, len(x), rows, cols)
		}
		seen[name] = [2]int{rows, cols}
		values[name] = append([]float32(nil), x...)
	}}
	got := logits(t, openModel(t, path, o), 5, someTokens(5, s.vocabulary))
	if want := logits(t, openModel(t, path, Options{}), 5, someTokens(5, s.vocabulary)); !slices.Equal(got, want) {
		t.Error("what is observed is not what is computed otherwise")
	}
	want := map[string][2]int{"output.weight": {5, 64}}
	for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up"} {
		want["blk.0."+name+".weight"] = [2]int{5, 64}
	}
	want["blk.0.ffn_down.weight"] = [2]int{5, 96}
	if len(seen) != len(want) {
		t.Errorf("%d weights seen, want %d: %v", len(seen), len(want), seen)
	}
	for name, shape := range want {
		if seen[name] != shape {
			t.Errorf("%s: %v, want %v", name, seen[name], shape)
		}
	}
	if !slices.Equal(values["blk.0.attn_q.weight"], values["blk.0.attn_v.weight"]) || slices.Equal(values["blk.0.attn_q.weight"], values["blk.0.ffn_up.weight"]) {
		t.Error("inputs are mixed up")
	}
}

// TestCancel stops in the middle of a batch: the session is as before.
func TestCancel(t *testing.T) {
	s := small2("llama")
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	m := openModel(t, s.write(t), Options{Observe: func(string, []float32, int, int) {
		if calls++; calls == 12 {
			cancel()
		}
	}})
	session, err := m.NewSession(20)
	if err != nil {
		t.Fatal(err)
	}
	ids := someTokens(20, s.vocabulary)
	if err := session.Feed(ctx, ids); !errors.Is(err, context.Canceled) || session.Len() != 0 {
		t.Fatal(err, session.Len())
	}
	if err := session.Logits(t.Context(), 0, 1, make([]float32, s.vocabulary)); err == nil {
		t.Error("there are logits of a batch that was cancelled")
	}
	if got := feed(t, session, ids, 20); !slices.Equal(got, logits(t, m, 20, ids)) {
		t.Error("what was cancelled left something behind")
	}
}

// TestActivations holds them where they are flat, and at 0.
func TestActivations(t *testing.T) {
	if gelu(-30) != 0 || gelu(30) != 30 || gelu(0) != 0 || silu(0) != 0 || silu(100) != 100 {
		t.Error(gelu(-30), gelu(30), gelu(0))
	}
}

// BenchmarkTokens is the speed of reading a text in batches and of going on
// token by token.
func BenchmarkTokens(b *testing.B) {
	// Of the shape of SmolLM 135M, but for fewer layers and a smaller vocabulary.
	like := shape{arch: "llama", width: 576, hidden: 1536, heads: 9, shared: 3, layers: 4, vocabulary: 2048, tied: true}
	for _, c := range []struct{ name, typ, path string }{
		{"stories260K", "F32", ""}, {"14M", "F32", ""}, {"14M", "F16", ""}, {"14M", "Q8_0", ""}, {"14M", "Q4_0", ""},
	} {
		path := testdata.File(b, "gguf", "stories260K.gguf")
		if c.name != "stories260K" {
			like.typ = c.typ
			path = like.write(b)
		}
		m := openModel(b, path, Options{})
		for _, n := range []int{1, 256} {
			s, err := m.NewSession(256)
			if err != nil {
				b.Fatal(err)
			}
			ids := someTokens(n, 500)
			b.Run(c.name+"/"+c.typ+"/"+map[int]string{1: "one", 256: "batch"}[n], func(b *testing.B) {
				for b.Loop() {
					if s.Len()+n > s.Room() {
						s.Reset()
					}
					if err := s.Feed(b.Context(), ids); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
		runtime.GC()
	}
}
