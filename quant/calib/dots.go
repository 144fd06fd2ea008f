package calib

// Real is a float of either size.
type Real interface{ float32 | float64 }

// Dots sets c[i][j] to the dot product of row i of a and row j of b, both k
// long: c = a·bᵀ. Each sum is taken in order. Rows of a, b and c begin lda,
// ldb and ldc apart.
func Dots[T Real](c []T, ldc int, a []T, lda int, b []T, ldb int, m, n, k int) {
	i := 0
	for ; i+4 <= m; i += 4 {
		a0, a1 := a[i*lda:][:k], a[(i+1)*lda:][:k]
		a2, a3 := a[(i+2)*lda:][:k], a[(i+3)*lda:][:k]
		c0, c1 := c[i*ldc:][:n], c[(i+1)*ldc:][:n]
		c2, c3 := c[(i+2)*ldc:][:n], c[(i+3)*ldc:][:n]
		j := 0
		for ; j+2 <= n; j += 2 {
			s := dots42(a0, a1, a2, a3, b[j*ldb:][:k], b[(j+1)*ldb:][:k])
			c0[j], c0[j+1], c1[j], c1[j+1] = s[0], s[1], s[2], s[3]
			c2[j], c2[j+1], c3[j], c3[j+1] = s[4], s[5], s[6], s[7]
		}
		if j < n {
			b0 := b[j*ldb:][:k]
			c0[j], c1[j], c2[j], c3[j] = dot(a0, b0), dot(a1, b0), dot(a2, b0), dot(a3, b0)
		}
	}
	for ; i < m; i++ {
		for j := range n {
			c[i*ldc+j] = dot(a[i*lda:][:k], b[j*ldb:][:k])
		}
	}
}

// dots42 is the dot products of four rows with two.
func dots42[T Real](a0, a1, a2, a3, b0, b1 []T) [8]T {
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	a1, a2, a3, b0, b1 = a1[:len(a0)], a2[:len(a0)], a3[:len(a0)], b0[:len(a0)], b1[:len(a0)]
	for p, x0 := range a0 {
		y0, y1 := b0[p], b1[p]
		x1, x2, x3 := a1[p], a2[p], a3[p]
		s0 += T(x0 * y0)
		s1 += T(x0 * y1)
		s2 += T(x1 * y0)
		s3 += T(x1 * y1)
		s4 += T(x2 * y0)
		s5 += T(x2 * y1)
		s6 += T(x3 * y0)
		s7 += T(x3 * y1)
	}
	return [8]T{s0, s1, s2, s3, s4, s5, s6, s7}
}

func dot[T Real](a, b []T) T {
	var s T
	b = b[:len(a)]
	for p, x := range a {
		s += T(x * b[p])
	}
	return s
}
