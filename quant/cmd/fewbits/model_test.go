package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/npy"
	"fewbits/quant/safetensors"
)

// TestModel quantizes a real model and looks at the result through inspect.
func TestModel(t *testing.T) {
	in := testdata.File(t, "gguf", "stories260K.gguf")
	for _, tt := range []struct {
		format   string
		fileType float64
		types    map[string]int
	}{
		// Rows of 172 fill no block; of 64 only those of 32; norms are kept.
		{"Q8_0", 7, map[string]int{"Q8_0": 32, "F16": 5, "F32": 11}},
		{"Q4_K", 15, map[string]int{"Q5_0": 32, "F16": 5, "F32": 11}},
		{"F16", 1, map[string]int{"F16": 37, "F32": 11}},
	} {
		t.Run(tt.format, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.gguf")
			q := decode[quantized](t, works(t, "quantize", in, "-to", tt.format, "-o", out, "-json"))
			alone(t, out)
			v := decode[inspected](t, works(t, "inspect", out, "-json"))
			types, bytes, values := map[string]int{}, int64(0), int64(0)
			for _, x := range v.Tensors {
				types[x.Type]++
				bytes += x.Bytes
				n, _ := quant.Count(x.Shape)
				values += int64(n)
			}
			if fmt.Sprint(types) != fmt.Sprint(tt.types) {
				t.Errorf("types %v, want %v", types, tt.types)
			}
			if q.Bytes != bytes || q.Values != values || q.FileBytes != v.Size || q.BitsPerWeight != float64(bytes)*8/float64(values) || len(q.Tensors) != 48 {
				t.Errorf("%d bytes, %d values, file of %d, %v bits: %d, %d, %d", q.Bytes, q.Values, q.FileBytes, q.BitsPerWeight, bytes, values, v.Size)
			}
			if m := meta(v, "general.file_type"); m != tt.fileType {
				t.Errorf("file type %v", m)
			}
			if m := meta(v, "general.architecture"); m != "llama" || v.Container != "gguf" {
				t.Errorf("architecture %v in %s", m, v.Container)
			}
			lost(t, in, out, q)
		})
	}
	text := works(t, "quantize", in, "-to", "Q4_K", "-o", filepath.Join(t.TempDir(), "out.gguf"))
	if !strings.Contains(text, "rows of 64 are not a multiple of 256") || !strings.Contains(text, "292,800 in 48 tensors") {
		t.Errorf("\n%s", text)
	}
}

