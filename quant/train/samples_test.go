package train

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/eval"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/llama"
	"fewbits/quant/tales"
)

// samples are the models that the page has.
var samples = []struct {
	name  string
	shape Shape
	most  int64 // bytes
}{
	{"tale.gguf", Large, 4_000_000},
	{"tale-small.gguf", Small, 1_250_000},
}

func samplePath(name string) string { return filepath.Join("..", "..", "web", "samples", name) }

func open(t testing.TB, b []byte) (*gguf.File, *llama.Model) {
	t.Helper()
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := llama.Open(f, llama.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f, m
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(samplePath(name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSampleFiles holds what is in the files against the shapes that this
// package would train: every row fills blocks of 256, the vocabulary is the one
// that the stories give.
func TestSampleFiles(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			b := sample(t, s.name)
			if int64(len(b)) > s.most {
				t.Errorf("%d bytes, more than %d", len(b), s.most)
			}
			f, m := open(t, b)
			want := s.shape.layout().all
			infos := f.Tensors()
			if len(infos) != len(want) {
				t.Fatalf("%d tensors, and the shape has %d", len(infos), len(want))
			}
			for i, w := range want {
				info, typ := infos[i], "F16"
				if w.norm {
					typ = "F32"
				}
				if info.Name != w.name || info.Type != typ || quant.Rows(info.Shape) != w.rows || quant.Cols(info.Shape) != w.cols {
					t.Errorf("tensor %d is %s %v %s, and %s %d × %d %s is wanted", i, info.Name, info.Shape, info.Type, w.name, w.rows, w.cols, typ)
				}
				if w.cols%256 != 0 {
					t.Errorf("%s: rows of %d values", w.name, w.cols)
				}
			}
			v, err := LearnVocabulary(tales.Text(tales.Training, vocabularyStories), s.shape.Vocabulary)
			if err != nil {
				t.Fatal(err)
			}
			e, err := v.encoder()
			if err != nil {
				t.Fatal(err)
			}
			if !e.Equal(m.Vocab()) {
				t.Error("the vocabulary is not what the stories give now; train the samples again")
			}
		})
	}
}

// TestFewerBits holds that fewer bits lose more, in every type of a row: the
// distribution strays further with each step, by a half at least.
func TestFewerBits(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a text nine times")
	}
	types := []string{"Q8_0", "Q6_K", "Q4_K", "Q3_K", "Q2_K", "TQ1_0"}
	text := tales.Text(tales.Measuring, 16)
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			f, ref := open(t, sample(t, s.name))
			read, err := eval.Remember(t.Context(), ref, text, eval.Options{Context: 128, Chunks: 6})
			if err != nil {
				t.Fatal(err)
			}
			before, perplexity := 0.0, 0.0
			for _, typ := range types {
				_, m := open(t, quantized(t, f, typ))
				sums, err := read.Compare(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				c := sums.Strayed()
				t.Logf("%-5s perplexity %8.4f, F16 %.4f; KL %.6f; same token %.1f%%", typ, sums.Perplexity().Value, c.Perplexity.Value, c.KL.Value, 100*c.SameTop.Value)
				if c.KL.Value < 1.5*before {
					t.Errorf("%s strays by %g, and the type before it by %g", typ, c.KL.Value, before)
				}
				before = c.KL.Value
				if typ == "Q8_0" && (c.Ratio.Value > 1.005 || c.SameTop.Value < 0.98) {
					t.Errorf("eight bits lose too much: %v", c)
				}
				if typ == "Q2_K" && (c.SameTop.Value > 0.96 || c.Ratio.Value < 1.02) {
					t.Errorf("two bits lose too little to be seen: %v", c)
				}
				perplexity = c.Perplexity.Value
			}
			if perplexity > 1.6 {
				t.Errorf("the model is not good: its perplexity is %.3f", perplexity)
			}
		})
	}
}

// quantized is a model with all weights of one type.
func quantized(t testing.TB, f *gguf.File, typ string) []byte {
	t.Helper()
	plan, err := convert.PlanPure(f, typ)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := convert.ToGGUF(t.Context(), &b, f, plan, convert.Options{Formats: formats.Lookup}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// beginnings of stories, and what must be in what the large model makes of them.
// It remembers who, what and which; sums it has not learnt, nor which box it was.
var beginnings = []struct {
	text, wants string
}{
	{"Tom was a brave boy. He had five apples. In the park he met Mia, who was hungry. Tom gave two apples to Mia.", " and Mia had two apples."},
	{"Rosa was a kind girl. One day she saw a black cat on the hill. The cat was hungry. \"Do not be sad, cat,\" said Rosa. She went home and got", "She gave it to the black cat. \"Meow, meow!\" said the cat. It was not hungry any more."},
	{"Long ago there was a shy boy named Max. He could not find his drum. \"Look in the pink box,\" said Lily. Max saw three boxes. He opened the", "There was his drum! \"You were right, Lily,\" said Max."},
	{"Sue was a funny girl. It was the birthday of her friend Leo. Leo liked all things that were green. Sue went to the shop. There she saw a red kite and a green", "She did not buy the red kite. She bought the green"},
}

// TestTales holds that the large model goes on with a story as it began: the
// most likely token is taken each time, to the end of the line.
func TestTales(t *testing.T) {
	_, m := open(t, sample(t, "tale.gguf"))
	for _, b := range beginnings {
		t.Run(strings.Fields(b.text)[0], func(t *testing.T) {
			got := greedy(t, m, b.text, 120)
			t.Logf("%s …%s", b.text, got)
			if !strings.Contains(got, b.wants) {
				t.Errorf("it goes on with %q, which does not have %q", got, b.wants)
			}
		})
	}
}

func greedy(t testing.TB, m *llama.Model, text string, most int) string {
	t.Helper()
	v := m.Vocab()
	ids := v.Encode(text, true, false)
	s, err := m.NewSession(len(ids) + most)
	if err != nil {
		t.Fatal(err)
	}
	logits := make([]float32, v.Len())
	next := ids
	var out []int32
	for range most {
		if err := s.Feed(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if err := s.Logits(t.Context(), len(next)-1, 1, logits); err != nil {
			t.Fatal(err)
		}
		best := 0
		for i, l := range logits {
			if l > logits[best] {
				best = i
			}
		}
		if best == newline {
			break
		}
		next = []int32{int32(best)}
		out = append(out, int32(best))
	}
	return v.Decode(append([]int32{v.BOS}, out...))
}
