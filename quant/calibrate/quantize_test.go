package calibrate

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/eval"
	"fewbits/quant/formats"
	"fewbits/quant/llama"
)

// measure is the perplexity of m on the start of a text, and its KL divergence
// from ref.
func measure(t testing.TB, m, ref *llama.Model, text string, chunks int) (ppl, kl float64) {
	t.Helper()
	r, err := eval.Run(t.Context(), m, ref, text, eval.Options{Context: 128, Chunks: chunks})
	if err != nil {
		t.Fatal(err)
	}
	return r.Perplexity.Value, r.Reference.KL.Value
}

// halves are a text to calibrate on and one to measure on.
func halves(text string) (string, string) { return text[:len(text)/2], text[len(text)/2:] }

func quantized(t testing.TB, m *llama.Model, chunks [][]int32, o Options) *Result {
	t.Helper()
	r, err := Quantize(t.Context(), m, chunks, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBetterThanRounding quantizes with each method and by plain rounding to
// the same bits and groups: on a text that was not calibrated on, the method
// strays less from the model as it was, and its perplexity is lower. (GPTQ and
// AWQ in 4 bits are in TestOrderOfStories.)
func TestBetterThanRounding(t *testing.T) {
	_, m, text := stories(t)
	seen, unseen := halves(text)
	chunks := chunksOf(t, m, seen, Text{Context: 128, Chunks: 8})
	for _, c := range []struct {
		name, method string
		o            quant.Options
		chunks       int // to measure on
		long         bool
	}{
		{"GPTQ, 3 bits, a row", "GPTQ", quant.Options{Bits: 3, Group: -1, Symmetric: true, MSE: true, ActOrder: true}, 4, true},
		{"AWQ, 3 bits", "awq", quant.Options{Bits: 3, Group: 32}, 4, false},
		{"HQQ, 2 bits", "hqq", quant.Options{Bits: 2, Group: 4}, 4, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.long && testing.Short() {
				t.Skip("short")
			}
			r := quantized(t, m, chunks, Options{Method: c.method, Quant: c.o})
			plain := quantized(t, m, chunks, Options{Method: c.method, Quant: c.o, Plain: true})
			ppl, kl := measure(t, r.Model, m, unseen, c.chunks)
			pplPlain, klPlain := measure(t, plain.Model, m, unseen, c.chunks)
			better := 0
			for i, x := range r.Tensors {
				if x.Error.Relative < x.Error.Rounding {
					better++
				}
				if p := plain.Tensors[i]; p.Packed != nil || p.Name != x.Name || p.Error.Relative != p.Error.Rounding {
					t.Errorf("plain rounding of %s: %+v", x.Name, p.Error)
				}
			}
			t.Logf("perplexity %.4f, rounding %.4f; KL %.5f, rounding %.5f; %d of %d matrices lose less", ppl, pplPlain, kl, klPlain, better, len(r.Tensors))
			if !(kl < 0.97*klPlain) || !(ppl < pplPlain) || better < 30 || len(r.Tensors) != 35 {
				t.Errorf("perplexity %v, rounding %v; KL %v, rounding %v", ppl, pplPlain, kl, klPlain)
			}
			unpack(t, r)
		})
	}
	if before, kl := measure(t, m, m, unseen, 2); kl != 0 || before > 8 {
		t.Errorf("the model itself was changed: %v, %v", before, kl)
	}
}

// unpack wants the bytes of each matrix to stand for its values.
func unpack(t *testing.T, r *Result) {
	t.Helper()
	for _, x := range r.Tensors {
		f, ok := formats.LookupMethod(x.Packed.Format)
		if !ok {
			t.Fatal(x.Packed.Format)
		}
		back := make([]float32, len(x.Values))
		if err := f.Dequantize(x.Packed, back); err != nil || !slices.Equal(back, x.Values) {
			t.Errorf("%s: its bytes stand for other values: %v", x.Name, err)
		}
		p, err := f.Params(x.Packed, true)
		if err != nil || len(p.Codes) != len(back) || x.CodeBytes <= 0 || x.CodeBytes > int64(len(x.Packed.Bytes)) {
			t.Errorf("%s: %d codes, %d bytes, %v", x.Name, len(p.Codes), x.CodeBytes, err)
		}
	}
}

// TestFolds quantizes to 8 bits with methods that fold scales: the model stays
// about what it was, in every architecture's way to fold, and the scales are no
// ones.
func TestFolds(t *testing.T) {
	path := unshared(t)
	_, m := open(t, path)
	_, _, text := stories(t)
	chunks := chunksOf(t, m, text, Text{Context: 64, Chunks: 2})
	for _, method := range []string{"AWQ", "smoothquant"} {
		t.Run(method, func(t *testing.T) {
			o := Options{Method: method}
			if method == "AWQ" {
				o.Quant = quant.Options{Bits: 8, Group: 32}
			}
			r := quantized(t, m, chunks, o)
			if _, kl := measure(t, r.Model, m, text, 2); !(kl < 2e-3) {
				t.Errorf("KL %v", kl)
			}
			folded := 0
			for _, x := range r.Tensors {
				if len(x.InputScales) != x.Shape[1] {
					t.Errorf("%s has %d input scales", x.Name, len(x.InputScales))
				} else if slices.Min(x.InputScales) < slices.Max(x.InputScales) {
					folded++ // AWQ may find that rounding alone is best
				}
			}
			if folded < 25 {
				t.Errorf("%d matrices have scales", folded)
			}
			var want []string
			for _, layer := range "01234" {
				want = append(want, "blk."+string(layer)+".attn_norm.weight", "blk."+string(layer)+".ffn_norm.weight")
			}
			if got := slices.Sorted(maps.Keys(r.Vectors)); !slices.Equal(got, want) {
				t.Errorf("%v were changed", got)
			}
			v, err := r.Model.Tensor(want[0])
			if err != nil || !slices.Equal(v.Data, r.Vectors[want[0]]) {
				t.Error("the model has another norm")
			}
		})
	}
	_, shared, _ := stories(t)
	r := quantized(t, shared, chunks, Options{Method: "awq", Quant: quant.Options{Group: 32}})
	for _, x := range r.Tensors {
		if strings.Contains(x.Name, "attn_output") != (x.InputScales == nil) {
			t.Errorf("%s has input scales: %v", x.Name, x.InputScales != nil)
		}
	}
}

// TestSequential compares layers that see quantized ones before them with
// layers that do not: the first stage of the first layer is the same, the rest
// is not.
func TestSequential(t *testing.T) {
	_, m, text := stories(t)
	chunks := chunksOf(t, m, text, Text{Context: 64, Chunks: 4})
	for _, method := range []string{"gptq", "awq"} {
		o := Options{Method: method, Quant: quant.Options{Bits: 2, Group: 32}}
		one := quantized(t, m, chunks, o)
		procs := runtime.GOMAXPROCS(1)
		again := quantized(t, m, chunks, o)
		runtime.GOMAXPROCS(procs)
		o.Parallel = true
		other := quantized(t, m, chunks, o)
		for i, x := range one.Tensors {
			if !slices.Equal(x.Packed.Bytes, again.Tensors[i].Packed.Bytes) || x.Error != again.Tensors[i].Error {
				t.Errorf("%s: %s depends on the number of cores", method, x.Name)
			}
			same := slices.Equal(x.Packed.Bytes, other.Tensors[i].Packed.Bytes)
			first := i < 3 || method == "awq" && i < 7
			if same != first {
				t.Errorf("%s: %s is the same without: %v", method, x.Name, same)
			}
		}
	}
}

// TestWithoutText quantizes with the methods that can do without a text, and
// tells what the weights lose.
func TestWithoutText(t *testing.T) {
	_, m, _ := stories(t)
	for _, method := range []string{"hqq", "llm.int8"} {
		o := Options{Method: method}
		if method == "hqq" {
			o.Quant = quant.Options{Bits: 3, Group: 4}
		}
		r := quantized(t, m, nil, o)
		for _, x := range r.Tensors {
			if x.Error.Output || !(x.Error.Relative > 0 && x.Error.Relative < 0.1) {
				t.Errorf("%s: %+v", x.Name, x.Error)
			}
		}
	}
}

// TestProgress counts up to all weights, and stops where ctx is done.
func TestProgress(t *testing.T) {
	_, m, text := stories(t)
	chunks := chunksOf(t, m, text, Text{Context: 64, Chunks: 2})
	for _, method := range []string{"gptq", "awq"} {
		last, calls := Progress{}, 0
		o := Options{Method: method, Quant: quant.Options{Group: 32}, Progress: func(p Progress) {
			if p.Done < last.Done || p.Layer < last.Layer || p.Total != 226560 || p.Layers != 5 {
				t.Errorf("%+v after %+v", p, last)
			}
			if p.Tensor != nil {
				calls++
			}
			last = p
		}}
		quantized(t, m, chunks, o)
		if last.Done != last.Total || calls != 35 {
			t.Errorf("%d matrices, %+v at the end", calls, last)
		}
		ctx, cancel := context.WithCancel(t.Context())
		o.Progress = func(p Progress) {
			if p.Done > 60000 {
				cancel()
			}
			if p.Layer > 3 {
				t.Error("it went on")
			}
		}
		if _, err := Quantize(ctx, m, chunks, o); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		cancel()
	}
}

func TestRefuses(t *testing.T) {
	_, m, text := stories(t)
	chunks := chunksOf(t, m, text, Text{Context: 16, Chunks: 1})
	for _, c := range []struct {
		o      Options
		chunks [][]int32
		want   string
	}{
		{Options{Method: "magic"}, chunks, `no method "MAGIC"; there are AWQ, GPTQ, HQQ, LLM.INT8, SMOOTHQUANT`},
		{Options{Method: "gptq"}, nil, "needs a text"},
		{Options{Method: "gptq", Quant: quant.Options{Bits: 9}}, chunks, "bits=9"},
		{Options{Method: "hqq", Quant: quant.Options{Group: 7}}, nil, "blk.0.attn_q.weight"},
		{Options{Method: "gptq"}, [][]int32{{999}}, "999"},
	} {
		if _, err := Quantize(t.Context(), m, c.chunks, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
	for _, o := range []Text{{Context: 8}, {Chunks: -1}, {Context: 200_000}} {
		if _, err := Chunks(m, text, o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if err := Read(t.Context(), m, nil, false, nil, nil); err == nil {
		t.Error("nothing was read")
	}
	failed := errors.New("no more")
	if _, err := Inputs(t.Context(), m, chunks, func(string) (calib.Wants, bool) { return calib.Wants{}, false }, nil); err != nil {
		t.Error(err)
	}
	if err := Read(t.Context(), m, chunks, false, func(string, []float32, int, int) error { return failed }, nil); !errors.Is(err, failed) {
		t.Error(err)
	}
}

// TestInputs gathers what layers see, and finds static ranges that hold it.
func TestInputs(t *testing.T) {
	_, m, text := stories(t)
	chunks := chunksOf(t, m, text, Text{Context: 64, Chunks: 3})
	read := 0
	all, err := Inputs(t.Context(), m, chunks, func(name string) (calib.Wants, bool) {
		return calib.Wants{Histogram: true, Tokens: true, Sample: 50}, strings.HasPrefix(name, "blk.2.")
	}, func(done, total int) {
		if read = done; total != 192 {
			t.Error(total)
		}
	})
	if err != nil || len(all) != 7 || read != 192 {
		t.Fatal(len(all), read, err)
	}
	for name, in := range all {
		if in.Tokens != 192 || in.Histogram.Count != 192*len(in.Min) || len(in.Sample.Data) != 50*len(in.Min) || in.PerToken.Tokens != 192 {
			t.Errorf("%s: %d tokens, %d values", name, in.Tokens, in.Histogram.Count)
		}
	}
}
