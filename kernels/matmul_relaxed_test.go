package kernels

import (
	"math"
	"testing"
)

// exactly is Σ x·w and Σ |x·w| in float64.
func exactly(x, w []float32) (sum, size float64) {
	for i, v := range x {
		p := float64(v) * float64(w[i])
		sum, size = sum+p, size+math.Abs(p)
	}
	return sum, size
}

// bound is how far a sum of so many products may be off, in Σ |x·w|: each of them is rounded
// once, if at all, and goes through no more additions than a lane has, and two.
func bound(cols int) float64 { return float64((cols+3)/4+3) * 0x1.001p-24 }

// TestMatMulF32Relaxed holds sums within what its doc comment says of the true ones, which
// are float64's, and to the bit where nothing is relaxed.
func TestMatMulF32Relaxed(t *testing.T) {
	for k, s := range matShapes() {
		tokens, rows, cols := s[0], s[1], s[2]
		x, w := datasets[0].make(tokens*cols, uint64(k)), datasets[0].make(rows*cols, uint64(k+1))
		y := make([]float32, tokens*rows)
		want := products(y, rows, x, cols, w, cols, tokens, rows, cols)
		MatMulF32Relaxed(y, x, w, tokens, rows, cols)
		if !Relaxed && !same(y, want) {
			t.Fatalf("%d tokens, %d rows, %d columns: %v, want %v", tokens, rows, cols, y, want)
		}
		for i, got := range y {
			sum, size := exactly(x[i/rows*cols:][:cols], w[i%rows*cols:][:cols])
			if math.Abs(float64(got)-sum) > size*bound(cols) {
				t.Fatalf("%d tokens, %d rows, %d columns: sum %d is %v, want %v", tokens, rows, cols, i, got, sum)
			}
		}
	}
}

// TestMatMulF32RelaxedWhole multiplies small integers, of which nothing is rounded: the sums
// are MatMulF32's.
func TestMatMulF32RelaxedWhole(t *testing.T) {
	for k, s := range matShapes() {
		tokens, rows, cols := s[0], s[1], s[2]
		r := rng(k + 1)
		x, w := make([]float32, tokens*cols), make([]float32, rows*cols)
		for _, list := range [][]float32{x, w} {
			for i := range list {
				list[i] = float32(int32(r.next())%17 - 8)
			}
		}
		y, want := make([]float32, tokens*rows+1), make([]float32, tokens*rows+1)
		MatMulF32Relaxed(y, x, w, tokens, rows, cols)
		MatMulF32(want, x, w, tokens, rows, cols)
		if !same(y, want) {
			t.Fatalf("%d tokens, %d rows, %d columns:\n%v, want\n%v", tokens, rows, cols, y, want)
		}
	}
}

// TestMatVecF16Relaxed holds sums of halves within the same bound, and to the bit where
// nothing is relaxed or rounded.
func TestMatVecF16Relaxed(t *testing.T) {
	for k, s := range matShapes() {
		_, rows, cols := s[0], s[1], s[2]
		x, wide, w := datasets[0].make(cols, uint64(k)), datasets[0].make(rows*cols, uint64(k+1)), make([]byte, 2*rows*cols)
		whole := k%2 == 0
		for _, list := range [][]float32{x, wide} {
			for i, v := range list {
				if whole {
					list[i] = float32(int(math.Float32bits(v)>>13)%17 - 8)
				}
			}
		}
		F32ToF16(w, wide)
		F16ToF32(wide, w)
		y, want := make([]float32, rows), make([]float32, rows)
		MatVecF16Relaxed(y, x, w, rows, cols)
		MatVecF16(want, x, w, rows, cols)
		if (whole || !Relaxed) && !same(y, want) {
			t.Fatalf("%d rows, %d columns: %v, want %v", rows, cols, y, want)
		}
		for r, got := range y {
			if sum, size := exactly(x, wide[r*cols:(r+1)*cols]); math.Abs(float64(got)-sum) > size*bound(cols) {
				t.Fatalf("%d rows, %d columns: sum %d is %v, want %v", rows, cols, r, got, sum)
			}
		}
	}
}

