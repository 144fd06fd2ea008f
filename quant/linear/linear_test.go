package linear

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/ggml"
	"fewbits/quant/internal/libggml"
)

func TestMain(m *testing.M) {
	libggml.Serve()
	os.Exit(m.Run())
}

func normals(r *rand.Rand, n int, scale float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(scale * r.NormFloat64())
	}
	return x
}

// packed is weights of a type, and what they are dequantized.
func packed(t *testing.T, r *rand.Rand, name string, rows, cols int) (*Matrix, []float32) {
	t.Helper()
	typ, ok := ggml.TypeByName(name)
	if !ok {
		t.Fatalf("there is no type %s", name)
	}
	size, err := typ.RowSize(cols)
	if err != nil {
		t.Fatal(err)
	}
	data, wide := make([]byte, rows*size), make([]float32, rows*cols)
	switch name {
	case "F16":
		kernels.F32ToF16(data, normals(r, rows*cols, 0.05))
	case "BF16":
		kernels.F32ToBF16(data, normals(r, rows*cols, 0.05))
	case "F32":
		for i := range data { // values of all magnitudes but the largest
			data[i] = byte(r.Uint32()) &^ (0x40 * byte(i/3&i&1))
		}
		for i := 3; i < len(data); i += 4 {
			data[i] &= 0xbf
		}
	default:
		for _, f := range ggml.Formats() {
			if f.Info().Name != name {
				continue
			}
			o := quant.Options{Importance: importance(f.Info(), cols)}
			p, err := f.Quantize(quant.Tensor{Name: "w", Shape: []int{rows, cols}, Data: normals(r, rows*cols, 0.05)}, o)
			if err != nil {
				t.Fatal(err)
			}
			data = p.Bytes
		}
	}
	if err := ggml.Dequantize(typ, data, wide); err != nil {
		t.Fatal(err)
	}
	m, err := New(typ, rows, cols, data)
	if err != nil {
		t.Fatal(err)
	}
	return m, wide
}

func importance(i quant.Info, cols int) []float32 {
	if i.Importance != quant.Required {
		return nil
	}
	w := make([]float32, cols)
	for j := range w {
		w[j] = 1
	}
	return w
}

// TestMultiply holds products of every type against those of the dequantized weights.
func TestMultiply(t *testing.T) {
	names := []string{"F32", "F16", "BF16"}
	for _, f := range ggml.Formats() {
		names = append(names, f.Info().Name)
	}
	r := rand.New(rand.NewPCG(1, 5))
	var s Scratch
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			for _, shape := range [][3]int{{1, 70, 256}, {1, 3, 256}, {3, 37, 256}, {2, 5, 9216}} {
				tokens, rows, cols := shape[0], shape[1], shape[2]
				m, wide := packed(t, r, name, rows, cols)
				x, y, want := normals(r, tokens*cols, 1), make([]float32, tokens*rows), make([]float32, tokens*rows)
				kernels.MatMulF32(want, x, wide, tokens, rows, cols)
				if err := m.Multiply(y, x, tokens, &s); err != nil {
					t.Fatal(err)
				}
				for i := range y {
					if y[i] != want[i] {
						t.Fatalf("%v: sum %d is %v, want %v", shape, i, y[i], want[i])
					}
				}
			}
		})
	}
}

// TestOddColumns multiplies halves that no kernel takes as they are.
func TestOddColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	for _, cols := range []int{1, 3, 12, 67} {
		m, wide := packed(t, r, "F16", 5, cols)
		x, y, want := normals(r, cols, 1), make([]float32, 5), make([]float32, 5)
		kernels.MatMulF32(want, x, wide, 1, 5, cols)
		if err := m.Multiply(y, x, 1, new(Scratch)); err != nil {
			t.Fatal(err)
		}
		for i := range y {
			if y[i] != want[i] {
				t.Fatalf("%d columns: sum %d is %v, want %v", cols, i, y[i], want[i])
			}
		}
	}
}

// TestMultiplyInts holds integer products against those in float64: what is off is
// the rounding of the activations, a few thousandths of a sum's size. And against
// ggml's own, of which only the order of the sums differs.
func TestMultiplyInts(t *testing.T) {
	lib, why := libggml.Open("")
	dots, err := libggml.OpenDots("")
	if why != nil || err != nil {
		t.Logf("without libggml: %v, %v", why, err)
	}
	r := rand.New(rand.NewPCG(2, 5))
	for _, name := range Integers() {
		t.Run(name, func(t *testing.T) {
			const tokens, rows, cols = 3, 9, 2048
			m, wide := packed(t, r, name, rows, cols)
			x, y := normals(r, tokens*cols, 1), make([]float32, tokens*rows)
			if err := m.MultiplyInts(y, x, tokens, new(Scratch)); err != nil {
				t.Fatal(err)
			}
			for i, got := range y {
				a, b := x[i/rows*cols:][:cols], wide[i%rows*cols:][:cols]
				var want, size float64
				for j, v := range a {
					p := float64(v) * float64(b[j])
					want, size = want+p, size+p*p
				}
				if off := math.Abs(float64(got) - want); off > 0.03*math.Sqrt(size) || got == 0 {
					t.Errorf("sum %d is %v, want %v", i, got, want)
				}
				if lib == nil || dots == nil {
					continue
				}
				bytes := len(m.Data) / rows
				theirs, err := dots.Dot(m.Type.ID, a, m.Data[i%rows*bytes:][:bytes])
				if err != nil {
					t.Fatal(err)
				}
				if off := math.Abs(float64(got - theirs)); off > 2e-4*math.Sqrt(size) {
					t.Errorf("sum %d is %v, ggml's is %v", i, got, theirs)
				}
			}
		})
	}
}

// TestRefused asks for what cannot be.
func TestRefused(t *testing.T) {
	q4k, _ := ggml.TypeByName("Q4_K")
	q5k, _ := ggml.TypeByName("Q5_K")
	removed, _ := ggml.TypeByName("Q4_2")
	for _, tt := range []struct {
		name             string
		typ              ggml.Type
		rows, cols, size int
	}{
		{"short", q4k, 2, 256, 287}, {"odd columns", q4k, 1, 100, 144}, {"removed", removed, 1, 32, 18},
		{"no rows", q4k, 0, 256, 0}, {"no columns", q4k, 1, 0, 0}, {"below zero", q4k, -1, 256, 144},
	} {
		if m, err := New(tt.typ, tt.rows, tt.cols, make([]byte, tt.size)); err == nil {
			t.Errorf("%s: %+v", tt.name, m)
		}
	}
	m, err := New(q4k, 2, 256, make([]byte, 288))
	if err != nil {
		t.Fatal(err)
	}
	x, y, s := make([]float32, 256), make([]float32, 2), new(Scratch)
	for name, err := range map[string]error{
		"activations": m.Multiply(y, x[:255], 1, s), "sums": m.Multiply(y[:1], x, 1, s), "tokens": m.Multiply(y, x, 2, s),
		"below zero": m.MultiplyInts(y, x, -1, s),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := m.MultiplyInts(y, x, 1, s); err != nil {
		t.Error(err)
	}
	x[7] = float32(math.Inf(1))
	if err := m.MultiplyInts(y, x, 1, s); err == nil {
		t.Error("infinity was quantized")
	}
	if m, err = New(q5k, 1, 256, make([]byte, 176)); err != nil {
		t.Fatal(err)
	}
	if err := m.MultiplyInts(y[:1], make([]float32, 256), 1, s); err == nil {
		t.Error("Q5_K in integers")
	}
}
