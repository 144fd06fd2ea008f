package ggml

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

func TestFormats(t *testing.T) {
	want := []struct {
		name string
		bits float64
	}{
		{"Q6_K", 6.5625}, {"Q5_K", 5.5}, {"Q4_K", 4.5}, {"Q3_K", 3.4375}, {"Q2_K", 2.625},
		{"Q8_0", 8.5}, {"Q5_1", 6}, {"Q5_0", 5.5}, {"Q4_1", 5}, {"Q4_0", 4.5},
		{"IQ4_NL", 4.5}, {"IQ4_XS", 4.25},
		{"IQ3_S", 3.4375}, {"IQ3_XXS", 3.0625}, {"IQ2_S", 2.5625}, {"IQ2_XS", 2.3125}, {"IQ2_XXS", 2.0625}, {"IQ1_M", 1.75}, {"IQ1_S", 1.5625},
		{"NVFP4", 4.5}, {"MXFP4", 4.25},
		{"Q2_0", 2.25}, {"TQ2_0", 2.0625}, {"TQ1_0", 1.6875}, {"Q1_0", 1.125},
	}
	for i, f := range Formats() {
		info := f.Info()
		if i >= len(want) || info.Name != want[i].name {
			t.Fatalf("format %d is %s", i, info.Name)
		}
		if info.BitsPerWeight != want[i].bits {
			t.Errorf("%s takes %v bits a weight, want %v", info.Name, info.BitsPerWeight, want[i].bits)
		}
		typ, ok := TypeByName(info.Name)
		if !ok || info.BlockSize != typ.Block || info.BlockBytes != typ.Bytes {
			t.Errorf("%s: blocks of %d in %d bytes, but the type has %d in %d", info.Name, info.BlockSize, info.BlockBytes, typ.Block, typ.Bytes)
		}
		if info.Family != quant.FamilyGGML || !info.RowLocal || info.Summary == "" || !strings.HasPrefix(info.Title, "ggml, ") {
			t.Errorf("%s: %+v", info.Name, info)
		}
	}
}

func TestRefused(t *testing.T) {
	x := make([]float32, 512)
	x[300] = float32(math.NaN())
	ones := make([]float32, 512)
	for i := range ones {
		ones[i] = 1
	}
	with := func(i int, v float32) []float32 {
		w := slices.Clone(ones)
		w[i] = v
		return w
	}
	tiny := make([]float32, 512)
	tiny[290] = 1e-39
	wide := slices.Clone(ones)
	wide[256], wide[257] = -3e38, 3e38
	huge := slices.Clone(ones)
	for i := range 32 {
		huge[256+32+i] = 1e20 * float32(i%5-2)
	}
	for _, tt := range []struct {
		name  string
		f     *format
		shape []int
		data  []float32
		w     []float32
		want  string
	}{
		{"NaN", q4K, []int{2, 256}, x, nil, "row 1, column 44 is NaN"},
		{"infinity", q80, []int{512}, with(7, float32(math.Inf(1))), nil, "column 7 is +Inf"},
		{"row length", q4K, []int{4, 128}, ones, nil, "not a multiple of the 256"},
		{"scalar", q80, []int{}, ones[:1], nil, "not a multiple of the 32"},
		{"values", q80, []int{2, 32}, ones, nil, "512 values given where 64 belong"},
		{"negative dimension", q80, []int{-1, 32}, nil, nil, "negative dimension"},
		{"weights", q4K, []int{2, 256}, ones, ones, "256 columns, but the importance matrix has 512"},
		{"no weights", q4K, []int{2, 256}, ones, []float32{}, "256 columns, but the importance matrix has 0"},
		{"negative weight", q40, []int{1, 512}, ones, with(3, -1), "column 3 is -1"},
		{"NaN weight", q51, []int{1, 512}, ones, with(3, float32(math.NaN())), "column 3 is NaN"},
		{"infinite weight", q2K, []int{1, 512}, ones, with(3, float32(math.Inf(1))), "column 3 is +Inf"},
		{"too small", q80, []int{2, 256}, tiny, nil, `row 1 cannot be quantized to Q8_0: the values of the block at column 32 are`},
		{"too small", q50, []int{2, 256}, tiny, nil, "row 1 cannot"},
		{"too wide", q41, []int{2, 256}, wide, nil, "row 1 cannot be quantized to Q4_1: the values of the block at column 0 are further apart"},
		{"too wide", q51, []int{2, 256}, wide, nil, "further apart"},
		{"importance missing", iq2XS, []int{2, 256}, ones, nil, `tensor "w": quantizing to IQ2_XS needs an importance matrix`},
		{"importance missing", iq1S, []int{2, 256}, ones, nil, "needs an importance matrix"},
		{"off the grid", iq3S, []int{2, 256}, huge, nil, "row 1 cannot be quantized to IQ3_S: no grid point is at a finite distance from the values of the group at column 32"},
		{"off the grid", iq2S, []int{2, 256}, huge, nil, "row 1 cannot be quantized to IQ2_S: "},
	} {
		t.Run(tt.name+"/"+tt.f.typ().Name, func(t *testing.T) {
			p, err := tt.f.Quantize(quant.Tensor{Name: "w", Shape: tt.shape, Data: tt.data}, quant.Options{Importance: tt.w})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want …%s…", p, err, tt.want)
			}
		})
	}
}

