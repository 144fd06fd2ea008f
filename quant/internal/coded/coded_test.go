package coded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/x448/float16"

	"fewbits/quant"
)

// layouts are of all kinds.
func layouts() []Layout {
	var all []Layout
	for bits := 1; bits <= 8; bits++ {
		for _, l := range []Layout{
			{Group: 7},
			{Group: 24, Zero: ZeroByte, Permuted: true, Follow: true},
			{Group: 5, Zero: ZeroFloat, Permuted: true},
			{Group: 16, Order: Across, Zero: ZeroFloat},
			{Group: 3, Order: Down, Zero: ZeroFloat},
			{Group: 36, Order: Down, Zero: ZeroFloat},
			{Group: 24, Signed: true, Inputs: true, Outliers: true},
			{Group: 1, At: 3, Inputs: true, Permuted: true, Follow: true, Outliers: true},
		} {
			l.Format, l.Bits, l.Rows, l.Cols = "test", bits, 6, 24
			all = append(all, l)
		}
	}
	return all
}

// matrix is one for a layout, of random numbers.
func matrix(l Layout, r *rand.Rand) *Matrix {
	m := &Matrix{Codes: make([]byte, l.values()), Scales: make([]float32, l.Blocks()), Zeros: make([]float32, l.Blocks())}
	for i := range m.Codes {
		m.Codes[i] = byte(r.IntN(1 << l.Bits))
	}
	for k := range m.Scales {
		m.Scales[k], m.Zeros[k] = float32(r.NormFloat64()), float32(r.IntN(200))
		if l.Zero == Implied {
			m.Zeros[k] = l.At
		}
	}
	for _, c := range r.Perm(l.Cols) {
		m.Permutation = append(m.Permutation, int32(c))
	}
	for range l.Cols {
		m.InputScales = append(m.InputScales, 1+r.Float32())
	}
	if l.Outliers {
		m.Outliers = []int32{1, 5, 23}
		for range 3 * l.Rows {
			m.Kept = append(m.Kept, float16.Fromfloat32(float32(r.NormFloat64())).Bits())
		}
	}
	return m
}

func reader(l Layout) Reader {
	return Reader{func([]int, quant.Options) (Layout, error) { return l, nil }}
}

// TestBack writes a matrix, reads it again in each way, and wants all to be
// what the parts say.
func TestBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, l := range layouts() {
		t.Run(fmt.Sprintf("%d bits, %+v", l.Bits, l), func(t *testing.T) {
			m := matrix(l, r)
			p := &quant.Packed{Shape: []int{l.Rows, l.Cols}, Bytes: l.Pack(m)}
			back := make([]float32, l.values())
			if err := reader(l).Dequantize(p, back); err != nil {
				t.Fatal(err)
			}
			got, err := reader(l).Params(p, true)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Permutation != nil) != l.Permuted || (got.InputScales != nil) != l.Inputs || (got.Outliers != nil) != l.Outliers {
				t.Errorf("permutation %v, input scales %v, outliers %v", got.Permutation, got.InputScales, got.Outliers)
			}
			for i, v := range back {
				want := value(l, m, i)
				o, err := reader(l).Open(p, i)
				if err != nil {
					t.Fatal(err)
				}
				at, row := got.GroupIndex[i%len(got.GroupIndex)], i/l.Cols
				if got.Flat {
					row = 0
				}
				g := row*got.Groups + int(at)
				q := int32(m.Codes[i])
				if l.Signed && q >= 1<<(l.Bits-1) {
					q -= 1 << l.Bits
				}
				if v != want || o.Value != want || got.Codes[i] != q || o.Code != q {
					t.Fatalf("value %d is %v, opened %v, code %d, opened %d; want %v and %d", i, v, o.Value, got.Codes[i], o.Code, want, q)
				}
				if l.Outliers && slices.Contains(m.Outliers, int32(i%l.Cols)) {
					continue
				}
				v := (float32(q) - got.Zeros[g]) * got.Scales[g]
				if l.Inputs {
					v /= got.InputScales[i%l.Cols]
				}
				if v != want {
					t.Fatalf("value %d is %v by its group, want %v", i, v, want)
				}
			}
		})
	}
}

// value is what value i of m is, found by searching all blocks for it.
func value(l Layout, m *Matrix, i int) float32 {
	row, c := i/l.Cols, i%l.Cols
	if l.Outliers {
		if j := slices.Index(m.Outliers, int32(c)); j >= 0 {
			return float16.Frombits(m.Kept[row*3+j]).Float32()
		}
	}
	block := 0
	switch l.Order {
	case Across:
		block = i / l.Group
	case Down:
		block = i % (l.values() / l.Group)
	default:
		place := c
		if l.Follow {
			place = slices.Index(m.Permutation, int32(c))
		}
		block = row*((l.Cols+l.Group-1)/l.Group) + place/l.Group
	}
	q := int32(m.Codes[i])
	if l.Signed && q >= 1<<(l.Bits-1) {
		q -= 1 << l.Bits
	}
	v := (float32(q) - m.Zeros[block]) * m.Scales[block]
	if l.Inputs {
		v /= m.InputScales[c]
	}
	return v
}

// TestDamaged wants no panic and, where sizes or orders are wrong, an error.
func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, l := range layouts() {
		p := &quant.Packed{Shape: []int{l.Rows, l.Cols}, Bytes: l.Pack(matrix(l, r))}
		back := make([]float32, l.values())
		whole := p.Bytes
		for _, n := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
			p.Bytes = whole[:n]
			var size *quant.SizeError
			if err := reader(l).Dequantize(p, back); !errors.As(err, &size) {
				t.Errorf("%+v: %d of %d bytes: %v", l, n, len(whole), err)
			}
		}
		for range 50 {
			p.Bytes = slices.Clone(whole)
			p.Bytes[r.IntN(len(whole))] ^= 1 << r.IntN(8)
			_ = reader(l).Dequantize(p, back)
			_, _ = reader(l).Params(p, true)
			_, _ = reader(l).Open(p, r.IntN(l.values()))
		}
		if l.Permuted {
			p.Bytes = slices.Clone(whole)
			copy(p.Bytes[4:8], p.Bytes[:4])
			if err := reader(l).Dequantize(p, back); err == nil {
				t.Errorf("%+v: a column that is there twice", l)
			}
		}
		if l.Outliers {
			p.Bytes = slices.Clone(whole)
			binary.LittleEndian.PutUint32(p.Bytes[l.size(0)-4:], math.MaxUint32)
			if err := reader(l).Dequantize(p, back); err == nil {
				t.Errorf("%+v: 2^32 − 1 outliers", l)
			}
		}
	}
}
