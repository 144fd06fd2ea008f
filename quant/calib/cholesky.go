package calib

import (
	"context"
	"fmt"
	"math"
)

// NotPositiveError says that a matrix has no Cholesky factor.
type NotPositiveError struct {
	Index int // row and column of the pivot
	Pivot float64
}

func (e *NotPositiveError) Error() string {
	return fmt.Sprintf("calib: the Hessian is not positive definite: pivot %d is %v; add more damping, or more activations", e.Index, e.Pivot)
}

const block = 64 // columns that are factored at a time

// InverseFactor is the upper triangular U with h⁻¹ = Uᵀ·U, as float32, written
// transposed: row j, column i of the result is U[i][j]. h is n × n, symmetric;
// it is overwritten.
//
// The reference inverts h and factors the inverse (gptq.py, fasterquant). The
// same U is had with a third of the work, in float64: with h = R·Rᵀ, R upper
// triangular, U = R⁻¹. R is the Cholesky factor L of h with rows and columns
// in reverse, reversed.
func InverseFactor(ctx context.Context, h []float64, n int) ([]float32, error) {
	for i, j := 0, n*n-1; i < j; i, j = i+1, j-1 {
		h[i], h[j] = h[j], h[i] // both rows and columns in reverse
	}
	if err := cholesky(ctx, h, n); err != nil {
		return nil, err
	}
	t, err := invert(ctx, h, n)
	if err != nil {
		return nil, err
	}
	// t is the transposed inverse of L: U[i][j] = L⁻¹[n−1−i][n−1−j] = t[n−1−j][n−1−i].
	u := make([]float32, n*n)
	for j := range n {
		from := t[(n-1-j)*n:][:n]
		for i, v := range from {
			u[j*n+n-1-i] = float32(v)
		}
	}
	return u, nil
}

// rows is how many rows one core takes at a time.
const rows = 32

// cholesky overwrites the lower triangle of a with L, a = L·Lᵀ. What stands
// above is of no meaning.
func cholesky(ctx context.Context, a []float64, n int) error {
	for k := 0; k < n; k += block {
		w := min(block, n-k)
		// a[i][k:k+w] less the part of the columns before.
		err := Each(ctx, chunks(n-k, rows), func(p int) {
			i := k + p*rows
			m := min(rows, n-i)
			var s [rows * block]float64
			Dots(s[:], block, a[i*n:], n, a[k*n:], n, m, w, k)
			for r := range m {
				for c := range min(w, i+r-k+1) {
					a[(i+r)*n+k+c] -= s[r*block+c]
				}
			}
		})
		if err != nil {
			return err
		}
		for j := k; j < k+w; j++ {
			row := a[j*n:]
			d := row[j] - dot(row[k:j], row[k:j])
			if !(d > 0) || math.IsInf(d, 0) {
				return &NotPositiveError{n - 1 - j, d}
			}
			d = math.Sqrt(d)
			row[j] = d
			for i := j + 1; i < k+w; i++ {
				a[i*n+j] = (a[i*n+j] - dot(a[i*n+k:i*n+j], row[k:j])) / d
			}
		}
		below := k + w
		err = Each(ctx, chunks(n-below, rows), func(p int) {
			i := below + p*rows
			for r := range min(rows, n-i) {
				solve(a[(i+r)*n+k:][:w], a[k*n+k:], n)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// solve overwrites x with the y of y·Lᵀ = x: forward substitution.
func solve(x, l []float64, n int) {
	for j := range x {
		row := l[j*n:][:j+1]
		x[j] = (x[j] - dot(x[:j], row[:j])) / row[j]
	}
}

// invert is the transposed inverse of L, upper triangular: t·Lᵀ = 1.
func invert(ctx context.Context, l []float64, n int) ([]float64, error) {
	t := make([]float64, n*n)
	for k := 0; k < n; k += block {
		w := min(block, n-k)
		err := Each(ctx, chunks(k+w, rows), func(p int) {
			j := p * rows
			m := min(rows, k+w-j)
			var s [rows * block]float64
			if from := j; from < k { // t[j][i] is 0 where i < j
				Dots(s[:], block, t[j*n+from:], n, l[k*n+from:], n, m, w, k-from)
			}
			for r := range m {
				x := t[(j+r)*n+k:][:w]
				for c := range x {
					x[c] = -s[r*block+c]
				}
				if at := j + r - k; at >= 0 {
					clear(x)
					x[at] = 1
				}
				solve(x, l[k*n+k:], n)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}