func TestMatMulInt8Relaxed(t *testing.T) {
	for k, s := range append(matShapes(), [3]int{1, 4, 131071}) {
		tokens, rows, cols := s[0], s[1], s[2]
		r := rng(k + 9)
		x, w := make([]int8, tokens*cols), make([]int8, rows*cols)
		for _, list := range [][]int8{x, w} {
			for i := range list {
				list[i] = -127
				if k%3 > 0 {
					list[i] = max(-127, int8(r.next()))
				}
			}
		}
		y, want := make([]int32, tokens*rows+1), make([]int32, tokens*rows+1)
		MatMulInt8Relaxed(y, x, w, tokens, rows, cols)
		matMulInt8Generic(want, rows, x, w, tokens, rows, cols)
		for i, v := range y {
			if v != want[i] {
				t.Fatalf("%d tokens, %d rows, %d columns: value %d is %d, want %d", tokens, rows, cols, i, v, want[i])
			}
		}
	}
}

var relaxedBlocks = map[string]func(y []float32, x, w []byte, tokens, rows, cols int){
	"Q8_0": MatMulQ8_0Relaxed, "Q4_0": MatMulQ4_0Relaxed, "Q4_K": MatMulQ4_KRelaxed, "Q6_K": MatMulQ6_KRelaxed,
}

// TestMatMulBlocksRelaxed holds products of blocks to the portable twin's, to the bit, on
// bytes of any kind; for Q8_0 without codes of −128.
func TestMatMulBlocksRelaxed(t *testing.T) {
	for _, p := range blockProducts {
		t.Run(p.name, func(t *testing.T) {
			for k := range 400 {
				r := rng(k + 1)
				tokens, rows, blocks := k%10, k/10%20, 1+k%4+k%3*20
				x := placed(noise(&r, tokens*blocks*p.xBytes, k), k%4, 0xff)
				w := placed(noise(&r, rows*blocks*p.wBytes, k), k/2%4, 0xff)
				if k%4 > 0 { // activations as they are in use
					p.quantizeX(x, datasets[k%2].make(tokens*blocks*p.block, uint64(k)))
				}
				if p.name == "Q8_0" {
					for _, b := range [][]byte{x, w} {
						for i := range b {
							if i%q8_0Bytes > 1 && b[i] == 0x80 {
								b[i] = 0x81
							}
						}
					}
				}
				y, want := make([]float32, tokens*rows+1), make([]float32, tokens*rows+1)
				relaxedBlocks[p.name](y, x, w, tokens, rows, blocks*p.block)
				for i := range tokens {
					p.generic(want[i*rows:(i+1)*rows], x[i*blocks*p.xBytes:(i+1)*blocks*p.xBytes], w)
				}
				if !same(y, want) {
					t.Fatalf("%d tokens, %d rows of %d blocks:\n%v, portable\n%v", tokens, rows, blocks, y, want)
				}
			}
		})
	}
}

// TestRelaxedShort asks for more than the slices hold, and counts what is allocated.
func TestRelaxedShort(t *testing.T) {
	x, y, b := make([]float32, 64), make([]float32, 64), make([]byte, 2048)
	codes, sums := make([]int8, 2048), make([]int32, 64)
	for _, n := range []int{0, 1, 17, 63, 300, 2048} {
		for _, s := range [][3]int{{8, 8, 256}, {-1, 2, 256}, {2, -1, 256}, {2, 2, -256}, {1 << 62, 1 << 62, 512}, {4, 4, 1 << 62}, {2, 2, 0}, {2, 2, 33}} {
			MatMulF32Relaxed(y[:n%64], x, x[:n%64], s[0], s[1], s[2])
			MatMulF32Relaxed(y, x[:n%64], x, s[0], s[1], s[2])
			MatMulInt8Relaxed(sums[:n%64], codes, codes[:n], s[0], s[1], s[2])
			MatMulInt8Relaxed(sums, codes[:n], codes, s[0], s[1], s[2])
			for _, mul := range relaxedBlocks {
				mul(y[:n%64], b, b[:n], s[0], s[1], s[2])
				mul(y, b[:n], b, s[0], s[1], s[2])
			}
		}
	}
	for name, mul := range relaxedBlocks {
		if n := testing.AllocsPerRun(5, func() { mul(y, b, b, 2, 2, 512) }); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
