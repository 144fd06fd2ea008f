//go:build !first

package session

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/eval"
	"fewbits/quant/gguf"
	"fewbits/quant/llama"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// made is what a session makes of a file with a recipe.
func madeOf(t *testing.T, file []byte, recipe string) []byte {
	t.Helper()
	var s Session
	ask[wire.FileInfo](t, &s, wire.OpOpen, wire.OpenArgs{Name: "m.gguf"}, Attachment{File: bytes.NewReader(file), Size: int64(len(file))})
	args := wire.PlanArgs{Recipe: recipe}
	plan := ask[wire.Plan](t, &s, wire.OpPlan, args, Attachment{})
	head := plan.Steps[0].Offset
	var out []byte
	for _, span := range [][2]int64{{0, head}, {head, plan.Size}} {
		text, err := wire.Marshal(wire.MakeArgs{PlanArgs: args, Head: head, From: span[0], To: span[1]})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Call(wire.OpMake, text, Attachment{})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Arrays["bytes"].([]byte)...)
	}
	return out
}

func ask[A any](t *testing.T, s *Session, op string, args any, at Attachment) (out A) {
	t.Helper()
	if err := request(s, op, args, at, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func fileOf(name string, b []byte) quant.File {
	return quant.File{Name: name, R: bytes.NewReader(b), Size: int64(len(b))}
}

// TestEval counts, in steps over two workers and past the JSON between, the
// same bits as eval.Run does.
func TestEval(t *testing.T) {
	file := realFile(t, "gguf", "stories260K.gguf")
	all := realFile(t, "text", "tinystories_sample_197k.txt")
	text, made := string(all[:6000]), madeOf(t, file, "Q4_0")
	for _, c := range []struct {
		name     string
		made     bool
		resident int64
	}{{"original", false, 0}, {"both", true, 0}, {"both, of which little is held", true, 100_000}} {
		t.Run(c.name, func(t *testing.T) {
			args := wire.EvalOpenArgs{Name: "m.gguf", Text: text, Tokens: 1100, Resident: c.resident}
			files := []quant.File{fileOf("", file)}
			if c.made {
				args.Made = "made.gguf"
				files = append(files, fileOf("", made))
			}
			var two [2]Session
			var plan wire.EvalPlan
			for i := range two {
				plan = ask[wire.EvalPlan](t, &two[i], wire.OpEvalOpen, args, Attachment{Files: append([]quant.File(nil), files...)})
			}
			if plan.Context != 512 || plan.Chunks != 2 {
				t.Fatalf("%+v", plan)
			}
			var sums metric.Tokens
			for chunk := range plan.Chunks {
				for from := 0; from < plan.Context; from += plan.Step {
					if got := ask[wire.EvalStep](t, &two[chunk%2], wire.OpEvalStep, wire.EvalStepArgs{Chunk: chunk, From: from}, Attachment{}); got.Sums != nil {
						sums.Merge(*got.Sums)
					}
				}
			}
			m, ref := model(t, file), (*llama.Model)(nil)
			if c.made {
				m, ref = model(t, made), m
			}
			want, err := eval.Run(t.Context(), m, ref, text, eval.Options{Chunks: 2})
			if err != nil {
				t.Fatal(err)
			}
			if sums.Perplexity() != want.Perplexity || sums.Scored != want.Scored || plan.Tokens != want.Tokens {
				t.Errorf("%+v, want %+v", sums.Perplexity(), want)
			}
			if c.made && !reflect.DeepEqual(sums.Strayed(), *want.Reference) {
				t.Errorf("%+v, want %+v", sums.Strayed(), want.Reference)
			}
		})
	}
}

func model(t *testing.T, b []byte) *llama.Model {
	t.Helper()
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := llama.Open(f, llama.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestEvalBuiltIn has a text of its own, which is long enough.
func TestEvalBuiltIn(t *testing.T) {
	file := realFile(t, "gguf", "stories260K.gguf")
	var s Session
	plan := ask[wire.EvalPlan](t, &s, wire.OpEvalOpen, wire.EvalOpenArgs{Name: "m.gguf", Tokens: 8192}, Attachment{Files: []quant.File{fileOf("", file)}})
	if plan.Context != 512 || plan.Chunks != 16 {
		t.Errorf("%+v", plan)
	}
}

func TestEvalRefuses(t *testing.T) {
	var s Session
	if _, err := s.Call(wire.OpEvalStep, []byte("{}"), Attachment{}); err == nil || !strings.Contains(err.Error(), "no model is open") {
		t.Error(err)
	}
	if _, err := s.Call(wire.OpEvalOpen, []byte("{}"), Attachment{}); err == nil || !strings.Contains(err.Error(), "no file came") {
		t.Error(err)
	}
	b := realFile(t, "gguf", "ggml-vocab-llama-spm.gguf")
	text, _ := wire.Marshal(wire.EvalOpenArgs{Name: "words.gguf"})
	if _, err := s.Call(wire.OpEvalOpen, text, Attachment{File: bytes.NewReader(b), Size: int64(len(b))}); err == nil || !strings.Contains(err.Error(), "words.gguf cannot be run") {
		t.Error(err)
	}
}

// TestSay lets the model go on with a prompt, and holds it against a plain loop.
func TestSay(t *testing.T) {
	file := realFile(t, "gguf", "stories260K.gguf")
	const prompt = "Once upon a time"
	var s Session
	said := ask[wire.Said](t, &s, wire.OpSayOpen, wire.SayOpenArgs{Name: "m.gguf", Prompt: prompt, Tokens: 40}, Attachment{Files: []quant.File{fileOf("", file)}})
	if said != (wire.Said{}) {
		t.Fatalf("%+v", said)
	}
	for i := 0; !said.Done; i++ {
		if i > 40 {
			t.Fatal("it does not end")
		}
		said = ask[wire.Said](t, &s, wire.OpSay, struct{}{}, Attachment{})
	}
	m := model(t, file)
	v := m.Vocab()
	ids := v.Encode(prompt, true, false)
	before := len(v.Decode(ids))
	for range 40 {
		y, err := m.NewSession(100)
		if err != nil {
			t.Fatal(err)
		}
		logits := make([]float32, m.Config().Vocabulary)
		if err := y.Feed(t.Context(), ids); err != nil {
			t.Fatal(err)
		}
		if err := y.Logits(t.Context(), len(ids)-1, 1, logits); err != nil {
			t.Fatal(err)
		}
		best := 0
		for i := range logits {
			if logits[i] > logits[best] {
				best = i
			}
		}
		ids = append(ids, int32(best))
	}
	if want := v.Decode(ids)[before:]; said.Text != want || said.Tokens != 40 || !strings.HasPrefix(said.Text, ", there was a") {
		t.Errorf("%+v, want %q", said, want)
	}
	for _, c := range []struct {
		args wire.SayOpenArgs
		want string
	}{
		{wire.SayOpenArgs{Tokens: 1}, "there is no prompt"},
		{wire.SayOpenArgs{Prompt: strings.Repeat("x", maxPrompt+1), Tokens: 1}, "the prompt has 16385 bytes"},
		{wire.SayOpenArgs{Prompt: "x"}, "0 tokens are asked for"},
		{wire.SayOpenArgs{Prompt: "x", Tokens: 1}, "no file came"},
	} {
		if err := request(&s, wire.OpSayOpen, c.args, Attachment{}, &said); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if err := request(&s, wire.OpSay, struct{}{}, Attachment{}, &said); err == nil {
		t.Error("no model is open, and one goes on")
	}
}
