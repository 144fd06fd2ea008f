package session

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/wasm/wire"
)

// blocked is a GGUF file of one tensor, quantized to a type or in F32.
func blocked(t *testing.T, typ string, shape []int, x []float32) (file, raw []byte) {
	t.Helper()
	if typ == "F32" {
		for _, v := range x {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
	} else {
		f, ok := formats.Lookup(typ)
		if !ok {
			t.Fatalf("there is no format %q", typ)
		}
		var o quant.Options
		if f.Info().Importance == quant.Required {
			o.Importance = slices.Repeat([]float32{1}, quant.Cols(shape))
		}
		p, err := f.Quantize(quant.Tensor{Shape: shape, Data: x}, o)
		if err != nil {
			t.Fatal(err)
		}
		raw = p.Bytes
	}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, []quant.Meta{{Key: "general.architecture", Value: "llama"}}, []gguf.TensorPlan{{Name: "w.weight", Shape: shape, Type: typ}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteTensor(0, raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), raw
}

// inFile is a session that holds the only tensor of such a file.
func inFile(t *testing.T, typ string, shape []int, x []float32) (*Session, wire.TensorStats, []byte) {
	t.Helper()
	file, raw := blocked(t, typ, shape, x)
	s, _ := opened(t, "m.gguf", file)
	var stats wire.TensorStats
	if err := request(s, wire.OpLoad, wire.Source{Kind: "file"}, Attachment{}, &stats); err != nil {
		t.Fatal(err)
	}
	return s, stats, raw
}

// half reads IEEE half precision.
func half(b []byte) float64 {
	h := binary.LittleEndian.Uint16(b)
	sign, e, m := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
	if e == 0 {
		return sign * math.Ldexp(m, -24)
	}
	return sign * math.Ldexp(1024+m, e-25)
}

// TestStoredScales plots what blocks hold, read here by hand.
func TestStoredScales(t *testing.T) {
	const rows, cols, row = 7, 512, 4
	x := bell(rows * cols)
	for _, tt := range []struct {
		typ          string
		group, block int // weights that share a scale, and bytes of a block of block weights
		weights      int
		kind         string
		of           func(b []byte, g int) (scale, second float64)
	}{
		{"Q8_0", 32, 34, 32, "", func(b []byte, _ int) (float64, float64) { return half(b), 0 }},
		{"Q4_1", 32, 20, 32, "min", func(b []byte, _ int) (float64, float64) { return half(b), half(b[2:]) }},
		{"Q4_0", 32, 18, 32, "zero", func(b []byte, _ int) (float64, float64) { return half(b), 8 }},
		{"MXFP4", 32, 17, 32, "", func(b []byte, _ int) (float64, float64) { return math.Ldexp(1, int(b[0])-127), 0 }},
		{"Q6_K", 16, 210, 256, "zero", func(b []byte, g int) (float64, float64) {
			return half(b[208:]) * float64(int8(b[192+g])), 32
		}},
		{"Q2_K", 16, 84, 256, "min", func(b []byte, g int) (float64, float64) {
			return half(b[80:]) * float64(b[g]&15), -half(b[82:]) * float64(b[g]>>4)
		}},
	} {
		t.Run(tt.typ, func(t *testing.T) {
			s, stats, raw := inFile(t, tt.typ, []int{rows, cols}, x)
			if stats.Inside == nil || stats.Inside.Type != tt.typ || stats.Type != tt.typ {
				t.Fatalf("%+v", stats)
			}
			a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: wire.AsStored, Row: row, Col: 300})
			if a.Stored != tt.typ || a.Metrics.MSE != 0 || a.Zero.Kind != tt.kind || a.Scale.Groups != cols/tt.group || a.Metrics.Bytes != len(raw) {
				t.Fatalf("%s", a.text)
			}
			per := tt.weights / tt.group
			for g, got := range a.arrays["scaleRow"] {
				b := raw[(row*cols/tt.weights+g/per)*tt.block:][:tt.block]
				scale, second := tt.of(b, g%per)
				if math.Abs(float64(got)-scale) > 1e-6*math.Abs(scale) {
					t.Fatalf("scale of group %d: %v, the block holds %v", g, got, scale)
				}
				if tt.kind != "" {
					if z := float64(a.arrays["zeroRow"][g]); math.Abs(z-second) > 1e-6*math.Abs(second) {
						t.Fatalf("second of group %d: %v, the block holds %v", g, z, second)
					}
				}
			}
			n := (row*cols + 300) / tt.weights
			if o := a.Opened; o.Block != n || o.Hex != hex.EncodeToString(raw[n*tt.block:][:tt.block]) || o.XHat != o.X {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestStoredEveryType shows every type of block as it is, whole and sampled,
// and holds the values against the reader's.
func TestStoredEveryType(t *testing.T) {
	const rows, cols = 24, 512
	x := bell(rows * cols)
	for _, i := range formats.Infos() {
		if i.Family != quant.FamilyGGML {
			continue
		}
		t.Run(i.Name, func(t *testing.T) {
			s, stats, raw := inFile(t, i.Name, []int{rows, cols}, x)
			whole, err := quant.ReadTensor(s.file, 0)
			if err != nil {
				t.Fatal(err)
			}
			a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: wire.AsStored, Row: 17, Col: 400})
			checkArrays(t, a)
			sample := mustAnalyze(t, s, wire.AnalyzeArgs{Format: wire.AsStored, Row: 17, Col: 400, Sample: 8 * cols})
			checkArrays(t, sample)
			if !sample.Sampled || a.Sampled {
				t.Error("the sample is none, or the whole is one")
			}
			for _, o := range []wire.Opened{a.Opened, sample.Opened} {
				n := len(o.Hex) / 2
				at := (17*cols + 400) / i.BlockSize * i.BlockBytes
				if o.Row != 17 || o.Col != 400 || o.Hex != hex.EncodeToString(raw[at:at+n]) || float32(o.XHat) != whole.Data[17*cols+400] {
					t.Errorf("%+v", o)
				}
			}
			// What it lost, against the truth, which the file does not have.
			var e, xx float64
			for k, v := range x {
				d := float64(whole.Data[k]) - float64(v)
				e, xx = e+d*d, xx+float64(v)*float64(v)
			}
			in := stats.Inside
			truth, guess := 10*math.Log10(xx/e), 10*math.Log10((in.Power+in.Noise)/in.Noise)
			if math.Abs(truth-guess) > in.Within+0.2 || in.Values != rows*cols {
				t.Errorf("it lost %.2f dB, %.2f are estimated, within %v", truth, guess, in.Within)
			}
			var all wire.Inside
			if err := request(s, wire.OpInside, nil, Attachment{}, &all); err != nil {
				t.Fatal(err)
			}
			if len(all.Tensors) != 1 || math.Abs(all.Tensors[0].Noise/in.Noise-1) > 1e-9 || all.Tensors[0].Type != i.Name {
				t.Errorf("%+v, where the tensor itself says %+v", all, in)
			}
		})
	}
}

// TestTwice requantizes: what both quantizations lost is about the sum of what
// each of them did.
func TestTwice(t *testing.T) {
	const rows, cols = 32, 1024
	x := bell(rows * cols)
	for _, tt := range []struct{ first, then string }{{"Q4_K", "INT4"}, {"Q8_0", "Q4_0"}, {"Q6_K", "NF4"}, {"Q5_0", "Q5_K"}, {"IQ4_XS", "Q4_1"}} {
		s, stats, _ := inFile(t, tt.first, []int{rows, cols}, x)
		a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: tt.then, Options: map[string]string{"group": "32"}})
		var e, xx float64
		y := rebuilt(t, s)
		for i, v := range x {
			d := float64(y[i]) - float64(v)
			e, xx = e+d*d, xx+float64(v)*float64(v)
		}
		in := stats.Inside
		truth, guess := 10*math.Log10(xx/e), 10*math.Log10((in.Power+in.Noise)/(in.Noise+a.Metrics.MSE))
		if math.Abs(truth-guess) > in.Within {
			t.Errorf("%s then %s: both lost %.2f dB, %.2f are estimated", tt.first, tt.then, truth, guess)
		}
	}
}

func TestNotStored(t *testing.T) {
	x := bell(4 * 64)
	for name, s := range map[string]*Session{"values": loaded(t, []int{4, 64}, x), "F32": func() *Session { s, _, _ := inFile(t, "F32", []int{4, 64}, x); return s }()} {
		if _, err := analyzed(s, wire.AnalyzeArgs{Format: wire.AsStored}); err == nil || !strings.Contains(err.Error(), "not stored in blocks") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A tensor after one in blocks has none of its own.
	s, _, _ := inFile(t, "Q8_0", []int{4, 64}, x)
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: wire.AsStored})
	if err := request(s, wire.OpExport, wire.ExportArgs{As: "original"}, Attachment{}, &wire.Export{}); err == nil || !strings.Contains(err.Error(), "is not in the file") {
		t.Errorf("the original is offered: %v", err)
	}
	if err := request(s, wire.OpLoad, wire.Source{Kind: "sample", Name: "normal", Rows: 4, Cols: 64, Seed: 1}, Attachment{}, &wire.TensorStats{}); err != nil {
		t.Fatal(err)
	}
	if _, err := analyzed(s, wire.AnalyzeArgs{Format: wire.AsStored}); err == nil {
		t.Error("the blocks of the tensor before are shown")
	}
}
