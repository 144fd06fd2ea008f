package gptq

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/internal/testdata"
)

// reference is a case that the authors' code ran.
type reference struct {
	Rows, Bits, Group, Block, Batches, Tokens int
	Sym, MSE                                  bool
	Act                                       bool `json:"act_order"`
	Static                                    bool `json:"static_groups"`
	Damp                                      float64
	Dead                                      []int
	Codes                                     []string
	Scales                                    [][]float32
	Zeros                                     [][]float32
	GroupIndex                                []int32 `json:"group_index"`
	Permutation                               []int32
	OutputError                               float64 `json:"output_error"`
}

func (c reference) tensors() (quant.Tensor, *quant.Tensor) {
	w, x := testdata.Weights().Slice(0, c.Rows), testdata.Activations()
	x.Shape, x.Data = []int{c.Batches, c.Tokens / c.Batches, 128}, x.Data[:c.Tokens*128]
	for _, d := range c.Dead {
		for t := range c.Tokens {
			x.Data[t*128+d] = 0
		}
	}
	return w, x
}

func (c reference) options() quant.Options {
	return quant.Options{Bits: c.Bits, Group: c.Group, Block: c.Block, Symmetric: c.Sym, MSE: c.MSE,
		ActOrder: c.Act, StaticGroups: c.Static, Damp: quant.Some(c.Damp)}
}

// TestReference holds codes, grids and order against the authors' own code.
func TestReference(t *testing.T) {
	var file struct{ Cases map[string]reference }
	testdata.Vectors(t, "testdata/reference.json", &file)
	for name, c := range file.Cases {
		t.Run(name, func(t *testing.T) {
			w, x := c.tensors()
			o := c.options()
			o.Activations = x
			p, err := Format.Quantize(w, o)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Format.Params(p, true)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(m.Permutation, c.Permutation) || !slices.Equal(m.GroupIndex, c.GroupIndex) {
				t.Errorf("order %v, want %v; groups %v, want %v", m.Permutation, c.Permutation, m.GroupIndex, c.GroupIndex)
			}
			differ := 0
			for i, q := range testdata.Codes(t, c.Codes, 1+c.Bits/5) {
				if m.Codes[i] != q {
					differ++
				}
			}
			// The reference is float32 where this is float64.
			if allowed := len(m.Codes) / 1000; differ > allowed {
				t.Errorf("%d of %d codes differ", differ, len(m.Codes))
			}
			for i, s := range slices.Concat(c.Scales...) {
				if math.Abs(float64(m.Scales[i]/s-1)) > 1e-4 || m.Zeros[i] != slices.Concat(c.Zeros...)[i] {
					t.Fatalf("grid %d: scale %v, want %v; zero point %v, want %v", i, m.Scales[i], s, m.Zeros[i], slices.Concat(c.Zeros...)[i])
				}
			}
			e, err := Format.OutputError(t.Context(), w, p, x)
			if err != nil || math.Abs(e.Relative/c.OutputError-1) > 2e-3 {
				t.Errorf("output error %v, want %v, %v", e.Relative, c.OutputError, err)
			}
			t.Logf("%d codes differ; output error %.6f, the reference's %.6f, rounding's %.6f", differ, e.Relative, c.OutputError, e.Rounding)
		})
	}
}

// correlated is tokens × n activations that a few directions make up, with
// some large inputs.
func correlated(seed uint64, tokens, n int) *quant.Tensor {
	r := rand.New(rand.NewPCG(seed, 3))
	mix := make([]float64, 8*n)
	for i := range mix {
		mix[i] = r.NormFloat64()
	}
	x := &quant.Tensor{Name: "x", Shape: []int{tokens, n}, Data: make([]float32, tokens*n)}
	for t := range tokens {
		var g [8]float64
		for k := range g {
			g[k] = r.NormFloat64()
		}
		for c := range n {
			v := 0.3 * r.NormFloat64()
			for k := range g {
				v += g[k] * mix[k*n+c]
			}
			if c%29 == 5 {
				v *= 10
			}
			x.Data[t*n+c] = float32(v)
		}
	}
	return x
}

func weights(seed uint64, rows, n int) quant.Tensor {
	r := rand.New(rand.NewPCG(seed, 4))
	w := quant.Tensor{Name: "w", Shape: []int{rows, n}, Data: make([]float32, rows*n)}
	for i := range w.Data {
		w.Data[i] = float32(r.NormFloat64() * 0.05)
	}
	return w
}

// settings are options of all kinds.
func settings() map[string]quant.Options {
	return map[string]quant.Options{
		"default":       {},
		"symmetric":     {Symmetric: true, Group: 32},
		"a row":         {Group: -1, Bits: 3},
		"odd group":     {Group: 37, Block: 50, Bits: 5},
		"act-order":     {Group: 32, ActOrder: true, Bits: 2},
		"static":        {Group: 32, StaticGroups: true},
		"static, act":   {Group: 37, StaticGroups: true, ActOrder: true, Bits: 3},
		"mse":           {Group: 64, MSE: true, Bits: 2},
		"8 bits":        {Bits: 8, Group: 16, Symmetric: true},
		"a small block": {Block: 1, Group: 32},
	}
}

// TestBetterThanRounding wants less output error than rounding's, whatever
// the options.
func TestBetterThanRounding(t *testing.T) {
	w, x := weights(1, 40, 150), correlated(1, 300, 150)
	for name, o := range settings() {
		t.Run(name, func(t *testing.T) {
			o.Activations = x
			p, err := Format.Quantize(w, o)
			if err != nil {
				t.Fatal(err)
			}
			e, err := Format.OutputError(t.Context(), w, p, x)
			if err != nil || !(e.Relative < 0.8*e.Rounding) || e.Relative == 0 {
				t.Errorf("output error %v, rounding %v, %v", e.Relative, e.Rounding, err)
			}
		})
	}
}

