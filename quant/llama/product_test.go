package llama

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestProduct holds products of every small shape against sums in the order
// that the doc comment gives.
func TestProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 19 {
		for _, shape := range [][2]int{{1, 1}, {1, 2}, {2, 1}, {3, 5}, {4, 4}, {5, 7}} {
			tokens, rows := shape[0], shape[1]
			xs, ws, ys := n+3, n+1, rows+2
			x, w, y := make([]float32, tokens*xs), make([]float32, rows*ws), make([]float32, tokens*ys)
			for _, list := range [][]float32{x, w, y} {
				for i := range list {
					list[i] = float32(r.NormFloat64())
				}
			}
			want := append([]float32(nil), y...)
			for i := range tokens {
				for j := range rows {
					var lane [4]float32
					for k := range n {
						lane[k%4] += float32(x[i*xs+k] * w[j*ws+k])
					}
					want[i*ys+j] = (lane[0] + lane[2]) + (lane[1] + lane[3])
				}
			}
			product(y, ys, x, xs, w, ws, tokens, rows, n)
			for i := range y {
				if y[i] != want[i] {
					t.Fatalf("n %d, %d tokens, %d rows: value %d is %v, want %v", n, tokens, rows, i, y[i], want[i])
				}
			}
		}
	}
}

func BenchmarkProduct(b *testing.B) {
	for _, n := range []int{64, 256, 1024} {
		for _, tokens := range []int{1, 64} {
			const rows = 32
			x, w, y := make([]float32, tokens*n), make([]float32, rows*n), make([]float32, tokens*rows)
			b.Run(fmt.Sprintf("n=%d/tokens=%d", n, tokens), func(b *testing.B) {
				for b.Loop() {
					product(y, rows, x, n, w, n, tokens, rows, n)
				}
				b.ReportMetric(float64(tokens*rows*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
	}
}
