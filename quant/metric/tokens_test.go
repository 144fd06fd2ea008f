package metric

import (
	"math"
	"testing"
)

// TestTokens works out one position by hand: the reference finds the tokens
// 1/2, 1/4, 1/4 likely, the model 1/4, 1/2, 1/4; the first comes.
func TestTokens(t *testing.T) {
	log := func(p ...float64) (x []float32) {
		for _, v := range p {
			x = append(x, float32(math.Log(v)+3)) // logits have no fixed zero
		}
		return x
	}
	r := &Tokens{}
	own, ref := log(1./4, 1./2, 1./4), log(1./2, 1./4, 1./4)
	for range 2 {
		r.Compare(own, ref, 0)
	}
	var last Tokens
	last.Compare(ref, ref, 0)
	r.Merge(last)
	c, p := r.Strayed(), r.Perplexity()
	var alone Tokens
	for _, x := range [][]float32{own, own, ref} {
		alone.Score(x, 0)
	}
	if alone.Scored != 3 || alone.Perplexity() != p {
		t.Errorf("scored alone: %+v, compared: %+v", alone, r)
	}
	kl := math.Ln2 / 4 * 2 / 3 // (1/2 − 1/4)·ln 2 at two of three positions
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	near("perplexity", p.Value, math.Exp(5./3*math.Ln2))
	near("its error", p.Error, p.Value*math.Ln2*math.Sqrt(2./9/2))
	near("that of the reference", c.Perplexity.Value, 2)
	near("its error", c.Perplexity.Error, 0)
	near("ratio", c.Ratio.Value, p.Value/2)
	near("KL", c.KL.Value, kl)
	near("its error", c.KL.Error, math.Ln2/4*math.Sqrt(2./9/2))
	near("largest KL", c.MaxKL, math.Ln2/4)
	near("same top", c.SameTop.Value, 1./3)
	near("its error", c.SameTop.Error, math.Sqrt(2./9/2))
}