// TestDecodes takes the bytes apart independently of Dequantize, and wants
// every part to be one of the other.
func TestDecodes(t *testing.T) {
	w, x := weights(2, 12, 150), correlated(2, 100, 150)
	for name, o := range settings() {
		t.Run(name, func(t *testing.T) {
			o.Activations = x
			p, err := Format.Quantize(w, o)
			if err != nil {
				t.Fatal(err)
			}
			back := make([]float32, w.Len())
			if err := Format.Dequantize(p, back); err != nil {
				t.Fatal(err)
			}
			m, err := Format.Params(p, true)
			if err != nil {
				t.Fatal(err)
			}
			bits := max(o.Bits, 2)
			if o.Bits == 0 {
				bits = 4
			}
			for i, v := range back {
				g := i/150*m.Groups + int(m.GroupIndex[i%150])
				q := m.Codes[i]
				if q < 0 || q >= 1<<bits || v != (float32(q)-m.Zeros[g])*m.Scales[g] {
					t.Fatalf("value %d: code %d of scale %v and zero point %v is not %v", i, q, m.Scales[g], m.Zeros[g], v)
				}
			}
			checkOrder(t, o, m, x)
		})
	}
}

// checkOrder wants a true permutation by falling energy, and groups that follow.
func checkOrder(t *testing.T, o quant.Options, m *quant.Params, x *quant.Tensor) {
	if !o.ActOrder {
		if m.Permutation != nil || !slices.IsSorted(m.GroupIndex) {
			t.Errorf("order %v, groups %v", m.Permutation, m.GroupIndex)
		}
		return
	}
	seen := make([]bool, m.Cols)
	last := math.Inf(1)
	for k, c := range m.Permutation {
		e := 0.0
		for row := range x.Rows() {
			v := float64(x.Data[row*m.Cols+int(c)])
			e += v * v
		}
		if seen[c] || e > last*(1+1e-12) {
			t.Fatalf("place %d is column %d: there twice, or out of order", k, c)
		}
		seen[c], last = true, e
		at := k
		if o.StaticGroups {
			at = int(c)
		}
		if want := at / o.Group; int(m.GroupIndex[c]) != want {
			t.Fatalf("column %d, taken as %d, is in group %d, not %d", c, k, m.GroupIndex[c], want)
		}
	}
}

// TestUncorrelated: where inputs have nothing to do with one another there is
// nothing to make up, and GPTQ is rounding.
func TestUncorrelated(t *testing.T) {
	w := weights(3, 9, 96)
	x := &quant.Tensor{Name: "x", Shape: []int{96, 96}, Data: make([]float32, 96*96)}
	for i := range 96 {
		x.Data[i*96+i] = 2.5
	}
	for name, o := range settings() {
		t.Run(name, func(t *testing.T) {
			if o.ActOrder && !o.StaticGroups {
				o.Group = -1 // groups would be others
			}
			o.Activations = x
			p, err := Format.Quantize(w, o)
			if err != nil {
				t.Fatal(err)
			}
			back := make([]float32, w.Len())
			if err := Format.Dequantize(p, back); err != nil {
				t.Fatal(err)
			}
			want, err := Round(w, o)
			if err != nil || !slices.Equal(back, want) {
				t.Errorf("not what rounding gives, %v", err)
			}
			if e, err := Format.OutputError(t.Context(), w, p, x); err != nil || e.Relative != e.Rounding {
				t.Errorf("output error %+v, %v", e, err)
			}
		})
	}
}

// TestLoss: what was lost along the way is what the result loses,
// tr((W−Ŵ)·H·(W−Ŵ)ᵀ)/2 with H damped.
func TestLoss(t *testing.T) {
	w, x := weights(4, 7, 130), correlated(4, 200, 130)
	g, err := calib.NewGram(130)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Add(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	r, err := Solve(t.Context(), w, g, quant.Options{Bits: 3, Group: 32, Damp: quant.Some(0.02)})
	if err != nil {
		t.Fatal(err)
	}
	h := g.Hessian()
	mean := 0.0
	for c := range 130 {
		mean += h[c*130+c] / 130
	}
	want := 0.0
	for row := range 7 {
		var d [130]float64
		for c := range d {
			k := row*r.Groups + int(r.GroupIndex[c])
			d[c] = float64(w.Data[row*130+c]) - float64(r.Scales[k]*(float32(r.Codes[row*130+c])-r.Zeros[k]))
		}
		for a := range d {
			want += d[a] * d[a] * 0.02 * mean / 2
			for b := range d {
				want += d[a] * h[a*130+b] * d[b] / 2
			}
		}
	}
	if math.Abs(r.Loss/want-1) > 1e-4 {
		t.Errorf("loss %v, want %v", r.Loss, want)
	}
}

// TestHalves: activations added in two parts are the same calibration.
func TestHalves(t *testing.T) {
	w, x := weights(5, 5, 100), correlated(5, 200, 100)
	solve := func(parts ...*quant.Tensor) *Result {
		g, err := calib.NewGram(100)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if err := g.Add(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Solve(t.Context(), w, g, quant.Options{Group: 25})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	half := func(i int) *quant.Tensor { s := x.Slice(100*i, 100*i+100); return &s }
	if a, b := solve(x), solve(half(0), half(1)); !slices.Equal(a.Codes, b.Codes) {
		t.Error("other codes")
	}
}

func BenchmarkSolve(b *testing.B) {
	for _, n := range []int{512, 1024} {
		w, x := weights(9, n, n), correlated(9, 512, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := Format.Quantize(w, quant.Options{Activations: x}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