func meta(v inspected, key string) any {
	for _, m := range v.Metadata {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

// lost compares what quantize says was lost with the files themselves.
func lost(t *testing.T, in, out string, q quantized) {
	t.Helper()
	was, is := openGGUF(t, in), openGGUF(t, out)
	at := map[string]int{}
	for i, info := range was.Tensors() {
		at[info.Name] = i
	}
	sum, n := 0.0, 0
	for i, info := range is.Tensors() {
		x, err := quant.ReadTensor(was, at[info.Name])
		if err != nil {
			t.Fatal(err)
		}
		y, err := quant.ReadTensor(is, i)
		if err != nil {
			t.Fatal(err)
		}
		r := q.Tensors[i]
		if r.Name != info.Name || r.To != info.Type || r.From != "F32" || r.Bytes != info.Bytes {
			t.Fatalf("%+v is %+v", r, info)
		}
		e := squared(x.Data, y.Data)
		if r.Metrics == nil {
			if e != 0 {
				t.Errorf("%s was copied and differs", info.Name)
			}
			continue
		}
		if mse := e / float64(x.Len()); math.Abs(float64(r.Metrics.MSE)-mse) > 1e-6*mse || r.Metrics.Bytes != int(info.Bytes) {
			t.Errorf("%s: MSE %v, want %v; %d bytes of %d", info.Name, r.Metrics.MSE, mse, r.Metrics.Bytes, info.Bytes)
		}
		sum, n = sum+e, n+x.Len()
	}
	if mse := sum / float64(n); math.Abs(float64(q.Metrics.MSE)-mse) > 1e-6*mse || q.Metrics.Values != n {
		t.Errorf("in all: MSE %v, want %v; %d values of %d", q.Metrics.MSE, mse, q.Metrics.Values, n)
	}
}

// TestFromQuantized takes files whose tensors are quantized already: they are
// dequantized first.
func TestFromQuantized(t *testing.T) {
	in := testdata.File(t, "gguf", "stories260K.gguf")
	dir := t.TempDir()
	mid := filepath.Join(dir, "mid.gguf")
	works(t, "quantize", in, "-to", "Q5_1", "-o", mid)
	const name = "blk.2.attn_q.weight"
	f := openGGUF(t, mid)
	i := slices.IndexFunc(f.Tensors(), func(x quant.TensorInfo) bool { return x.Name == name })
	x, err := quant.ReadTensor(f, i)
	if err != nil || f.Tensors()[i].Type != "Q5_1" {
		t.Fatal(f.Tensors()[i], err)
	}
	back, bin, again, st := filepath.Join(dir, "x.npy"), filepath.Join(dir, "x.bin"), filepath.Join(dir, "again.gguf"), filepath.Join(dir, "x.safetensors")
	if text := works(t, "dequantize", mid, "-tensor", name, "-o", back); !strings.Contains(text, "64 × 64, from Q5_1 to float32") {
		t.Errorf("%s", text)
	}
	if y := array(t, back); !sameFloats(x.Data, y.Data) || !slices.Equal(y.Shape, x.Shape) {
		t.Error("dequantize differs")
	}
	q8, _ := formats.Lookup("Q8_0")
	p, err := q8.Quantize(x, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	works(t, "quantize", mid, "-to", "Q8_0", "-tensor", name, "-o", bin)
	if !bytes.Equal(load(t, bin), p.Bytes) {
		t.Error("the bytes of one tensor differ")
	}
	works(t, "quantize", mid, "-to", "Q8_0", "-o", again)
	if !bytes.Equal(raw(t, openGGUF(t, again), name), p.Bytes) {
		t.Error("the tensor in the model differs")
	}
	works(t, "quantize", mid, "-to", "FP32", "-o", st)
	if !bytes.Equal(raw(t, openSafetensors(t, st), name), float32s(x.Data)) {
		t.Error("the tensor in safetensors differs")
	}
	m := decode[measureOut](t, works(t, "measure", mid, "-to", "Q5_1", "-tensor", name, "-json"))
	if len(m.Formats) != 1 || len(m.Formats[0].Tensors) != 1 || m.Formats[0].Tensors[0].Tensor != name {
		t.Errorf("%+v", m)
	}
}

// measureOut is what measure -json prints.
type measureOut struct {
	File    string     `json:"file"`
	Formats []measured `json:"formats"`
}

func openSafetensors(t *testing.T, path string) *safetensors.File {
	t.Helper()
	b := load(t, path)
	f, err := safetensors.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSingleIntoModel makes files of one tensor out of an npy file.
func TestSingleIntoModel(t *testing.T) {
	in := testdata.File(t, "npy", "gpt2_q88_block_0_q.npy") // int16
	dir := t.TempDir()
	out, bin := filepath.Join(dir, "x.gguf"), filepath.Join(dir, "x.bin")
	q := decode[quantized](t, works(t, "quantize", in, "-to", "Q6_K", "-o", out, "-json"))
	works(t, "quantize", in, "-to", "Q6_K", "-o", bin)
	f := openGGUF(t, out)
	if infos := f.Tensors(); len(infos) != 1 || infos[0].Type != "Q6_K" || !slices.Equal(infos[0].Shape, []int{768, 768}) {
		t.Fatalf("%+v", infos)
	}
	if !bytes.Equal(raw(t, f, "gpt2_q88_block_0_q"), load(t, bin)) {
		t.Error("the tensor in the model differs from its bytes alone")
	}
	if q.Tensors[0].From != "<i2" || q.Tensors[0].To != "Q6_K" {
		t.Errorf("%+v", q.Tensors[0])
	}
}

// npyBytes is an array as a file, of any type and order.
func npyBytes(descr string, fortran bool, shape string, body []byte) []byte {
	order := "False"
	if fortran {
		order = "True"
	}
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape)
	head += strings.Repeat(" ", 117-len(head)) + "\n"
	return slices.Concat([]byte("\x93NUMPY\x01\x00\x76\x00"), []byte(head), body)
}

// TestPlain converts arrays that lie in their files in every way.
func TestPlain(t *testing.T) {
	values := []float32{1, -2, 3, 4.5, -5, 6, 7, 8, 9, -10, 11, 12}
	le, be := binary.LittleEndian, binary.BigEndian
	each := func(f func(b []byte, v float32) []byte, x ...float32) (b []byte) {
		for _, v := range x {
			b = f(b, v)
		}
		return b
	}
	f4 := func(b []byte, v float32) []byte { return le.AppendUint32(b, math.Float32bits(v)) }
	f4be := func(b []byte, v float32) []byte { return be.AppendUint32(b, math.Float32bits(v)) }
	f8 := func(b []byte, v float32) []byte { return le.AppendUint64(b, math.Float64bits(float64(v))) }
	i4 := func(b []byte, v float32) []byte { return le.AppendUint32(b, uint32(int32(v))) }
	columns := make([]float32, 12) // the same values column by column
	for i, v := range values {
		columns[i%4*3+i/4] = v
	}
	whole := []float32{1, -2, 3, 4, -5, 6, 7, 8, 9, -10, 11, 12}
	tests := []struct {
		name string
		b    []byte
		want []float32
		from string
	}{
		{"little", npyBytes("<f4", false, "(3, 4)", each(f4, values...)), values, "<f4"},
		{"big", npyBytes(">f4", false, "(3, 4)", each(f4be, values...)), values, ">f4"},
		{"double", npyBytes("<f8", false, "(3, 4)", each(f8, values...)), values, "<f8"},
		{"fortran", npyBytes("<f4", true, "(3, 4)", each(f4, columns...)), values, "<f4"},
		{"whole", npyBytes("<i4", false, "(3, 4)", each(i4, whole...)), whole, "<i4"},
	}
	for _, tt := range tests {
		for _, format := range []string{"F32", "FP8_E5M2", "F16"} {
			t.Run(tt.name+"/"+format, func(t *testing.T) {
				in := save(t, "x.npy", tt.b)
				out := filepath.Join(filepath.Dir(in), "x.safetensors")
				q := decode[quantized](t, works(t, "quantize", in, "-to", format, "-o", out, "-json"))
				got, err := quant.ReadTensor(openSafetensors(t, out), 0)
				if err != nil || q.Tensors[0].From != tt.from {
					t.Fatal(q.Tensors[0], err)
				}
				f, _ := formats.Lookup(format)
				p, err := f.Quantize(quant.Tensor{Shape: []int{12}, Data: tt.want}, quant.Options{})
				if err != nil {
					t.Fatal(err)
				}
				want := make([]float32, 12)
				if err := f.Dequantize(p, want); err != nil {
					t.Fatal(err)
				}
				if !sameFloats(got.Data, want) || !slices.Equal(got.Shape, []int{3, 4}) {
					t.Errorf("%v, want %v", got, want)
				}
			})
		}
	}
}

// TestArchive converts an npz: what is whole stays whole, and vectors stay.
func TestArchive(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, body []byte) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var w bytes.Buffer
	x := normal(8*64, 1)
	if err := npy.Write(&w, quant.Tensor{Shape: []int{8, 64}, Data: x}); err != nil {
		t.Fatal(err)
	}
	add("w.npy", w.Bytes())
	vector := func(descr string, n int, body []byte) []byte {
		return npyBytes(descr, false, fmt.Sprintf("(%d,)", n), body)
	}
	add("ids.npy", vector("<i8", 2, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}))
	add("big.npy", vector(">f4", 1, []byte{0x3f, 0xc0, 0, 0}))
	add("half.npy", vector("<f2", 2, []byte{0, 0x3c, 0, 0xc0}))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	in := save(t, "x.npz", b.Bytes())
	dir := t.TempDir()

	out := filepath.Join(dir, "x.gguf")
	works(t, "quantize", in, "-to", "Q8_0", "-o", out)
	f := openGGUF(t, out)
	q8, _ := formats.Lookup("Q8_0")
	p, err := q8.Quantize(quant.Tensor{Shape: []int{8, 64}, Data: x}, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"w": p.Bytes, "ids": {1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"big": {0, 0, 0xc0, 0x3f}, "half": {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0},
	} {
		if got := raw(t, f, name); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", name, got, want)
		}
	}
	st := filepath.Join(dir, "x.safetensors")
	works(t, "quantize", in, "-to", "FP8_E4M3", "-o", st)
	g := openSafetensors(t, st)
	for name, want := range map[string][]byte{
		"ids": {1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "big": {0, 0, 0xc0, 0x3f}, "half": {0, 0x3c, 0, 0xc0},
	} {
		if got := raw(t, g, name); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", name, got, want)
		}
	}
}

// TestCheckpoints converts every PyTorch file there is that can be read.
func TestCheckpoints(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata.Dir(t), "pt", "*", "*.pt"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	done := 0
	for _, in := range files {
		if fewbits(t, "inspect", in).code != 0 {
			continue
		}
		out := filepath.Join(t.TempDir(), "x.safetensors")
		r := fewbits(t, "quantize", in, "-to", "FP32", "-o", out)
		if r.code != 0 {
			wellPut(t, r, in)
			continue
		}
		done++
		src, err := open(in)
		if err != nil {
			t.Fatal(err)
		}
		f := openSafetensors(t, out)
		for i, info := range src.Tensors() {
			if !info.Readable {
				continue
			}
			x, err := quant.ReadTensor(src, i)
			if err != nil {
				t.Fatal(err)
			}
			k := slices.IndexFunc(f.Tensors(), func(x quant.TensorInfo) bool { return x.Name == info.Name })
			y, err := quant.ReadTensor(f, k)
			if err != nil || !sameFloats(x.Data, y.Data) || !slices.Equal(x.Shape, y.Shape) {
				t.Errorf("%s: %s differs, %v", in, info.Name, err)
			}
		}
		src.Close()
	}
	if done < 25 {
		t.Errorf("only %d of %d files were converted", done, len(files))
	}
}
