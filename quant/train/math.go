package train

import (
	"math"

	"fewbits/quant/internal/expf"
)

// rmsNorm writes x · s · weight for each row, s = 1 / √(mean(x²) + ε), and s.
func rmsNorm(dst, scale, x, weight []float32) {
	n := len(weight)
	for t := range scale {
		row, out := x[t*n:(t+1)*n], dst[t*n:(t+1)*n]
		sum := 0.0
		for _, v := range row {
			sum += float64(v * v)
		}
		s := 1 / float32(math.Sqrt(sum/float64(n)+epsilon))
		scale[t] = s
		for j, v := range row {
			out[j] = float32(v*s) * weight[j]
		}
	}
}

// rmsNormBack adds to dx what comes back through a norm whose result has the
// gradient dy, and to dw that of its weights: with g = dy · weight,
// dx += s · g − x · s³ · mean(g · x).
func rmsNormBack(dx, dw, dy, scale, x, weight []float32) {
	n := len(weight)
	for t, s := range scale {
		row, back, out := x[t*n:(t+1)*n], dy[t*n:(t+1)*n], dx[t*n:(t+1)*n]
		sum := 0.0
		for j, v := range row {
			sum += float64(float32(back[j]*weight[j]) * v)
			dw[j] += float32(float32(back[j]*v) * s)
		}
		c := float32(sum/float64(n)) * s * s * s
		for j, v := range row {
			out[j] += float32(float32(back[j]*weight[j])*s) - float32(v*c)
		}
	}
}

// crossEntropy is the mean of −ln p over all tokens. Where learn is true, logits
// become its gradient.
func (m *Model) crossEntropy(targets []int32, learn bool) float64 {
	loss := 0.0
	share := 1 / float32(len(targets))
	for t, id := range targets {
		row := m.state.logits[t*m.Vocabulary : (t+1)*m.Vocabulary]
		top := row[0]
		for _, v := range row {
			top = max(top, v)
		}
		wanted, sum := row[id], 0.0
		if !learn {
			for _, v := range row {
				sum += float64(expf.Exp(v - top))
			}
		} else {
			for j, v := range row {
				row[j] = expf.Exp(v - top)
				sum += float64(row[j])
			}
			c := share / float32(sum)
			for j := range row {
				row[j] *= c
			}
			row[id] -= share
		}
		loss += math.Log(sum) - float64(wanted-top)
	}
	return loss / float64(len(targets))
}

// transpose writes x, rows × cols, as cols × rows.
func transpose(dst, x []float32, rows, cols int) {
	r := 0
	for ; r+4 <= rows; r += 4 {
		a, b := x[r*cols:(r+1)*cols], x[(r+1)*cols:(r+2)*cols]
		c, d := x[(r+2)*cols:(r+3)*cols], x[(r+3)*cols:(r+4)*cols]
		b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
		at := r
		for j, v := range a {
			out := (*[4]float32)(dst[at:])
			out[0], out[1], out[2], out[3] = v, b[j], c[j], d[j]
			at += rows
		}
	}
	for ; r < rows; r++ {
		for j, v := range x[r*cols : (r+1)*cols] {
			dst[j*rows+r] = v
		}
	}
}
