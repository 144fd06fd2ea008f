package kernels

import (
	"fmt"
	"math"
	"testing"
)

// products is y, with a margin, as a scalar loop in the order of the doc comment makes it.
func products(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) []float32 {
	y = append([]float32(nil), y...)
	for t := range tokens {
		for r := range rows {
			var lane [4]float32
			for i := range cols {
				lane[i%4] += float32(x[t*xs+i] * w[r*ws+i])
			}
			y[t*ys+r] = (lane[0] + lane[2]) + (lane[1] + lane[3])
		}
	}
	return y
}

// matShapes are tokens, rows and columns: every small one, and some beyond a block.
func matShapes() (shapes [][3]int) {
	for tokens := range 10 {
		for rows := range 10 {
			for _, cols := range []int{0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 67} {
				shapes = append(shapes, [3]int{tokens, rows, cols})
			}
		}
	}
	return append(shapes, [3]int{3, 70, 256}, [3]int{2, 9, 4100}, [3]int{1, 5, 9001})
}

func TestMatMulF32(t *testing.T) {
	for i, d := range datasets {
		t.Run(d.name, func(t *testing.T) {
			for k, s := range matShapes() {
				if testing.Short() && (k+i)%4 != 0 { // each shape with some of the data
					continue
				}
				tokens, rows, cols := s[0], s[1], s[2]
				xs, ws, ys := cols+k%3, cols+k%2, rows+k%4
				if xs*ws*ys == 0 {
					xs, ws, ys = cols+1, cols+1, rows+1
				}
				x := placed(d.make(tokens*xs, uint64(k)), k%4, float32(math.NaN()))
				w := placed(d.make(rows*ws, uint64(k+1)), k/4%4, float32(math.NaN()))
				y := placed(d.make(tokens*ys, uint64(k+2)), k/2%4, 7)
				want := products(y, ys, x, xs, w, ws, tokens, rows, cols)
				twin := append([]float32(nil), y...)
				matMulF32Generic(twin, ys, x, xs, w, ws, tokens, rows, cols)
				MatMulF32Strided(y, ys, x, xs, w, ws, tokens, rows, cols)
				if !same(y, want) || !same(twin, want) {
					t.Fatalf("%d tokens, %d rows, %d columns: %s gives\n%v, portable\n%v, want\n%v", tokens, rows, cols, Active(), y, twin, want)
				}
				if rows > 0 && tokens > 0 {
					a, b := x[:cols], w[:cols]
					if got := []float32{DotF32(a, b), dotF32Generic(a, b)}; !same(got, []float32{want[0], want[0]}) {
						t.Fatalf("dot of %d: %v, want %v", cols, got, want[0])
					}
				}
			}
		})
	}
}

// TestMatMulF32Short asks for more than the slices hold.
func TestMatMulF32Short(t *testing.T) {
	x := datasets[0].make(64, 1)
	for _, n := range []int{0, 1, 5, 8, 63, 64} {
		for _, s := range [][3]int{{8, 8, 8}, {-1, 2, 3}, {2, -1, 3}, {2, 2, -1}, {1 << 62, 1 << 62, 8}, {4, 4, 1 << 62}, {9, 9, 0}} {
			y := make([]float32, 64)
			MatMulF32(y[:n], x, x, s[0], s[1], s[2])
			MatMulF32(y, x[:n], x, s[0], s[1], s[2])
			MatMulF32(y, x, x[:n], s[0], s[1], s[2])
			MatMulF32Strided(y, -1, x, 0, x, 0, s[0], s[1], s[2])
		}
	}
}

func BenchmarkMatVec(b *testing.B) {
	const rows, cols = 4096, 4096
	x, w, y := datasets[0].make(cols, 1), datasets[0].make(rows*cols, 2), make([]float32, rows)
	half, codes, sums := make([]byte, 2*rows*cols), make([]int8, rows*cols), make([]int32, rows)
	F32ToF16(half, w)
	for _, k := range []struct {
		name string
		run  func()
	}{
		{"F16", func() { MatVecF16(y, x, half, rows, cols) }},
		{"BF16", func() { MatVecBF16(y, x, half, rows, cols) }},
		{"Int8", func() { MatMulInt8(sums, codes, codes, 1, rows, cols) }},
		{"Int8Relaxed", func() { MatMulInt8Relaxed(sums, codes, codes, 1, rows, cols) }},
		{"Int8x8Relaxed", func() { MatMulInt8Relaxed(sums, codes, codes, 8, rows/8, cols) }},
		{"Int8x8", func() { MatMulInt8(sums, codes, codes, 8, rows/8, cols) }},
	} {
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				k.run()
			}
			b.ReportMetric(float64(rows*cols)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gweights/s")
		})
	}
}

