package huggingface

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// TestTurned compares pieces of a matrix whose rows change their order with
// the permutation written as the converter writes it: reshape to heads × 2 ×
// d/2 rows, swap the inner two, reshape back.
func TestTurned(t *testing.T) {
	const heads, d, unit = 3, 8, 2
	in := make([]float32, heads*d*unit)
	for i := range in {
		in[i] = float32(i)
	}
	var want []float32
	for h := range heads {
		for j := range d / 2 {
			for p := range 2 {
				at := (h*d + p*d/2 + j) * unit
				want = append(want, in[at:at+unit]...)
			}
		}
	}
	read := func(row, n int, dst []float32) error {
		if len(dst) != n*unit {
			t.Fatalf("%d values for %d rows", len(dst), n)
		}
		copy(dst, in[row*unit:(row+n)*unit])
		return nil
	}
	for row := range heads * d {
		for n := range heads*d - row + 1 {
			got := make([]float32, n*unit)
			if err := turned(d, unit, row, n, got, read); err != nil {
				t.Fatal(err)
			}
			same(t, "rows", got, want[row*unit:(row+n)*unit], nil)
		}
	}
}

// TestReading reads models of every type in pieces, as rows and as bytes.
func TestReading(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, typ := range []string{"F32", "BF16", "F16", "F64"} {
		for _, class := range []string{"LlamaForCausalLM", "Gemma2ForCausalLM"} {
			t.Run(class+" "+typ, func(t *testing.T) {
				over := map[string]any{"attention_bias": true}
				if class == "Gemma2ForCausalLM" {
					over = map[string]any{"tie_word_embeddings": true, "head_dim": 16, "hidden_act": nil, "query_pre_attn_scalar": 16}
				}
				k := newCheckpoint(class, over)
				for _, name := range k.names {
					k.types[name] = typ
				}
				m := k.open(t)
				for i, info := range m.Tensors() {
					pieces(t, m, i, info, rng)
				}
			})
		}
	}
}

// pieces holds random pieces of a tensor against all of it.
func pieces(t *testing.T, m *Model, i int, info quant.TensorInfo, rng *rand.Rand) {
	t.Helper()
	typ, ok := dtype.Lookup(info.Type)
	if !ok || info.Bytes != int64(info.Len()*typ.Size) || !info.Readable || len(info.Shape) == 1 && info.Type != "F32" {
		t.Fatalf("%s: %+v", info.Name, info)
	}
	whole, err := quant.ReadTensor(m, i)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, info.Bytes)
	if err := m.ReadRaw(i, 0, raw); err != nil {
		t.Fatal(err)
	}
	decoded := make([]float32, info.Len())
	if err := typ.Decode(decoded, raw); err != nil {
		t.Fatal(err)
	}
	same(t, info.Name, decoded, whole.Data, nil)
	rows, cols := whole.Rows(), whole.Cols()
	for range 20 {
		from := rng.IntN(rows)
		n := rng.IntN(rows - from + 1)
		x := make([]float32, n*cols)
		if err := m.ReadRows(i, from, n, x); err != nil {
			t.Fatal(err)
		}
		same(t, info.Name, x, whole.Data[from*cols:(from+n)*cols], nil)
		at := rng.IntN(len(raw))
		b := make([]byte, rng.IntN(len(raw)-at+1))
		if err := m.ReadRaw(i, int64(at), b); err != nil || !bytes.Equal(b, raw[at:at+len(b)]) {
			t.Fatalf("%s: bytes from %d differ, %v", info.Name, at, err)
		}
	}
}

// TestValues checks what is computed, value by value.
func TestValues(t *testing.T) {
	k := newCheckpoint("GemmaForCausalLM", map[string]any{"tie_word_embeddings": nil, "head_dim": 16, "hidden_act": nil})
	k.types["model.norm.weight"] = "BF16"
	m := k.open(t)
	for i, info := range m.Tensors() {
		if info.Name != "output_norm.weight" {
			continue
		}
		raw := make([]byte, info.Bytes)
		if err := m.ReadRaw(i, 0, raw); err != nil {
			t.Fatal(err)
		}
		for j, v := range k.data["model.norm.weight"] {
			want := 1 + math.Float32frombits(math.Float32bits(v)&0xffff0000)
			if got := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*j:])); got != want {
				t.Fatalf("value %d is %v, want %v", j, got, want)
			}
		}
		return
	}
	t.Error("there is no output_norm.weight")
}

// TestOutside asks for what is not there.
func TestOutside(t *testing.T) {
	m := newCheckpoint("LlamaForCausalLM", map[string]any{"attention_bias": true}).open(t)
	for i, info := range m.Tensors() {
		rows, cols := quant.Rows(info.Shape), quant.Cols(info.Shape)
		for _, err := range []error{
			m.ReadRows(i, 0, rows+1, make([]float32, (rows+1)*cols)), m.ReadRows(i, -1, 1, make([]float32, cols)), m.ReadRows(i, rows, 1, make([]float32, cols)),
			m.ReadRows(i, 0, 1, make([]float32, cols+1)), m.ReadRaw(i, info.Bytes-1, make([]byte, 2)), m.ReadRaw(i, -1, make([]byte, 1)), m.ReadRaw(i, math.MaxInt64, make([]byte, 1)),
		} {
			if err == nil {
				t.Errorf("%s: no error", info.Name)
			}
		}
	}
	if m.ReadRows(-1, 0, 0, nil) == nil || m.ReadRaw(len(m.Tensors()), 0, nil) == nil {
		t.Error("there is a tensor that there is not")
	}
}
