package codebook

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sort"

	"fewbits/kernels"
)

var dynamicBounds = middles(dynamic[:])

// nest writes the absmax of all blocks into parts in 8 bits each: their
// distance from the mean, over the largest such distance of 256, in the
// dynamic map (bitsandbytes functional.py, quantize_4bit, and
// backends/default/ops.py, quantize_blockwise).
func nest(parts Parts, absmaxes []float32) {
	offset := mean(absmaxes)
	binary.LittleEndian.PutUint32(parts.Offset, math.Float32bits(offset))
	for i := range absmaxes {
		absmaxes[i] -= offset
	}
	for k := 0; k*nestedBlock < len(absmaxes); k++ {
		x := absmaxes[k*nestedBlock : min((k+1)*nestedBlock, len(absmaxes))]
		scale := kernels.AbsMax(x)
		short := len(x) < nestedBlock
		if short {
			scale = max(scale, tiny)
		}
		inverse := 1 / max(scale, tiny)
		for i, v := range x {
			y := v * inverse
			if short {
				y = v / scale
			}
			code := sort.Search(len(dynamicBounds), func(i int) bool { return y <= dynamicBounds[i] })
			parts.Absmax[k*nestedBlock+i] = byte(code)
		}
		binary.LittleEndian.PutUint32(parts.NestedAbsmax[4*k:], math.Float32bits(scale))
	}
}

// mean is the mean of x in float32, or 0 of nothing; of what overflows a
// float32 sum, in float64.
func mean(x []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	if m := sum(x) / float32(len(x)); m <= math.MaxFloat32 {
		return m
	}
	s := 0.0
	for _, v := range x {
		s += float64(v)
	}
	return float32(s / float64(len(x)))
}

const (
	lanes  = 8 // floats in an AVX2 register
	rows   = 4 // registers summed side by side
	levels = 4 // of partial sums
)

// sum adds x as PyTorch does (SumKernel.cpp, vectorized_inner_sum and
// row_sum): value i goes to lane i mod 32 of four registers; the registers are
// added, then what did not fill one, then its lanes. Fewer than eight values
// go as if a register had one lane.
func sum(x []float32) float32 {
	if len(x) < lanes {
		return sumRow(x, 1)[0]
	}
	whole := len(x) / lanes * lanes
	acc := sumRow(x[:whole], lanes)
	var total float32
	for _, v := range x[whole:] {
		total += v
	}
	for _, v := range acc {
		total += v
	}
	return total
}

// sumRow sums registers of width lanes, four side by side. Lanes past width
// stay 0.
func sumRow(x []float32, width int) (total [lanes]float32) {
	stride := rows * width
	steps := len(x) / stride
	acc := cascade(x[:steps*stride], width, steps)
	for at := steps * stride; at < len(x); at += width {
		addTo(acc[:width], x[at:])
	}
	for r := range rows {
		addTo(total[:width], acc[r*width:])
	}
	return total
}

// cascade sums steps rows of 4 × width values. Each level of partial sums
// takes over from the one below it once that has summed 2^power of its own, so
// that only numbers of like size are added (SumKernel.cpp, multi_row_sum).
func cascade(x []float32, width, steps int) [rows * lanes]float32 {
	stride := rows * width
	power := max(4, bits.Len(uint(max(steps, 1)-1))/levels)
	var acc [levels][rows * lanes]float32
	i := 0
	for i+1<<power <= steps {
		for range 1 << power {
			addTo(acc[0][:stride], x[i*stride:])
			i++
		}
		for level := 1; level < levels; level++ {
			addTo(acc[level][:stride], acc[level-1][:])
			acc[level-1] = [rows * lanes]float32{}
			if i&((1<<power-1)<<(level*power)) != 0 {
				break
			}
		}
	}
	for ; i < steps; i++ {
		addTo(acc[0][:stride], x[i*stride:])
	}
	for level := 1; level < levels; level++ {
		addTo(acc[0][:stride], acc[level][:])
	}
	return acc[0]
}

// addTo adds as many of x to acc as acc holds.
func addTo(acc, x []float32) {
	x = x[:len(acc)]
	for i, v := range x {
		acc[i] += v
	}
}
