package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
)

// blockProducts are the products in integers.
var blockProducts = []struct {
	name                  string
	block, xBytes, wBytes int
	mul                   func(y []float32, x, w []byte, tokens, rows, cols int)
	active, generic       func(y []float32, x, w []byte)
	quantizeX             func(dst []byte, x []float32)
	valuesX, valuesW      func(dst []float32, src []byte)
}{
	{"Q8_0", 32, 34, 34, MatMulQ8_0, matVecQ8_0, matVecQ8_0Generic, QuantizeQ8_0, DequantizeQ8_0, DequantizeQ8_0},
	{"Q4_0", 32, 34, 18, MatMulQ4_0, matVecQ4_0, matVecQ4_0Generic, QuantizeQ8_0, DequantizeQ8_0, DequantizeQ4_0},
	{"Q4_K", 256, 292, 144, MatMulQ4_K, matVecQ4_K, matVecQ4_KGeneric, QuantizeQ8_K, valuesQ8_K, DequantizeQ4_K},
	{"Q6_K", 256, 292, 210, MatMulQ6_K, matVecQ6_K, matVecQ6_KGeneric, QuantizeQ8_K, valuesQ8_K, DequantizeQ6_K},
}

func valuesQ8_K(dst []float32, src []byte) {
	for i := range dst {
		b := src[i/superLen*q8KBytes:]
		dst[i] = floatAt(b) * float32(int8(b[q8KCodes+i%superLen]))
	}
}

// TestMatMulBlocks holds the twins together on bytes of any kind.
func TestMatMulBlocks(t *testing.T) {
	for _, p := range blockProducts {
		t.Run(p.name, func(t *testing.T) {
			for k := range 400 {
				r := rng(k + 1)
				tokens, rows, blocks := k%10, k/10%10, 1+k%4
				x := placed(noise(&r, tokens*blocks*p.xBytes, k), k%4, 0xff)
				w := placed(noise(&r, rows*blocks*p.wBytes, k), k/2%4, 0xff)
				if k%4 > 0 { // activations as they are in use
					p.quantizeX(x, datasets[k%2].make(tokens*blocks*p.block, uint64(k)))
				}
				y, want := make([]float32, tokens*rows+1), make([]float32, tokens*rows+1)
				p.mul(y, x, w, tokens, rows, blocks*p.block)
				for i := range tokens {
					p.generic(want[i*rows:(i+1)*rows], x[i*blocks*p.xBytes:(i+1)*blocks*p.xBytes], w)
				}
				if !same(y, want) {
					t.Fatalf("%d tokens, %d rows of %d blocks: %s gives\n%v, portable\n%v", tokens, rows, blocks, Active(), y, want)
				}
			}
		})
	}
}

// noise is random bytes; mostly without the extreme exponents, which make sums NaN.
func noise(r *rng, n, kind int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.next())
		if kind%8 > 0 && b[i]&0x7c == 0x7c {
			b[i] &= 0x87
		}
	}
	return b
}

// TestMatMulBlocksValues holds sums against those of the values that the blocks stand for.
func TestMatMulBlocksValues(t *testing.T) {
	for _, p := range blockProducts {
		t.Run(p.name, func(t *testing.T) {
			const tokens, rows, cols = 3, 5, 1024
			x, w := make([]byte, tokens*cols/p.block*p.xBytes), make([]byte, rows*cols/p.block*p.wBytes)
			p.quantizeX(x, normals(tokens*cols, 5))
			r := rng(7)
			for i := range w {
				w[i] = byte(r.next())
			}
			for b := 0; b < len(w); b += p.wBytes { // scales of some size
				for _, at := range map[string][]int{"Q8_0": {0}, "Q4_0": {0}, "Q4_K": {0, 2}, "Q6_K": {q6KD}}[p.name] {
					binary.LittleEndian.PutUint16(w[b+at:], uint16(0x2000+r.next()%0x1000))
				}
			}
			vx, vw, y := make([]float32, tokens*cols), make([]float32, rows*cols), make([]float32, tokens*rows)
			p.valuesX(vx, x)
			p.valuesW(vw, w)
			p.mul(y, x, w, tokens, rows, cols)
			for i, got := range y {
				var want, size float64
				for j := range cols {
					v := float64(vx[i/rows*cols+j]) * float64(vw[i%rows*cols+j])
					want, size = want+v, size+math.Abs(v)
				}
				if math.Abs(float64(got)-want) > 1e-6*size {
					t.Errorf("sum %d is %v, want %v", i, got, want)
				}
			}
		})
	}
}

// normals are n values of a scale near 1.
func normals(n int, seed uint64) []float32 {
	r, x := rng(seed), make([]float32, n)
	for i := range x {
		x[i] = float32(int32(r.next())) / (1 << 30)
	}
	return x
}

func TestMatMulBlocksShort(t *testing.T) {
	y, b := make([]float32, 64), make([]byte, 2048)
	for _, p := range blockProducts {
		for _, n := range []int{0, 1, 17, 300, 2048} {
			for _, s := range [][3]int{{8, 8, 256}, {-1, 2, 256}, {2, -1, 256}, {2, 2, -256}, {1 << 62, 1 << 62, 512}, {4, 4, 1 << 62}, {2, 2, 0}, {2, 2, 33}} {
				p.mul(y[:n%64], b, b, s[0], s[1], s[2])
				p.mul(y, b[:n], b, s[0], s[1], s[2])
				p.mul(y, b, b[:n], s[0], s[1], s[2])
			}
		}
	}
}

func TestQuantizeQ8_K(t *testing.T) {
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			for k := range 60 {
				n := k % 4 * 256
				x := placed(d.make(n, uint64(k)), k%4, 7)
				if n > 0 && k%5 == 0 { // a tie of magnitudes
					x[n/3], x[n/2] = 3e5, -3e5
				}
				got, want := make([]byte, n/256*292), make([]byte, n/256*292)
				for i := range got {
					got[i] = 0xaa
				}
				QuantizeQ8_K(got, x)
				quantizeQ8_KGeneric(want, x)
				if string(got) != string(want) {
					t.Fatalf("%d values: %s gives\n%v, portable\n%v", n, Active(), got, want)
				}
			}
		})
	}
}

func BenchmarkMatMulBlocks(b *testing.B) {
	const rows, cols, tokens = 4096, 4096, 8
	for _, p := range blockProducts {
		x, w, y := make([]byte, tokens*cols/p.block*p.xBytes), make([]byte, rows*cols/p.block*p.wBytes), make([]float32, rows)
		values := make([]float32, cols)
		p.quantizeX(x, normals(tokens*cols, 1))
		for i := range w {
			w[i] = byte(i) & 0x3f
		}
		for name, run := range map[string]func(){
			"vec":          func() { p.mul(y, x, w, 1, rows, cols) },
			"mat8":         func() { p.mul(y, x, w, tokens, rows/tokens, cols) },
			"relaxed/vec":  func() { relaxedBlocks[p.name](y, x, w, 1, rows, cols) },
			"relaxed/mat8": func() { relaxedBlocks[p.name](y, x, w, tokens, rows/tokens, cols) },
			"dequantize": func() {
				for r := range rows {
					p.valuesW(values, w[r*cols/p.block*p.wBytes:])
				}
			},
		} {
			b.Run(fmt.Sprintf("%s/%s", p.name, name), func(b *testing.B) {
				for b.Loop() {
					run()
				}
				b.ReportMetric(float64(rows*cols)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gweights/s")
			})
		}
	}
}
