package ggml

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/libggml"
	"fewbits/quant/internal/testdata"
)

// Attention matrices of GPT-2, 768 × 768, held as int16 in 256ths.
func TestRealGPT2(t *testing.T) {
	o := libggml.Need(t)
	const cols = 768
	rows := 48
	if os.Getenv("FEWBITS_LONG") != "" {
		rows = cols
	}
	for _, part := range []string{"q", "k", "v", "o"} {
		data, err := os.ReadFile(testdata.File(t, "npy", "gpt2_q88_block_0_"+part+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		data = data[len(data)-2*cols*cols:]
		x := make([]float32, rows*cols)
		importance := make([]float32, cols)
		for i := range x {
			x[i] = float32(int16(binary.LittleEndian.Uint16(data[2*i:]))) / 256
			importance[i%cols] += x[i] * x[i]
		}
		for _, f := range quick() {
			t.Run(f.typ().Name+"/"+part, func(t *testing.T) {
				compare(t, o, f, part, x, cols, nil)
				compare(t, o, f, part, x, cols, importance)
			})
		}
	}
}

// RWKV models that rwkv.cpp quantized to Q5_0 and Q5_1 with the ggml of its day.
func TestRealRWKV(t *testing.T) {
	for _, model := range []string{"tiny-rwkv-4v0-660K", "tiny-rwkv-5v1-730K"} {
		plain := readRWKV(t, testdata.File(t, "rwkv", model+"-FP32.bin"))
		for _, f := range []*format{q50, q51} {
			t.Run(model+"/"+f.typ().Name, func(t *testing.T) {
				blocks := 0
				for name, packed := range readRWKV(t, testdata.File(t, "rwkv", model+"-"+f.typ().Name+".bin")) {
					if packed.dtype != rwkvTypes[f.typ().Name] {
						continue
					}
					from := plain[name]
					x := make([]float32, len(from.data)/4)
					for i := range x {
						x[i] = math.Float32frombits(binary.LittleEndian.Uint32(from.data[4*i:]))
					}
					p, err := f.Quantize(quant.Tensor{Name: name, Shape: from.shape, Data: x}, quant.Options{})
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(p.Bytes, packed.data) {
						t.Errorf("%s: bytes differ", name)
					}
					blocks += len(x) / 32
				}
				if blocks < 10000 {
					t.Errorf("only %d blocks were compared", blocks)
				}
			})
		}
	}
}

// rwkvTypes are the numbers that rwkv.cpp gives types.
var rwkvTypes = map[string]uint32{"F32": 0, "F16": 1, "Q5_0": 7, "Q5_1": 8}

type rwkvTensor struct {
	dtype uint32
	shape []int
	data  []byte
}

// readRWKV reads the container of rwkv.cpp: 'ggmf', version, n_vocab, n_embed,
// n_layer, type; of each tensor the dimensions, length of its name, type, each
// dimension (innermost first), name, data.
func readRWKV(t *testing.T, file string) map[string]rwkvTensor {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(data[24:])
	tensors := map[string]rwkvTensor{}
	for r.Len() > 0 {
		var h struct{ Dims, Name, Type uint32 }
		read(t, r, &h)
		dims, name := make([]uint32, h.Dims), make([]byte, h.Name)
		read(t, r, dims)
		read(t, r, name)
		v := rwkvTensor{dtype: h.Type}
		n := 1
		for _, d := range dims {
			v.shape = append([]int{int(d)}, v.shape...)
			n *= int(d)
		}
		for typ, id := range rwkvTypes {
			if id == h.Type {
				typ, _ := TypeByName(typ)
				v.data = make([]byte, n/typ.Block*typ.Bytes)
			}
		}
		read(t, r, v.data)
		tensors[strings.Clone(string(name))] = v
	}
	return tensors
}

func read(t *testing.T, r io.Reader, v any) {
	t.Helper()
	if err := binary.Read(r, binary.LittleEndian, v); err != nil {
		t.Fatal(err)
	}
}
