package ggml

import (
	"fmt"
	"math"
	"slices"

	"fewbits/quant"
)

// Noise is an estimate of Σ(x̂ − x)² between a tensor and what p holds of it,
// from p alone: x itself is not needed, and what it was is not in p.
//
// It takes a weight to lie anywhere in its cell, all that rounds to the same
// level, with the same likelihood (Widrow and Kollár 2008, Quantization Noise,
// §4; Gray and Neuhoff 1998, Quantization, §II). With even steps Δ that is
// Δ²/12 a weight. With a table a cell reaches half way to the levels on either
// side, and beyond the last level as far as on its inner side. Where a code is
// a point of a grid in n dimensions, the cells share out the cube that the
// levels span: 1/12 of the n-th root of a cell's volume, squared.
//
// By the same token x̂ is the middle of its cell, the error is uncorrelated
// with it, and Σx² is Σx̂² plus the noise.
//
// A weight beyond the last level was clipped and lost more; where levels are
// few, weights are not spread evenly within a cell. NoiseWithin says how far
// off that is.
func Noise(p *quant.Packed) (float64, error) {
	i := slices.IndexFunc(all, func(f *format) bool { return f.typ().Name == p.Format })
	if i < 0 {
		return 0, fmt.Errorf("ggml: there is no quantized type %q", p.Format)
	}
	f := all[i]
	if err := f.check(p); err != nil {
		return 0, err
	}
	t, cells := f.typ(), f.cells()
	var s block
	sum := 0.0
	for at := 0; at < len(p.Bytes); at += t.Bytes {
		f.decode(p.Bytes[at:at+t.Bytes:at+t.Bytes], &s)
		for g := range t.Block / f.group {
			n := float64(f.group)
			if f.table != nil {
				n = 0
				for _, q := range s.code[g*f.group:][:f.group] {
					n += cells[q&15]
				}
			} else {
				n *= cells[0]
			}
			if scale := float64(s.scale[g]); !math.IsNaN(scale) && !math.IsInf(scale, 0) {
				sum += float64(n * scale * scale)
			}
		}
	}
	return sum, nil
}

// NoiseWithin is how many dB the ratio of signal to noise by Noise is off at
// most, on Gaussian weights: measured, for each type.
func NoiseWithin(format string) float64 {
	switch format {
	case "Q1_0", "Q2_0", "TQ1_0", "TQ2_0", "IQ1_S", "IQ1_M":
		return 2.3
	}
	return 1.3
}

// cells are the mean squared errors of a weight, in units of its scale: one
// for each code of a table, else one for all.
func (f *format) cells() []float64 {
	switch {
	case f.table != nil:
		return f.table.cells()
	case f.grid != nil:
		return []float64{f.grid.cell(f.layout)}
	}
	return []float64{1. / 12}
}

// cells are those of a table: of a level v between borders a and b the mean of
// (x − v)² over [a, b].
func (t *table) cells() []float64 {
	levels := slices.Clone(t.values)
	slices.Sort(levels)
	levels = slices.Compact(levels)
	out := make([]float64, len(t.values))
	for q, v := range t.values {
		i, _ := slices.BinarySearch(levels, v)
		down, up := -1., -1.
		if i > 0 {
			down = float64(int(v)-int(levels[i-1])) / 2
		}
		if i+1 < len(levels) {
			up = float64(int(levels[i+1])-int(v)) / 2
		}
		if down < 0 {
			down = up
		}
		if up < 0 {
			up = down
		}
		out[q] = (float64(down*down*down) + float64(up*up*up)) / (3 * (down + up))
	}
	return out
}

// cell is that of a grid. Signs that are not all free, seven for eight
// weights, leave half as many points.
func (f *gridForm) cell(layout []part) float64 {
	low, high := f.levels[0], f.levels[len(f.levels)-1]
	gap := float64(float64(high-f.levels[len(f.levels)-2]) / 2)
	width := float64(high) + gap // of one sign
	if f.shifted {
		width = float64(8 * float64(high-low+1))
	}
	points := float64(len(f.grid.points))
	n := float64(f.grid.dims)
	side := width / math.Pow(points, 1/n)
	if slices.ContainsFunc(layout, func(p part) bool { return p.kind == sign && p.mine != nil }) {
		side *= math.Pow(2, 1./8)
	}
	return side * side / 12
}
