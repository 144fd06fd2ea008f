package checkpoint

import (
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// TestStored holds a matrix as a format against the matrix, in every layout.
func TestStored(t *testing.T) {
	for name, target := range cases(t) {
		t.Run(name, func(t *testing.T) {
			dir, _ := exported(t, model(t, dtype.F32), target, 0)
			s := opened(t, dir)
			for i, info := range s.Tensors() {
				m, err := s.Matrix(i, 0, quant.Rows(info.Shape))
				if err != nil {
					t.Fatal(err)
				}
				if m == nil {
					continue
				}
				want := make([]float32, m.Rows*m.Cols)
				if err := m.Dequantize(want); err != nil {
					t.Fatal(err)
				}
				checkStored(t, m, want)
				rows, pieces := []int{1, 3, m.Rows - 1}, [][2]int{{0, 16}, {m.Cols - 8, m.Cols}}
				var part []float32
				for _, r := range rows {
					for _, c := range pieces {
						part = append(part, want[r*m.Cols+c[0]:r*m.Cols+c[1]]...)
					}
				}
				checkStored(t, m.Part(rows, pieces), part)
			}
		})
	}
}

func checkStored(t *testing.T, m *Matrix, want []float32) {
	t.Helper()
	f, p := m.Stored("GPTQ", "a")
	got := make([]float32, len(want))
	if err := f.Dequantize(p, got); err != nil || !slices.Equal(got, want) {
		t.Fatalf("other values (%v)", err)
	}
	x, err := f.Params(p, true)
	if err != nil || len(x.Codes) != len(want) || len(x.Scales) != x.Rows*x.Groups || len(x.GroupIndex) != x.Cols {
		t.Fatalf("params %d × %d of %d groups (%v)", x.Rows, x.Cols, x.Groups, err)
	}
	for _, i := range []int{0, 1, len(want) / 2, len(want) - 1} {
		o, err := f.Open(p, i)
		if err != nil {
			t.Fatal(err)
		}
		if o.Value != want[i] || o.Code != x.Codes[i] || !slices.Contains(o.Levels, o.Value) {
			t.Errorf("value %d opens as %v by code %d, want %v by %d", i, o.Value, o.Code, want[i], x.Codes[i])
		}
		bits, code := 0, int32(0)
		for _, field := range o.Fields {
			for _, s := range field.Spans {
				bits += s.Bits
			}
			if field.Role == quant.RoleCode {
				for b := range field.Mine[0].Bits {
					at := field.Mine[0].First + b
					code |= int32(o.Bytes[at/8]>>(at%8)&1) << b
				}
			}
		}
		if bits != 8*len(o.Bytes) || m.code(uint8(code)) != o.Code {
			t.Errorf("value %d: fields of %d bits in %d bytes, code %d", i, bits, len(o.Bytes), code)
		}
	}
	if _, err := f.Quantize(quant.Tensor{}, quant.Options{}); err == nil {
		t.Error("it quantizes")
	}
	if _, err := f.Open(p, len(want)); err == nil {
		t.Error("a value past the end opens")
	}
	p.Bytes = p.Bytes[1:]
	if _, err := f.Params(p, false); err == nil {
		t.Error("a byte too few will do")
	}
}

// TestNoise holds the estimate against what was lost.
func TestNoise(t *testing.T) {
	for name, target := range cases(t) {
		m := model(t, dtype.F32)
		dir, _ := exported(t, m, target, 0)
		s := opened(t, dir)
		for i, info := range s.Tensors() {
			if !strings.HasSuffix(info.Name, "gate_proj.weight") {
				continue
			}
			x, err := s.Matrix(i, 0, quant.Rows(info.Shape))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, x.Rows*x.Cols)
			if err := x.Dequantize(got); err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(m.list, func(w quant.Tensor) bool { return w.Name == info.Name })
			lost := 0.0
			for k, v := range m.list[at].Data {
				d := float64(got[k] - v)
				lost += d * d
			}
			off := 10 * math.Log10(x.Noise()/lost)
			t.Logf("%-50s %-30s off by %5.2f dB, within %.1f", name, info.Stored, off, x.NoiseWithin())
			if math.Abs(off) > x.NoiseWithin() {
				t.Errorf("%s: the estimate is off by %.2f dB, and %.2f were said", name, off, x.NoiseWithin())
			}
		}
	}
}
