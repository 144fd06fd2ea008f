package affine

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"fewbits/quant"
)

// golden is testdata/rtn.json; its field origin says who wrote the numbers.
type golden struct {
	Cases []struct {
		Name   string
		Bits   int
		Group  int
		Sym    bool
		Words  []string // a row's 32-bit words as hex; codes + 2^(b−1)
		Codes  []string // a row's codes, a hex digit each
		Offset int32    // of Codes and Zeros
		Scales [][]float32
		Zeros  [][]int32
	}
	Errors []struct {
		Name  string
		Bits  int
		Sym   bool
		Group int
		Rel   float64
	}
	Rows struct {
		Absmax []float32
		Codes  []int32
	} `json:"int8_rows"`
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	b, err := os.ReadFile("testdata/rtn.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// codesOf is the signed codes of a row of a golden case.
func codesOf(t *testing.T, bits int, word, digits string, offset int32) (codes []int32) {
	t.Helper()
	if word == "" {
		for _, d := range digits {
			v, err := strconv.ParseUint(string(d), 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, int32(v)-offset)
		}
		return codes
	}
	for ; word != ""; word = word[8:] {
		v, err := strconv.ParseUint(word[:8], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		for k := range 32 / bits {
			codes = append(codes, int32(v>>(k*bits)&(1<<bits-1))-1<<(bits-1))
		}
	}
	return codes
}

// Codes, scales and zero points are those of compressed-tensors and GPTQ.
func TestGoldenCodes(t *testing.T) {
	w := goldenW(t)
	for _, c := range readGolden(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			f := named(t, fmt.Sprintf("INT%d", c.Bits))
			_, m, _ := quantized(t, f, w, quant.Options{Group: c.Group, Symmetric: c.Sym})
			for r := range m.Rows {
				var word, digits string
				if c.Words != nil {
					word = c.Words[r]
				} else {
					digits = c.Codes[r]
				}
				want := codesOf(t, c.Bits, word, digits, c.Offset)
				if len(want) != m.Cols {
					t.Fatalf("row %d of the golden file has %d codes", r, len(want))
				}
				for j, q := range want {
					if got := m.Codes[r*m.Cols+j]; got != q {
						t.Errorf("row %d, column %d: code %d, want %d", r, j, got, q)
					}
				}
				for g, s := range c.Scales[r] {
					if got := m.Scales[r*m.Groups+g]; got != s {
						t.Errorf("row %d, group %d: scale %v, want %v", r, g, got, s)
					}
					if c.Zeros != nil {
						if got := m.Zeros[r*m.Groups+g]; got != float32(c.Zeros[r][g]-c.Offset) {
							t.Errorf("row %d, group %d: zero %v, want %d", r, g, got, c.Zeros[r][g]-c.Offset)
						}
					}
				}
			}
		})
	}
}

// The error of plain rounding, as GPTQ's repository measures it at the
// layer's output, for 8, 4 and 2 bits, per row and per group.
func TestGoldenErrors(t *testing.T) {
	w, x := goldenW(t), goldenX(t)
	product := func(a []float32) []float64 {
		y := make([]float64, 256*64)
		for i := range 256 {
			for o := range 64 {
				for c, v := range x.Data[i*128 : (i+1)*128] {
					y[i*64+o] += float64(v) * float64(a[o*128+c])
				}
			}
		}
		return y
	}
	norm := func(y []float64) (s float64) {
		for _, v := range y {
			s += v * v
		}
		return s
	}
	all := norm(product(w.Data))
	for _, c := range readGolden(t).Errors {
		t.Run(c.Name, func(t *testing.T) {
			f := named(t, fmt.Sprintf("INT%d", c.Bits))
			q, _, _ := quantized(t, f, w, quant.Options{Group: c.Group, Symmetric: c.Sym})
			for i, v := range w.Data {
				q[i] -= v
			}
			if got := norm(product(q)) / all; math.Abs(got-c.Rel) > 2e-5*c.Rel {
				t.Errorf("relative error %v, want %v", got, c.Rel)
			}
		})
	}
}

// INT8, narrow, a scale a row: what bitsandbytes calls vector-wise.
func TestGoldenVectorWise(t *testing.T) {
	g, x := readGolden(t), goldenX(t)
	_, m, _ := quantized(t, named(t, "INT8"), x, quant.Options{Narrow: true, Granularity: quant.PerChannel})
	for r, a := range g.Rows.Absmax {
		if got := m.Scales[r]; got != a/127 {
			t.Errorf("row %d: scale %v, want %v", r, got, a/127)
		}
	}
	for c, q := range g.Rows.Codes {
		if m.Codes[c] != q {
			t.Errorf("column %d: code %d, want %d", c, m.Codes[c], q)
		}
	}
}
