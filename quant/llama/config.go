package llama

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Config is the shape of a model.
type Config struct {
	Architecture string
	Layers       int
	Width        int // of the embedding
	Hidden       int // of the feed-forward part
	Heads        int // of queries
	SharedHeads  int // of keys and values; each serves Heads / SharedHeads queries
	KeyDim       int // of a head of queries and keys
	ValueDim     int // of a head of values
	Vocabulary   int
	TrainedFor   int // tokens of context that the model was trained for; 0 where the file does not say
}

// hyper is everything that the metadata says about a model.
type hyper struct {
	Config
	*design
	epsilon    float32 // of norms
	scale      float32 // of attention scores
	embdScale  float32
	scoreCap   float32 // 0 is none
	logitCap   float32
	window     int // tokens that a windowed layer sees; 0 is all
	windowStep int // of so many layers all but the last are windowed
	rotary     rotary
}

// Bounds on what a file may claim. Tensors of such shapes must be in the file,
// so that a false claim fails before anything is allocated by it.
const (
	maxLayers = 1 << 14
	maxDim    = 1 << 24
	maxHeads  = 1 << 16
)

func readHyper(k keys) (*hyper, error) {
	arch, err := k.text("general.architecture", "")
	if err != nil {
		return nil, err
	}
	d := designs[arch]
	if d == nil {
		return nil, fmt.Errorf("llama: models of the architecture %q (key general.architecture) are not run here; %s are", arch, strings.Join(Architectures(), ", "))
	}
	h := &hyper{design: d, embdScale: 1}
	h.Architecture = arch
	r := reader{k: k, prefix: arch + "."}
	h.Layers = r.must("block_count", 1, maxLayers)
	h.Width = r.must("embedding_length", 1, maxDim)
	h.Hidden = r.must("feed_forward_length", 1, maxDim)
	h.Heads = r.must("attention.head_count", 1, maxHeads)
	h.SharedHeads = r.number("attention.head_count_kv", 1, maxHeads, h.Heads)
	h.TrainedFor = r.number("context_length", 0, math.MaxInt32, 0)
	whole := 0
	if h.Heads > 0 {
		whole = h.Width / h.Heads
	}
	h.KeyDim = r.number("attention.key_length", 1, maxDim, whole)
	h.ValueDim = r.number("attention.value_length", 1, maxDim, whole)
	if r.number("expert_count", 0, math.MaxInt32, 0) > 0 {
		return nil, fmt.Errorf("llama: key %sexpert_count: mixtures of experts are not run here", r.prefix)
	}
	eps := "attention.layer_norm_rms_epsilon"
	if d.layerNorm {
		eps = "attention.layer_norm_epsilon"
	}
	h.epsilon = r.mustFloat(eps)
	h.readAttention(&r)
	h.readRotary(&r)
	if r.err != nil {
		return nil, r.err
	}
	return h, h.check()
}

// Architectures are the names of those that are run, sorted.
func Architectures() []string {
	var names []string
	for name := range designs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// readAttention reads how scores are scaled, capped and windowed.
func (h *hyper) readAttention(r *reader) {
	h.scale = 1 / float32(math.Sqrt(float64(h.KeyDim)))
	if h.scaleEmbd {
		h.embdScale = float32(math.Sqrt(float64(h.Width)))
	}
	if h.capped {
		h.scoreCap = r.float("attn_logit_softcapping", 50)
		h.logitCap = r.float("final_logit_softcapping", 30)
	}
	if h.windowed {
		h.window = r.number("attention.sliding_window", 0, math.MaxInt32, 4096)
		h.windowStep = r.number("attention.sliding_window_pattern", 0, maxLayers, 2)
		if h.Layers == 46 && h.Heads > 0 { // Gemma 2 27B
			h.scale = 1 / float32(math.Sqrt(float64(h.Width/h.Heads)))
		}
	}
}

// windowOf is how many tokens a layer sees; 0 is all of them.
func (h *hyper) windowOf(layer int) int {
	if h.windowed && (h.windowStep == 0 || layer%h.windowStep < h.windowStep-1) {
		return h.window
	}
	return 0
}

// check refuses numbers that do not go together.
func (h *hyper) check() error {
	name := h.Architecture + "."
	switch {
	case h.Heads%h.SharedHeads != 0:
		return fmt.Errorf("llama: %d heads (key %sattention.head_count) cannot share %d (key %sattention.head_count_kv)", h.Heads, name, h.SharedHeads, name)
	case h.KeyDim == 0 || h.ValueDim == 0:
		return fmt.Errorf("llama: a width of %d (key %sembedding_length) is too small for %d heads", h.Width, name, h.Heads)
	case h.KeyDim > maxDim/h.Heads || h.ValueDim > maxDim/h.Heads:
		return fmt.Errorf("llama: %d heads of %d and %d values (keys %sattention.key_length, .value_length) are more than any model has", h.Heads, h.KeyDim, h.ValueDim, name)
	case !(h.epsilon >= 0):
		return fmt.Errorf("llama: the epsilon of its norms is %v (key %sattention.layer_norm_…)", h.epsilon, name)
	case h.capped && (!(h.scoreCap > 0) || !(h.logitCap > 0)):
		return fmt.Errorf("llama: soft caps of %v and %v (keys %sattn_logit_softcapping, final_logit_softcapping) must be positive", h.scoreCap, h.logitCap, name)
	}
	return h.rotary.check(h)
}

// reader reads the keys of one architecture and keeps the first fault.
type reader struct {
	k      keys
	prefix string
	err    error
}

func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) must(key string, least, most int) int {
	n, err := r.k.must(r.prefix+key, least, most)
	r.keep(err)
	return n
}

func (r *reader) number(key string, least, most, otherwise int) int {
	n, err := r.k.number(r.prefix+key, least, most, otherwise)
	r.keep(err)
	return n
}

func (r *reader) float(key string, otherwise float32) float32 {
	f, err := r.k.float(r.prefix+key, otherwise)
	r.keep(err)
	return f
}

func (r *reader) mustFloat(key string) float32 {
	if _, ok := r.k[r.prefix+key]; !ok {
		r.keep(fmt.Errorf("llama: key %s is missing; the file does not say how its model is built", r.prefix+key))
	}
	return r.float(key, 0)
}

func (r *reader) text(key, otherwise string) string {
	s, err := r.k.text(r.prefix+key, otherwise)
	r.keep(err)
	return s
}
