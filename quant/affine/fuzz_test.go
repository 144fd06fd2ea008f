package affine

import (
	"math"
	"testing"

	"fewbits/quant"
)

// FuzzDequantize reads arbitrary bytes as a tensor of an arbitrary shape: it
// may fail, but not panic, and what it reads agrees with itself.
func FuzzDequantize(f *testing.F) {
	for k := range rows {
		for _, o := range every() {
			p, err := Formats()[k].Quantize(tensor(normal(1, 60), 20), o)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(k), 3, 20, flags(p.Options), p.Options.Group, p.Bytes)
		}
	}
	f.Add(uint8(3), -1, 5, uint8(0), 0, []byte{1})
	f.Add(uint8(3), 1<<30, 1<<30, uint8(2), 1, []byte{})
	f.Add(uint8(0), 0, 1<<40, uint8(3), -1, []byte{})
	f.Add(uint8(5), 1<<39, 1, uint8(3), math.MaxInt, []byte{})
	f.Fuzz(func(t *testing.T, k uint8, rows, cols int, bits uint8, group int, b []byte) {
		format := Formats()[int(k)%len(Formats())]
		o := quant.Options{Symmetric: bits&1 != 0, Group: group, Axis: int(bits >> 3 & 1),
			Granularity: []quant.Granularity{"", quant.PerTensor, quant.PerChannel, quant.PerGroup}[bits>>1&3]}
		if bits&16 != 0 {
			o.ScaleType = quant.ScaleF16
		}
		p := &quant.Packed{Format: format.Info().Name, Shape: []int{rows, cols}, Options: o, Bytes: b}
		n := p.Len()
		if n > 1<<16 {
			n = 1 << 16
		}
		y := make([]float32, n)
		err := format.Dequantize(p, y)
		m, perr := format.Params(p, true)
		if err != nil {
			return
		}
		if perr != nil {
			t.Fatal(perr)
		}
		for i := range y {
			if i > 100 && i%97 != 0 {
				continue
			}
			r, err := format.Open(p, i)
			if err != nil {
				t.Fatal(err)
			}
			if math.Float32bits(r.Value) != math.Float32bits(y[i]) && r.Value == r.Value || r.Code != m.Codes[i] {
				t.Fatalf("value %d: %v, code %d; opened %v, code %d", i, y[i], m.Codes[i], r.Value, r.Code)
			}
		}
	})
}

// flags is the options of a seed as the fuzz target takes them.
func flags(o quant.Options) (b uint8) {
	if o.Symmetric {
		b |= 1
	}
	switch o.Granularity {
	case quant.PerTensor:
		b |= 1 << 1
	case quant.PerChannel:
		b |= 2 << 1
	case quant.PerGroup:
		b |= 3 << 1
	}
	b |= uint8(o.Axis) << 3
	if o.ScaleType == quant.ScaleF16 {
		b |= 16
	}
	return b
}

// FuzzQuantize gives any finite values to any options: nothing but numbers
// comes back.
func FuzzQuantize(f *testing.F) {
	f.Add(uint8(0), uint16(0), []byte{0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xbf})
	f.Add(uint8(3), uint16(0xffff), []byte{0xff, 0xff, 0x7f, 0x7f, 0xff, 0xff, 0x7f, 0xff})
	f.Add(uint8(5), uint16(0x1234), []byte{1, 0, 0, 0, 1, 0, 0, 0x80})
	f.Fuzz(func(t *testing.T, k uint8, bits uint16, b []byte) {
		var x []float32
		for ; len(b) >= 4 && len(x) < 1<<12; b = b[4:] {
			x = append(x, math.Float32frombits(uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24))
		}
		format := Formats()[int(k)%len(Formats())]
		o := quant.Options{
			Symmetric:   bits&1 != 0,
			Narrow:      bits&2 != 0,
			Granularity: []quant.Granularity{"", quant.PerTensor, quant.PerChannel, quant.PerGroup}[bits>>2&3],
			Axis:        int(bits >> 4 & 1),
			Group:       []int{0, -1, 3, 32}[bits>>5&3],
			Range:       []quant.Range{"", quant.RangePercentile, quant.RangeMSE, quant.RangeEntropy}[bits>>7&3],
			Rounding:    []quant.Rounding{"", quant.RoundAway, quant.RoundStochastic, ""}[bits>>9&3],
			Seed:        uint64(bits),
		}
		cols := 1 + int(bits>>11)
		x = x[:len(x)/cols*cols]
		p, err := format.Quantize(tensor(x, cols), o)
		if err != nil {
			if quant.CheckFinite(tensor(x, cols)) == nil {
				t.Fatal(err)
			}
			return
		}
		y := make([]float32, len(x))
		if err := format.Dequantize(p, y); err != nil {
			t.Fatal(err)
		}
		if err := quant.CheckFinite(tensor(y, cols)); err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
	})
}
