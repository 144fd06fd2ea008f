package testdata

import (
	"encoding/json"
	"os"
	"testing"

	"fewbits/quant"
)

// draws is SplitMix64 (Steele, Lea, Flood 2014).
type draws uint64

func (s *draws) next() uint64 {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return z ^ (z >> 31)
}

// normal is about normal: twelve uniform draws less six.
func (s *draws) normal() float64 {
	sum := int64(0)
	for range 12 {
		sum += int64(s.next() >> 40)
	}
	return float64(sum-6<<24) / (1 << 24)
}

// Weights are the 64 × 128 of the vectors of the calibrating methods: about
// normal, one of 97 eight times as large.
func Weights() quant.Tensor {
	s := draws(1)
	t := quant.Tensor{Name: "w", Shape: []int{64, 128}, Data: make([]float32, 64*128)}
	for i := range 64 {
		for j := range 128 {
			v := s.normal() * 0.046875
			if (i*131+j*17)%97 == 0 {
				v *= 8
			}
			t.Data[i*128+j] = float32(v)
		}
	}
	return t
}

// Activations are the 256 tokens × 128 inputs that go with Weights: inputs are
// correlated, eight of them much larger than the rest.
func Activations() *quant.Tensor {
	s := draws(2)
	t := &quant.Tensor{Name: "x", Shape: []int{256, 128}, Data: make([]float32, 256*128)}
	var g [128]float64
	for row := range 256 {
		for c := range g {
			g[c] = s.normal()
		}
		for c := range g {
			v := 0.625*g[c] + 0.75*g[7*c%16]
			switch {
			case c%16 == 3:
				v *= 8
			case c%5 == 0:
				v *= 0.25
			}
			t.Data[row*128+c] = float32(v)
		}
	}
	return t
}

// Vectors reads a JSON file of the package under test.
func Vectors(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Codes are hexadecimal digits, so many to a code, row after row.
func Codes(t testing.TB, rows []string, digits int) []int32 {
	t.Helper()
	var codes []int32
	for _, row := range rows {
		for i := 0; i+digits <= len(row); i += digits {
			q := int32(0)
			for _, d := range row[i : i+digits] {
				switch {
				case d >= '0' && d <= '9':
					d -= '0'
				case d >= 'a' && d <= 'f':
					d -= 'a' - 10
				default:
					t.Fatalf("%q is no hexadecimal digit", d)
				}
				q = q<<4 | d
			}
			codes = append(codes, q)
		}
	}
	return codes
}
