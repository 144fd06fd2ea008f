package metric

import "math"

// Tokens sums up how likely a model finds the tokens of a text, and how it
// strays from a reference; the zero value is nothing. X = −ln p of a token.
//
// Counted as tools/perplexity of ggml-org/llama.cpp does.
type Tokens struct {
	Scored  int     `json:"scored"`
	Own     Moments `json:"own"`     // X of the model
	Ref     Moments `json:"ref"`     // and of the reference
	Product float64 `json:"product"` // Σ of both multiplied
	KL      Moments `json:"kl"`      // divergence of the model from the reference, nats
	MaxKL   float64 `json:"maxKl"`
	Same    int     `json:"same"` // tokens after which both find the same one most likely
}

// Moments are sums of a value and of its square.
type Moments struct {
	One float64 `json:"one"`
	Two float64 `json:"two"`
}

func (m *Moments) add(v float64) { m.One += v; m.Two += float64(v * v) }

func (m *Moments) merge(o Moments) { m.One += o.One; m.Two += o.Two }

// mean is the mean of n values, and the variance of that mean.
func (m Moments) mean(n float64) (mean, variance float64) {
	mean = m.One / n
	return mean, max(0, m.Two/n-float64(mean*mean)) / (n - 1)
}

// Estimate is a mean, and its standard error.
type Estimate struct {
	Value float64 `json:"value"`
	Error float64 `json:"error"`
}

// Strayed is how a model strays from a reference, of which it says how likely
// each of the scored tokens' successors is.
type Strayed struct {
	Perplexity Estimate // of the reference
	Ratio      Estimate // of the two perplexities, the model's first
	KL         Estimate // of the model's distribution from the reference's, in nats a token
	MaxKL      float64
	SameTop    Estimate // share of tokens after which both find the same token most likely
}

// Score counts the token next after which the model gives these logits.
func (t *Tokens) Score(logits []float32, next int32) {
	_, norm := logSum(logits)
	t.Scored++
	t.Own.add(norm - float64(logits[next]))
}

// Compare counts the same, and how the model strays from the reference there.
func (t *Tokens) Compare(own, ref []float32, next int32) {
	ownTop, ownNorm := logSum(own)
	refTop, refNorm := logSum(ref)
	nll, refNLL := ownNorm-float64(own[next]), refNorm-float64(ref[next])
	t.Scored++
	t.Own.add(nll)
	t.Ref.add(refNLL)
	t.Product += float64(nll * refNLL)
	if ownTop == refTop {
		t.Same++
	}
	kl := 0.0
	for i, v := range ref {
		p := float64(v) - refNorm // ln of the reference's probability
		if p > leastLog {
			kl += float64(math.Exp(p) * (p - (float64(own[i]) - ownNorm)))
		}
	}
	t.KL.add(kl)
	if !(kl <= t.MaxKL) {
		t.MaxKL = kl
	}
}

// leastLog is below the logarithm of any probability that adds to a sum.
const leastLog = -40

// logSum is which logit is the largest, and ln Σ e^logit.
func logSum(x []float32) (top int, sum float64) {
	for i, v := range x {
		if v > x[top] {
			top = i
		}
	}
	most := float64(x[top])
	for _, v := range x {
		sum += math.Exp(float64(v) - most)
	}
	return top, most + math.Log(sum)
}

// Merge adds what was counted elsewhere. What parts are merged in one order
// come to the same bits.
func (t *Tokens) Merge(o Tokens) {
	t.Scored += o.Scored
	t.Own.merge(o.Own)
	t.Ref.merge(o.Ref)
	t.Product += o.Product
	t.KL.merge(o.KL)
	t.Same += o.Same
	if !(o.MaxKL <= t.MaxKL) {
		t.MaxKL = o.MaxKL
	}
}

// Perplexity is exp(mean X) of the model; its error is that of the mean,
// carried through.
func (t *Tokens) Perplexity() Estimate { return perplexity(t.Own.mean(float64(t.Scored))) }

func perplexity(mean, variance float64) Estimate {
	p := math.Exp(mean)
	return Estimate{p, p * math.Sqrt(variance)}
}

// Strayed is what Compare counted.
func (t *Tokens) Strayed() Strayed {
	n := float64(t.Scored)
	own, ownVar := t.Own.mean(n)
	ref, refVar := t.Ref.mean(n)
	covariance := (t.Product/n - float64(own*ref)) / (n - 1)
	ratio := math.Exp(own - ref)
	kl, klVar := t.KL.mean(n)
	same := float64(t.Same) / n
	return Strayed{
		Perplexity: perplexity(ref, refVar),
		Ratio:      Estimate{ratio, ratio * math.Sqrt(max(0, ownVar+refVar-float64(2*covariance)))},
		KL:         Estimate{kl, math.Sqrt(klVar)},
		MaxKL:      t.MaxKL,
		SameTop:    Estimate{same, math.Sqrt(same * (1 - same) / (n - 1))},
	}
}