func BenchmarkMatMulF32(b *testing.B) {
	for _, s := range [][3]int{{1, 64, 64}, {64, 64, 64}, {1, 1024, 1024}, {64, 1024, 1024}, {1, 4096, 4096}, {8, 4096, 4096}} {
		tokens, rows, cols := s[0], s[1], s[2]
		x, w, y := datasets[0].make(tokens*cols, 1), datasets[0].make(rows*cols, 2), make([]float32, tokens*rows)
		for name, mul := range map[string]func(y, x, w []float32, tokens, rows, cols int){"exact": MatMulF32, "relaxed": MatMulF32Relaxed} {
			if name == "relaxed" && !Relaxed {
				continue
			}
			b.Run(fmt.Sprintf("%dx%dx%d/%s", tokens, rows, cols, name), func(b *testing.B) {
				for b.Loop() {
					mul(y, x, w, tokens, rows, cols)
				}
				b.ReportMetric(2*float64(tokens*rows*cols)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// TestMatMulAllocates counts what products allocate.
func TestMatMulAllocates(t *testing.T) {
	x, y := datasets[0].make(4*512, 1), make([]float32, 64)
	w, sums, codes := make([]byte, 1<<15), make([]int32, 64), make([]int8, 4096)
	for name, run := range map[string]func(){
		"MatMulF32":  func() { MatMulF32(y, x, x, 4, 4, 512) },
		"MatVecF16":  func() { MatVecF16(y, x, w, 5, 512) },
		"MatMulInt8": func() { MatMulInt8(sums, codes, codes, 3, 5, 512) },
		"MatMulQ4_0": func() { MatMulQ4_0(y, w, w, 3, 5, 512) },
		"MatMulQ6_K": func() { MatMulQ6_K(y, w, w, 3, 5, 512) },
	} {
		if n := testing.AllocsPerRun(5, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestMatVecHalf(t *testing.T) {
	for _, d := range datasets {
		t.Run(d.name, func(t *testing.T) {
			for k, s := range matShapes() {
				tokens, rows, cols := s[0], s[1], s[2]
				if tokens > 1 || cols == 0 {
					continue
				}
				r := rng(k + 1)
				x, raw, y := placed(d.make(cols, uint64(k)), k%4, 7), make([]byte, 2*rows*cols), make([]float32, rows+1)
				for i := range raw {
					raw[i] = byte(r.next())
				}
				wide := make([]float32, rows*cols)
				if k%2 == 0 { // only normal halves, but for a few
					F32ToF16(raw, datasets[0].make(rows*cols, uint64(k)))
				}
				raw = placed(raw, k%4, 0xff)
				for _, v := range []struct {
					name    string
					mul     func(y, x []float32, w []byte, rows, cols int)
					generic func(y, x []float32, w []byte)
					widen   func([]float32, []byte)
				}{{"F16", MatVecF16, matVecF16Generic, f16ToF32Generic}, {"BF16", MatVecBF16, matVecBF16Generic, bf16ToF32Generic}} {
					v.widen(wide, raw)
					want := products(y, rows+1, x, cols, wide, cols, 1, rows, cols)
					got, twin := append([]float32(nil), y...), append([]float32(nil), y...)
					v.mul(got[:rows], x, raw, rows, cols)
					v.generic(twin[:rows], x, raw)
					if !same(got, want) || !same(twin, want) {
						t.Fatalf("%s, %d rows of %d: %s gives\n%v, portable\n%v, want\n%v", v.name, rows, cols, Active(), got, twin, want)
					}
				}
			}
		})
	}
}

func TestMatMulInt8(t *testing.T) {
	for k, s := range append(matShapes(), [3]int{1, 4, 131071}) {
		tokens, rows, cols := s[0], s[1], s[2]
		r := rng(k + 9)
		x, w := make([]int8, tokens*cols), make([]int8, rows*cols)
		for _, list := range [][]int8{x, w} {
			for i := range list {
				list[i] = -128
				if k%3 > 0 {
					list[i] = int8(r.next())
				}
			}
		}
		y, twin := make([]int32, tokens*rows+1), make([]int32, tokens*rows+1)
		MatMulInt8(y, x, w, tokens, rows, cols)
		matMulInt8Generic(twin, rows, x, w, tokens, rows, cols)
		for i, v := range y[:tokens*rows] {
			var want int64
			for j := range cols {
				want += int64(x[i/rows*cols+j]) * int64(w[i%rows*cols+j])
			}
			if int64(v) != want || int64(twin[i]) != want {
				t.Fatalf("%d tokens, %d rows, %d columns: value %d is %d, portable %d, want %d", tokens, rows, cols, i, v, twin[i], want)
			}
		}
		if y[tokens*rows] != 0 {
			t.Fatalf("%d tokens, %d rows, %d columns: written outside", tokens, rows, cols)
		}
	}
}
