package calib

import (
	"context"
	"fmt"

	"fewbits/kernels"
	"fewbits/quant"
)

// Gram is XᵀX of all activations added so far.
type Gram struct {
	N       int       // inputs
	Data    []float64 // N × N, symmetric
	Samples int       // sequences: batches, or one for each addition without batches
}

// maxInputs bounds N: N² float64 are held.
const maxInputs = 1 << 15

// NewGram is that of no activations.
func NewGram(n int) (*Gram, error) {
	if n < 1 || n > maxInputs {
		return nil, fmt.Errorf("calib: a layer of %d inputs: want 1 to %d, as the square of it is held in memory", n, maxInputs)
	}
	return &Gram{N: n, Data: make([]float64, n*n)}, nil
}

const (
	gramTokens = 256 // tokens whose products are summed at a time
	gramTile   = 64  // inputs of a tile
)

// Add adds x, which Check has passed. Once ctx is done it returns ctx.Err(),
// and the sums are of no use.
func (g *Gram) Add(ctx context.Context, x *quant.Tensor) error {
	if err := Check(x, g.N); err != nil {
		return err
	}
	panel := make([]float64, g.N*gramTokens) // inputs × tokens
	for from := 0; from < x.Rows(); from += gramTokens {
		n := min(gramTokens, x.Rows()-from)
		for t := range n {
			for c, v := range x.Data[(from+t)*g.N:][:g.N] {
				panel[c*gramTokens+t] = float64(v)
			}
		}
		if err := g.addPanel(ctx, panel, n); err != nil {
			return err
		}
	}
	if len(x.Shape) == 3 {
		g.Samples += x.Shape[0]
	} else {
		g.Samples++
	}
	return nil
}

// AddRows adds tokens × inputs as one sequence. Products of 256 tokens are
// summed as float32, which is several times as fast and as good as the
// activations are; those sums are added up as float64. Once ctx is done it
// returns ctx.Err(), and the sums are of no use.
func (g *Gram) AddRows(ctx context.Context, x []float32) error {
	rows := len(x) / g.N
	if rows*g.N != len(x) {
		return fmt.Errorf("calib: %d activations are no whole tokens of %d inputs", len(x), g.N)
	}
	panel := make([]float32, g.N*min(gramTokens, max(1, rows))) // inputs × tokens
	for from := 0; from < rows; from += gramTokens {
		n := min(gramTokens, rows-from)
		for t := range n {
			for c, v := range x[(from+t)*g.N:][:g.N] {
				panel[c*n+t] = v
			}
		}
		if err := g.addSingle(ctx, panel[:g.N*n], n); err != nil {
			return err
		}
	}
	g.Samples++
	return nil
}

// singleTile is how many inputs addSingle takes at a time.
const singleTile = 32

// addSingle adds the products of n tokens: of each tile of inputs with itself
// and all after it.
func (g *Gram) addSingle(ctx context.Context, panel []float32, n int) error {
	return Each(ctx, chunks(g.N, singleTile), func(i int) {
		r := i * singleTile
		rows, cols := min(singleTile, g.N-r), g.N-r
		part := make([]float32, rows*cols)
		kernels.MatMulF32(part, panel[r*n:(r+rows)*n], panel[r*n:], rows, cols, n)
		for a := range rows {
			sum := g.Data[(r+a)*g.N+r:][:cols]
			for b := a; b < cols; b++ {
				v := sum[b] + float64(part[a*cols+b])
				sum[b], g.Data[(r+b)*g.N+r+a] = v, v
			}
		}
	})
}

// Energy is that of the layer whose activations were added.
func (g *Gram) Energy() *Energy { return &Energy{n: g.N, m: g.N, b: g.Data, gram: true} }

// addPanel adds the products of n tokens, a row of tiles at a time.
func (g *Gram) addPanel(ctx context.Context, panel []float64, n int) error {
	tiles := chunks(g.N, gramTile)
	return Each(ctx, tiles, func(i int) {
		var part [gramTile * gramTile]float64
		r, rows := i*gramTile, min(gramTile, g.N-i*gramTile)
		for j := i; j < tiles; j++ {
			c, cols := j*gramTile, min(gramTile, g.N-j*gramTile)
			Dots(part[:], gramTile, panel[r*gramTokens:], gramTokens, panel[c*gramTokens:], gramTokens, rows, cols, n)
			for a := range rows {
				for b := range cols {
					if r+a > c+b {
						continue
					}
					v := g.Data[(r+a)*g.N+c+b] + part[a*gramTile+b]
					g.Data[(r+a)*g.N+c+b], g.Data[(c+b)*g.N+r+a] = v, v
				}
			}
		}
	})
}

// Hessian is 2/n·XᵀX, n the samples: what GPTQ takes.
func (g *Gram) Hessian() []float64 {
	h := make([]float64, len(g.Data))
	f := 2 / float64(max(1, g.Samples))
	for i, v := range g.Data {
		h[i] = f * v
	}
	return h
}
