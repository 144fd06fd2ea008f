package calib

import (
	"context"

	"fewbits/kernels"
	"fewbits/quant"
)

// Energy tells ‖X·dᵀ‖² of rows d: what a change d of a row of weights changes
// of the output, squared and summed over the tokens.
type Energy struct {
	n      int       // values of a row
	b      []float64 // X, m × n, or XᵀX where gram
	m      int
	gram   bool
	single []float32 // b, where sums along rows of it are float32
}

// Single is e with sums of products as float32, which SIMD takes several at a
// time: good to some five digits, as a search needs them.
func (e *Energy) Single() *Energy {
	s := *e
	s.single = make([]float32, e.m*e.n)
	for i := range s.single {
		s.single[i] = float32(e.b[i])
	}
	return &s
}

// NewEnergy is that of columns [from, from+n) of x, of every step-th token. It
// goes by XᵀX where there are more tokens than columns.
func NewEnergy(x *quant.Tensor, from, n, step int) *Energy {
	cols, tokens := x.Cols(), chunks(x.Rows(), step)
	e := &Energy{n: n, m: tokens, b: make([]float64, tokens*n)}
	for t := range tokens {
		for c, v := range x.Data[t*step*cols+from:][:n] {
			e.b[t*n+c] = float64(v)
		}
	}
	if tokens <= n {
		return e
	}
	// Sums over tokens as Gram takes them, but of few columns.
	sum := make([]float64, n*n)
	for t := range tokens {
		row := e.b[t*n:][:n]
		for a, v := range row {
			to := sum[a*n:][:n]
			for b, w := range row {
				to[b] += float64(v * w)
			}
		}
	}
	return &Energy{n: n, m: n, b: sum, gram: true}
}

// Layer is that of all columns and tokens.
func Layer(ctx context.Context, x *quant.Tensor) (*Energy, error) {
	if x.Rows() <= x.Cols() || x.Cols() > maxInputs {
		e := &Energy{n: x.Cols(), m: x.Rows(), b: make([]float64, len(x.Data))}
		for i, v := range x.Data {
			e.b[i] = float64(v)
		}
		return e, ctx.Err()
	}
	g, err := NewGram(x.Cols())
	if err == nil {
		err = g.Add(ctx, x)
	}
	if err != nil {
		return nil, err
	}
	return &Energy{n: g.N, m: g.N, b: g.Data, gram: true}, nil
}

const (
	energyRows = 16  // rows at a time
	energyTile = 128 // of b at a time, so that they stay in the cache
)

// Rows sets out[i] to the energy of row i of d, len(out) rows.
func (e *Energy) Rows(d []float64, out []float64) {
	var part [energyRows * energyTile]float64
	for i := 0; i < len(out); i += energyRows {
		m := min(energyRows, len(out)-i)
		sums := out[i : i+m]
		clear(sums)
		for j := 0; j < e.m; j += energyTile {
			w := min(energyTile, e.m-j)
			Dots(part[:], energyTile, d[i*e.n:], e.n, e.b[j*e.n:], e.n, m, w, e.n)
			for r := range sums {
				p := part[r*energyTile:][:w]
				if e.gram {
					sums[r] += dot(p, d[(i+r)*e.n+j:][:w])
				} else {
					sums[r] += dot(p, p)
				}
			}
		}
		for r := range sums {
			sums[r] = max(0, sums[r])
		}
	}
}

// Sum is the energy of all rows of w, less those of back where it is not nil.
func (e *Energy) Sum(ctx context.Context, w, back []float32) (float64, error) {
	n := len(w) / e.n
	each := make([]float64, n)
	err := Each(ctx, chunks(n, energyRows), func(p int) {
		i := p * energyRows
		m := min(energyRows, n-i)
		if e.single != nil {
			e.singleRows(w[i*e.n:(i+m)*e.n], back, i, each[i:i+m])
			return
		}
		d := make([]float64, m*e.n)
		for k := range d {
			d[k] = float64(w[i*e.n+k])
			if back != nil {
				d[k] -= float64(back[i*e.n+k])
			}
		}
		e.Rows(d, each[i:i+m])
	})
	sum := 0.0
	for _, v := range each {
		sum += v
	}
	return sum, err
}

// SingleRows is Rows of float32, for what Single gave.
func (e *Energy) SingleRows(d []float32, out []float64) { e.singleRows(d[:len(out)*e.n], nil, 0, out) }

// singleRows is Rows for rows of w from row i on, less those of back.
func (e *Energy) singleRows(w, back []float32, i int, out []float64) {
	d := w
	if back != nil {
		d = make([]float32, len(w))
		for k, v := range back[i*e.n:][:len(w)] {
			d[k] = w[k] - v
		}
	}
	part := make([]float32, len(out)*e.m)
	kernels.MatMulF32(part, d, e.single, len(out), e.m, e.n)
	for r := range out {
		p := part[r*e.m:][:e.m]
		with := p
		if e.gram {
			with = d[r*e.n:][:e.n]
		}
		sum := 0.0
		for k, v := range p {
			sum += float64(float64(v) * float64(with[k]))
		}
		out[r] = max(0, sum)
	}
}
