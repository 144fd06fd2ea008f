//go:build linux && amd64

package llama

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"fewbits/quant"
	"fewbits/quant/ggml"
	"fewbits/quant/internal/libllama"
	"fewbits/quant/internal/testdata"
)

// difference is the largest difference of logits, the largest of three quarters
// of the tokens, how far logits spread, and at how many tokens the most likely
// next one is another.
func difference(got, want []float32, vocabulary int) (most, usual, spread float64, tops int) {
	low, high := math.Inf(1), math.Inf(-1)
	var each []float64
	for i := 0; i < len(got); i += vocabulary {
		a, b := got[i:i+vocabulary], want[i:i+vocabulary]
		if top(a) != top(b) {
			tops++
		}
		d := 0.0
		for j := range a {
			if e := math.Abs(float64(a[j]) - float64(b[j])); !(e <= d) {
				d = e
			}
			low, high = min(low, float64(b[j])), max(high, float64(b[j]))
		}
		each = append(each, d)
	}
	slices.Sort(each)
	return each[len(each)-1], each[len(each)*3/4], high - low, tops
}

// peer is a model, and how far its logits may be from libllama's.
type peer struct {
	name  string
	path  string
	room  int // of the session; 0 is as many tokens as there are
	bound float64
	usual float64        // bound of all but a few tokens; 0 is the same
	as    func(m *Model) // makes the model round as llama.cpp does
}

// compare runs models here and in libllama, on tokens that lie in every
// vocabulary, and holds logits and most likely tokens against each other.
func compare(t *testing.T, tokens int, peers []peer) {
	t.Helper()
	ids := someTokens(tokens, 120)
	var jobs []libllama.Job
	for _, p := range peers {
		jobs = append(jobs, libllama.Job{In: p.path, Out: filepath.Join(t.TempDir(), "logits"), Tokens: ids, Context: p.room})
	}
	for i, a := range libllama.Run(t, jobs) {
		p := peers[i]
		t.Run(p.name, func(t *testing.T) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
			m := openModel(t, p.path, Options{})
			if p.as != nil {
				p.as(m)
			}
			got := logits(t, m, max(p.room, len(ids)), ids)
			if len(got) != len(a.Logits) {
				t.Fatalf("%d logits, libllama %d", len(got), len(a.Logits))
			}
			most, usual, spread, tops := difference(got, a.Logits, m.Vocabulary)
			t.Logf("largest difference %.2g, of three quarters of the tokens %.2g; the logits spread over %.0f; other most likely tokens: %d of %d", most, usual, spread, tops, tokens)
			if !(most <= p.bound) || p.usual > 0 && usual > p.usual || spread < 5 || p.bound == exactly && tops > 0 {
				t.Errorf("largest difference %v, bound %v; of three quarters of the tokens %v, bound %v; spread %v; other most likely tokens: %d", most, p.bound, usual, p.usual, spread, tops)
			}
		})
	}
}

// exactly bounds differences that the order of sums makes; logits spread over
// 15 to 100.
const exactly = 3e-5

// TestArchitectures holds each architecture's logits against libllama's, with
// what models of it may or may not have.
func TestArchitectures(t *testing.T) {
	u := func(key string, v uint32) quant.Meta { return quant.Meta{Key: key, Value: v} }
	with := func(arch string, change func(s *shape)) shape {
		s := small2(arch)
		change(&s)
		return s
	}
	peers := []peer{{name: "stories260K", path: testdata.File(t, "gguf", "stories260K.gguf"), bound: exactly}}
	for name, s := range map[string]shape{
		"llama":                   small2("llama"),
		"llama, tied":             with("llama", func(s *shape) { s.tied = true }),
		"llama, biases":           with("llama", func(s *shape) { s.biases = true }),
		"llama, one head shared":  with("llama", func(s *shape) { s.shared = 1 }),
		"llama, heads of its own": with("llama", func(s *shape) { s.dim = 24; s.meta = []quant.Meta{u("rope.dimension_count", 24)} }),
		"llama, fused":            with("llama", func(s *shape) { s.fused = true }),
		"llama, attention scale":  with("llama", func(s *shape) { s.meta = []quant.Meta{{Key: "attention.scale", Value: float32(0.4)}} }), // which it ignores
		"qwen2":                   with("qwen2", func(s *shape) { s.biases = true }),
		"qwen2, tied":             with("qwen2", func(s *shape) { s.biases, s.tied = true, true }),
		"qwen3":                   small2("qwen3"),
		"qwen3, wide heads":       with("qwen3", func(s *shape) { s.dim = 32; s.meta = []quant.Meta{u("rope.dimension_count", 32)} }),
		"gemma":                   with("gemma", func(s *shape) { s.dim = 32 }),
		"gemma2":                  small2("gemma2"),
		"gemma2, short window":    with("gemma2", func(s *shape) { s.meta = []quant.Meta{u("attention.sliding_window", 11)} }),
		"gemma2, small caps": with("gemma2", func(s *shape) {
			s.meta = []quant.Meta{{Key: "attn_logit_softcapping", Value: float32(3)}, {Key: "final_logit_softcapping", Value: float32(7)}}
		}),
		"phi3":              with("phi3", func(s *shape) { s.fused = true }),
		"phi3, apart":       small2("phi3"),
		"phi3, part rotary": with("phi3", func(s *shape) { s.meta = []quant.Meta{u("rope.dimension_count", 12)} }),
		"phi3, window":      with("phi3", func(s *shape) { s.meta = []quant.Meta{u("attention.sliding_window", 11)} }),
		"gpt2":              with("gpt2", func(s *shape) { s.fused, s.biases, s.shared = true, true, s.heads }),
		"gpt2, tied":        with("gpt2", func(s *shape) { s.fused, s.biases, s.shared, s.tied = true, true, s.heads, true }),
	} {
		p := peer{name: name, path: s.write(t), bound: exactly}
		if designs[s.arch].gelu {
			// An input that differs in the last bit may be another entry.
			peers = append(peers, peer{name: name + ", GELU by its formula", path: p.path, bound: 0.02})
			p.as, p.usual, p.bound = geluTable, exactly, 0.02
		}
		peers = append(peers, p)
	}
	compare(t, 60, peers)
}

