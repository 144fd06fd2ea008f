//go:build !first

package session

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/activation"
	"fewbits/quant/calibrate"
	"fewbits/quant/eval"
	"fewbits/quant/gguf"
	"fewbits/quant/llama"
	"fewbits/quant/tales"
	"fewbits/wasm/wire"
)

func trialOf(t *testing.T, tokens int) (*Session, wire.Trial, []byte) {
	t.Helper()
	file := realFile(t, "gguf", "stories260K.gguf")
	var s Session
	return &s, ask[wire.Trial](t, &s, wire.OpTrialOpen, wire.TrialOpenArgs{Name: "m.gguf", Tokens: tokens}, Attachment{Files: []quant.File{fileOf("", file)}}), file
}

// TestTrialsAreWhatEvalCounts holds a trial against eval.Run on a model whose
// layers were rounded elsewhere, bit for bit.
func TestTrialsAreWhatEvalCounts(t *testing.T) {
	s, open, file := trialOf(t, 1024)
	if open.Context != 512 || open.Chunks != 2 || open.Weights < 200_000 || open.Weights > 260_000 || open.Sums.Scored != 2*255 {
		t.Fatalf("%+v", open)
	}
	f, err := gguf.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := llama.Open(f, llama.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := tales.Text(tales.Measuring, taleStories)
	for _, c := range []struct {
		format  string
		options map[string]string
		bits    float64
	}{{"FP16", nil, 16}, {"Q8_0", nil, 0}, {"Q4_0", nil, 0}, {"INT3", map[string]string{"granularity": "channel"}, 0}} {
		t.Run(c.format, func(t *testing.T) {
			got := ask[wire.Tried](t, s, wire.OpTrial, wire.TrialArgs{Format: c.format, Options: c.options}, Attachment{})
			format, o, err := lookup(c.format, c.options)
			if err != nil {
				t.Fatal(err)
			}
			m, err := calibrate.Round(t.Context(), ref, format, o, nil)
			if c.format == "Q8_0" || c.format == "Q4_0" {
				// Rows of 172 values are no whole blocks: the page says so.
				if err == nil || !strings.Contains(got.Refused, "172") {
					t.Fatalf("refused with %q, and %v", got.Refused, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want, err := eval.Run(t.Context(), m, ref, text, eval.Options{Chunks: 2})
			if err != nil {
				t.Fatal(err)
			}
			if got.Sums.Perplexity() != want.Perplexity || got.Sums.Strayed() != *want.Reference || got.Refused != "" {
				t.Errorf("%+v, want %+v, %+v", got, want, want.Reference)
			}
			if c.bits > 0 && got.Bits != c.bits {
				t.Errorf("%v bits, want %v", got.Bits, c.bits)
			}
		})
	}
}

// TestTrialsOfMethods loses less with calibration than with rounding.
func TestTrialsOfMethods(t *testing.T) {
	if testing.Short() {
		t.Skip("calibration takes seconds without SIMD")
	}
	s, _, _ := trialOf(t, 512)
	s.trial.seen = s.trial.seen[:2] // a chunk is 512 tokens
	kl := func(format string, plain bool) wire.Tried {
		got := ask[wire.Tried](t, s, wire.OpTrial, wire.TrialArgs{Format: format, Options: map[string]string{"bits": "3", "group": "64"}, Plain: plain}, Attachment{})
		if got.Refused != "" {
			t.Fatalf("%s: %s", format, got.Refused)
		}
		return got
	}
	rounded, solved := kl("GPTQ", true), kl("GPTQ", false)
	if !(solved.Sums.KL.One < rounded.Sums.KL.One) {
		t.Errorf("GPTQ strays by %v, rounding by %v", solved.Sums.KL.One, rounded.Sums.KL.One)
	}
	if math.Abs(solved.Bits-rounded.Bits) > 0.2 || rounded.Bits != 3+40./64 {
		t.Errorf("%v and %v bits", solved.Bits, rounded.Bits)
	}
}

// TestTrialsWithActivations holds W8A8 and W4A8 against the command's two ways to
// them, bit for bit: eval -weights … -activations int8, and quantize -to
// smoothquant with eval -activations int8 of what it makes.
func TestTrialsWithActivations(t *testing.T) {
	if testing.Short() {
		t.Skip("calibration takes seconds without SIMD")
	}
	s, _, _ := trialOf(t, 512)
	tr := &s.trial
	tr.seen = tr.seen[:1]
	text := tales.Text(tales.Measuring, taleStories)
	got := func(a wire.TrialArgs) wire.Tried {
		v := ask[wire.Tried](t, s, wire.OpTrial, a, Attachment{})
		if v.Refused != "" {
			t.Fatalf("%+v: %s", a, v.Refused)
		}
		return v
	}
	want := func(m *llama.Model) *eval.Report {
		q, err := activation.Dynamic(activation.Scheme{Bits: 8})
		if err != nil {
			t.Fatal(err)
		}
		o := m.Options()
		o.Input = q.Input
		r, err := eval.Run(t.Context(), m.With(o), tr.model, text, eval.Options{Chunks: 1})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	rows := map[string]string{"granularity": "channel", "narrow": "true"}
	plain := got(wire.TrialArgs{Format: "INT8", Options: rows, Activations: 8})
	int4 := map[string]string{"granularity": "group", "group": "4", "scale": "f16"}
	for _, c := range []struct {
		name    string
		options map[string]string
		v       wire.Tried
	}{{"INT8", rows, plain}, {"INT4", int4, got(wire.TrialArgs{Format: "INT4", Options: int4, Activations: 8})}} {
		f, o, err := lookup(c.name, c.options)
		if err != nil {
			t.Fatal(err)
		}
		m, err := calibrate.Round(t.Context(), tr.model, f, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		v, w := c.v, want(m)
		if v.Sums.Perplexity() != w.Perplexity || v.Sums.Strayed() != *w.Reference {
			t.Errorf("%s: %+v, want %+v, %+v", c.name, v, w, w.Reference)
		}
		if alone := got(wire.TrialArgs{Format: c.name, Options: c.options}); alone.Sums == v.Sums || alone.Bits != v.Bits {
			t.Errorf("%s: activations cost nothing: %+v, %+v", c.name, alone, v)
		}
	}
	r, err := calibrate.Quantize(t.Context(), tr.model, tr.seen, calibrate.Options{Method: "SmoothQuant"})
	if err != nil {
		t.Fatal(err)
	}
	smoothed, w := got(wire.TrialArgs{Format: "SmoothQuant", Options: map[string]string{"bits": "8"}, Activations: 8}), want(r.Model)
	if smoothed.Sums.Perplexity() != w.Perplexity || smoothed.Sums.Strayed() != *w.Reference || smoothed.Bits < 8 {
		t.Errorf("SmoothQuant: %+v, want %+v, %+v", smoothed, w, w.Reference)
	}
	// Its grid is that of the plain way.
	if v := got(wire.TrialArgs{Format: "SmoothQuant", Plain: true, Activations: 8}); v.Sums != plain.Sums {
		t.Errorf("plain: %+v, and %+v", v.Sums, plain.Sums)
	}
	mixed := got(wire.TrialArgs{Format: "LLM.int8", Options: map[string]string{"bits": "8"}, Activations: 8})
	if !(mixed.Sums.KL.One > 0 && mixed.Sums.KL.One < 2*plain.Sums.KL.One) || mixed.Bits < 8 {
		t.Errorf("LLM.int8(): %+v, plain %+v", mixed, plain)
	}
}

func TestTrialFaults(t *testing.T) {
	var s Session
	if err := request(&s, wire.OpTrial, wire.TrialArgs{Format: "Q4_0"}, Attachment{}, &wire.Tried{}); err == nil || !strings.Contains(err.Error(), "no model is open") {
		t.Errorf("without a model: %v", err)
	}
	o, _, _ := trialOf(t, 512)
	got := ask[wire.Tried](t, o, wire.OpTrial, wire.TrialArgs{Format: "NONE"}, Attachment{})
	if !strings.Contains(got.Refused, "NONE") {
		t.Errorf("an unknown format: %+v", got)
	}
}

// TestSpeed times a product: what else there is to it is package products'.
func TestSpeed(t *testing.T) {
	var s Session
	if err := request(&s, wire.OpSpeed, wire.SpeedArgs{Type: "F32", Tokens: 1}, Attachment{}, &wire.Speed{}); err == nil {
		t.Error("without memory a product is timed")
	}
	if b := ask[wire.Bandwidth](t, &s, wire.OpSpeedOpen, wire.SpeedOpenArgs{Bytes: 1 << 20}, Attachment{}); b.Read <= 0 {
		t.Fatalf("%+v", b)
	}
	if v := ask[wire.Speed](t, &s, wire.OpSpeed, wire.SpeedArgs{Type: "Q4_0", Tokens: 1}, Attachment{}); v.Seconds <= 0 {
		t.Errorf("%+v", v)
	}
}