func TestRefusedPacked(t *testing.T) {
	for _, f := range all {
		typ := f.typ()
		good := quant.Packed{Shape: []int{1, typ.Block}, Bytes: make([]byte, typ.Bytes)}
		short, odd, negative, huge := good, good, good, good
		short.Bytes = good.Bytes[1:]
		odd.Shape = []int{1, typ.Block - 1}
		negative.Shape = []int{-1, typ.Block}
		huge.Shape = []int{1 << 20, 1 << 20}
		for _, p := range []*quant.Packed{&short, &odd, &negative, &huge} {
			if err := f.Dequantize(p, make([]float32, typ.Block)); err == nil {
				t.Errorf("%s: %v with %d bytes is dequantized", typ.Name, p.Shape, len(p.Bytes))
			}
			if _, err := f.Params(p, true); err == nil {
				t.Errorf("%s: %v with %d bytes has params", typ.Name, p.Shape, len(p.Bytes))
			}
			if _, err := f.Open(p, 0); err == nil {
				t.Errorf("%s: %v with %d bytes is opened", typ.Name, p.Shape, len(p.Bytes))
			}
		}
		var size *quant.SizeError
		if err := f.Dequantize(&good, make([]float32, typ.Block+1)); !errors.As(err, &size) || size.Want != typ.Block {
			t.Errorf("%s: one value too many: %v", typ.Name, err)
		}
		for _, i := range []int{-1, typ.Block} {
			if _, err := f.Open(&good, i); err == nil {
				t.Errorf("%s: value %d is opened", typ.Name, i)
			}
		}
	}
}

// An empty tensor is no error.
func TestEmpty(t *testing.T) {
	for _, f := range all {
		for _, shape := range [][]int{{0, f.typ().Block}, {3, 0}, {0}} {
			var o quant.Options
			if f.importance == quant.Required {
				o.Importance = make([]float32, quant.Cols(shape))
			}
			p, err := f.Quantize(quant.Tensor{Shape: shape}, o)
			if err != nil || len(p.Bytes) != 0 {
				t.Errorf("%s, %v: %v", f.typ().Name, shape, err)
				continue
			}
			if err := f.Dequantize(p, nil); err != nil {
				t.Errorf("%s, %v: %v", f.typ().Name, shape, err)
			}
			if params, err := f.Params(p, true); err != nil || len(params.Codes) != 0 {
				t.Errorf("%s, %v: %v", f.typ().Name, shape, err)
			}
		}
	}
}

// A row's bytes depend on that row alone, the tensor is left as it was, and
// types that have no use for importance take no notice of it.
func TestRowLocal(t *testing.T) {
	const rows, cols = 3, 512
	x := make([]float32, rows*cols)
	samples[1].fill(rand.New(rand.NewPCG(1, 3)), x)
	before := slices.Clone(x)
	_, importance := matrices(cols)
	for _, f := range all {
		for _, w := range importance[:2] {
			if w == nil && f.importance == quant.Required {
				continue
			}
			o := quant.Options{Importance: w}
			whole, err := f.Quantize(quant.Tensor{Shape: []int{rows, cols}, Data: x}, o)
			if err != nil {
				t.Fatal(err)
			}
			var joined []byte
			for r := range rows {
				one, err := f.Quantize(quant.Tensor{Shape: []int{rows, cols}, Data: x}.Slice(r, r+1), o)
				if err != nil {
					t.Fatal(err)
				}
				joined = append(joined, one.Bytes...)
			}
			if !bytes.Equal(whole.Bytes, joined) {
				t.Errorf("%s: rows on their own have other bytes", f.typ().Name)
			}
			if f.importance == quant.Never && whole.Options.Importance != nil {
				t.Errorf("%s: importance was used", f.typ().Name)
			}
		}
	}
	if !slices.Equal(x, before) {
		t.Error("the tensor was changed")
	}
}

func BenchmarkQuantize(b *testing.B) {
	const cols = 4096
	x := make([]float32, 16*cols)
	samples[0].fill(rand.New(rand.NewPCG(1, 1)), x)
	_, importance := matrices(cols)
	for _, f := range all {
		for i, w := range importance[:2] {
			if w != nil && f.importance == quant.Never || w == nil && f.importance == quant.Required {
				continue
			}
			b.Run(f.typ().Name+[]string{"", "/importance"}[i], func(b *testing.B) {
				b.SetBytes(int64(4 * len(x)))
				for b.Loop() {
					if _, err := f.Quantize(quant.Tensor{Shape: []int{16, cols}, Data: x}, quant.Options{Importance: w}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkDequantize(b *testing.B) {
	for _, f := range all {
		t := f.typ()
		src, dst := make([]byte, 256*256/t.Block*t.Bytes), make([]float32, 256*256)
		b.Run(t.Name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(dst)))
			for b.Loop() {
				f.read(dst, src)
			}
		})
	}
}