// TestPositions holds the ways to stretch rotary positions against libllama.
func TestPositions(t *testing.T) {
	f := func(key string, v float32) quant.Meta { return quant.Meta{Key: "rope." + key, Value: v} }
	kind := func(v string) quant.Meta { return quant.Meta{Key: "rope.scaling.type", Value: v} }
	trained := quant.Meta{Key: "rope.scaling.original_context_length", Value: uint32(256)}
	factors := func(by float32) []float32 { return []float32{1, by, by * 1.5, by * 2, by * 3, by * 4, by * 5, by * 8} }
	var peers []peer
	for _, arch := range []string{"llama", "qwen2"} {
		for name, meta := range map[string][]quant.Meta{
			"base":            {f("freq_base", 500000)},
			"linear":          {kind("linear"), f("scaling.factor", 4)},
			"linear, old key": {f("scale_linear", 2)},
			"none":            {kind("none"), f("scaling.factor", 4)},
			"yarn":            {kind("yarn"), f("scaling.factor", 4), trained},
			"yarn, magnitude": {kind("yarn"), f("scaling.factor", 8), trained, f("scaling.attn_factor", 1.3)},
			"yarn, less":      {kind("yarn"), f("scaling.factor", 0.5), trained},
		} {
			s := small2(arch)
			s.meta = meta
			peers = append(peers, peer{name: arch + ", " + name, path: s.write(t), bound: exactly})
		}
	}
	s := small2("llama")
	s.vectors = map[string][]float32{"rope_freqs.weight": factors(1.2)}
	peers = append(peers, peer{name: "llama, factors", path: s.write(t), bound: exactly})
	s = small2("phi3")
	s.meta = []quant.Meta{kind("longrope"), trained, f("scaling.attn_factor", 1.19)}
	s.vectors = map[string][]float32{"rope_factors_long.weight": factors(2), "rope_factors_short.weight": factors(1.1)}
	path := s.write(t)
	peers = append(peers, peer{name: "phi3, short context", path: path, room: 256, bound: exactly}, peer{name: "phi3, long context", path: path, room: 512, bound: exactly})
	compare(t, 60, peers)
}

// whole are the types of which whole models are run, some of each kind.
var whole = []string{"F16", "BF16", "Q8_0", "Q4_0", "Q5_1", "Q6_K", "Q4_K", "Q2_K", "IQ4_XS", "IQ3_S", "MXFP4", "TQ2_0"}

// TestTypes holds products with every type of ggml against libllama. It rounds
// activations before such products, mostly to 8 bits, so that whole models are
// held loosely. One product is held closely with the activations rounded in the
// same way; one that differs in the last bit may be rounded to another code.
func TestTypes(t *testing.T) {
	types := []string{"F16", "BF16"}
	for _, f := range ggml.Formats() {
		types = append(types, f.Info().Name)
	}
	var peers []peer
	for _, typ := range types {
		s := shape{arch: "llama", width: 256, hidden: 256, heads: 4, shared: 2, layers: 1, vocabulary: 128, typ: typ}
		p := peer{name: typ + ", one product, activations rounded", bound: 0.02, usual: exactly, as: rounded}
		if typ == "Q4_1" || typ == "Q5_1" {
			p.usual = 0.005 // the sum of a block's activations is rounded to 16 bits, too
		}
		if slices.Contains(whole, typ) {
			peers = append(peers, peer{name: typ, path: s.write(t), bound: 0.3})
		}
		s.only = "output"
		p.path = s.write(t)
		peers = append(peers, p)
	}
	compare(t, 24, peers)
}
