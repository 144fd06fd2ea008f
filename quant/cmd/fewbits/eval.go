package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"fewbits/quant/eval"
	"fewbits/quant/llama"
)

// evaluated is eval -json.
type evaluated struct {
	File            string   `json:"file"`
	Text            string   `json:"text"`
	Tokens          int      `json:"tokens"`  // of the whole text
	Context         int      `json:"context"` // tokens in a chunk
	Chunks          int      `json:"chunks"`  // that were read
	Scored          int      `json:"scored"`  // tokens whose probability was counted
	Perplexity      real     `json:"perplexity"`
	PerplexityError real     `json:"perplexityError"`
	TokensPerSecond real     `json:"tokensPerSecond"`       // of all models together
	Weights         string   `json:"weights,omitempty"`     // how the weights of the layers were rounded
	Activations     string   `json:"activations,omitempty"` // how their inputs were
	Against         *against `json:"against,omitempty"`
}

// against is how the model strays from a reference.
type against struct {
	File            string `json:"file"`
	Perplexity      real   `json:"perplexity"`
	PerplexityError real   `json:"perplexityError"`
	Ratio           real   `json:"ratio"` // of the perplexities
	RatioError      real   `json:"ratioError"`
	KL              real   `json:"kl"` // mean divergence, nats a token
	KLError         real   `json:"klError"`
	MaxKL           real   `json:"maxKl"`
	SameTop         real   `json:"sameTop"` // share of tokens, 0 to 1
	SameTopError    real   `json:"sameTopError"`
}

// maxText bounds the text, in bytes: a thousand million tokens would take days.
const maxText = 1 << 30

func evalCommand(c *call) error {
	path, err := c.one()
	if err != nil {
		return err
	}
	textPath, err := c.need("text")
	if err != nil {
		return err
	}
	round, err := c.rounding()
	if err != nil {
		return err
	}
	o := eval.Options{}
	if o.Context, err = c.whole("ctx", eval.DefaultContext); err != nil {
		return err
	}
	if o.Chunks, err = c.whole("chunks", 0); err != nil {
		return err
	}
	text, err := readText(textPath)
	if err != nil {
		return err
	}
	m, done, err := openModel(path)
	if err != nil {
		return err
	}
	defer done()
	var ref *llama.Model
	if other := c.flags["against"]; other != "" {
		var done func()
		if ref, done, err = openModel(other); err != nil {
			return err
		}
		defer done()
	}
	bar := c.progress()
	defer bar.clear()
	if m, err = round.apply(c, m, o, bar); err != nil {
		return named(path, err)
	}
	o.Progress = func(done, total int) { bar.expect(int64(total)); bar.show("tokens", int64(done)) }
	start := time.Now()
	r, err := eval.Run(c.ctx, m, ref, text, o)
	if err != nil {
		return err
	}
	bar.clear()
	out := evaluatedOf(r, path, textPath, c.flags["against"])
	out.Weights, out.Activations = round.texts()
	if spent := time.Since(start).Seconds(); spent > 0 {
		out.TokensPerSecond = real(float64(r.Chunks*r.Context) / spent)
	}
	if c.json {
		return c.printJSON(out)
	}
	printEvaluated(c.out, out)
	return nil
}

// whole is the value of a flag that is a whole number from 1, or otherwise.
func (c *call) whole(flag string, otherwise int) (int, error) {
	v := c.flags[flag]
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, usagef("-%s wants a whole number from 1, and %q is none", flag, v)
	}
	return n, nil
}

func readText(path string) (string, error) {
	f, size, err := openFile(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if size > maxText {
		return "", fmt.Errorf("%s: the text has %s, and up to %s are read; give a part of it", path, bytesText(size), bytesText(maxText))
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return "", fault(path, err)
	}
	return string(b), nil
}

// openModel opens a model to run. done closes its file, after the last use.
func openModel(path string) (m *llama.Model, done func(), err error) {
	in, err := open(path)
	if err != nil {
		return nil, nil, err
	}
	if m, err = llama.Open(in.Source, llama.Options{}); err != nil {
		in.Close()
		return nil, nil, named(path, err)
	}
	return m, in.Close, nil
}

func evaluatedOf(r *eval.Report, path, text, ref string) evaluated {
	e := evaluated{
		File: path, Text: text, Tokens: r.Tokens, Context: r.Context, Chunks: r.Chunks, Scored: r.Scored,
		Perplexity: real(r.Perplexity.Value), PerplexityError: real(r.Perplexity.Error),
	}
	if c := r.Reference; c != nil {
		e.Against = &against{
			File:       ref,
			Perplexity: real(c.Perplexity.Value), PerplexityError: real(c.Perplexity.Error),
			Ratio: real(c.Ratio.Value), RatioError: real(c.Ratio.Error),
			KL: real(c.KL.Value), KLError: real(c.KL.Error), MaxKL: real(c.MaxKL),
			SameTop: real(c.SameTop.Value), SameTopError: real(c.SameTop.Error),
		}
	}
	return e
}

func printEvaluated(w io.Writer, e evaluated) {
	if e.Weights != "" {
		fmt.Fprintf(w, "weights rounded to %s\n", e.Weights)
	}
	if e.Activations != "" {
		fmt.Fprintf(w, "activations rounded to %s\n", e.Activations)
	}
	t := table{right: columns(1)}
	plus := func(name string, v, err real, digits int) {
		t.row(name, strconv.FormatFloat(float64(v), 'f', digits, 64), "± "+strconv.FormatFloat(float64(err), 'f', digits, 64))
	}
	plus("perplexity", e.Perplexity, e.PerplexityError, 4)
	if a := e.Against; a != nil {
		plus("perplexity of the reference", a.Perplexity, a.PerplexityError, 4)
		plus("ratio of the two", a.Ratio, a.RatioError, 4)
		plus("mean KL divergence, nats", a.KL, a.KLError, 6)
		t.row("largest KL divergence", strconv.FormatFloat(float64(a.MaxKL), 'f', 4, 64))
		plus("same most likely token, %", 100*a.SameTop, 100*a.SameTopError, 2)
	}
	t.print(w)
	fmt.Fprintf(w, "%s of %s scored, in %s of %s; %s tokens a second\n", count(int64(e.Scored)), plural(e.Tokens, "token"),
		plural(e.Chunks, "chunk"), count(int64(e.Context)), count(int64(e.TokensPerSecond)))
}
