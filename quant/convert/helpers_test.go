package convert

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/floats"
	"fewbits/quant/ggml"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/safetensors"
)

// lookup finds the formats that files hold.
func lookup(name string) (quant.Format, bool) {
	for _, f := range append(floats.Formats(), ggml.Formats()...) {
		if f.Info().Name == name {
			return f, true
		}
	}
	return nil, false
}

// slice is the length of slices in tests, in values.
const slice = 1 << 14

var options = Options{Formats: lookup, slice: slice}

// memory is a source in memory; its tensors are F32 unless raw says otherwise.
type memory struct {
	container string
	meta      []quant.Meta
	infos     []quant.TensorInfo
	values    [][]float32
	raw       [][]byte
	longest   int // of the reads so far, in values or bytes
}

func (m *memory) Container() string           { return m.container }
func (m *memory) Metadata() []quant.Meta      { return m.meta }
func (m *memory) Tensors() []quant.TensorInfo { return m.infos }

func (m *memory) ReadRows(i, row, n int, dst []float32) error {
	m.longest = max(m.longest, len(dst))
	cols := quant.Cols(m.infos[i].Shape)
	if len(dst) != n*cols {
		return fmt.Errorf("%d values for %d rows of %d", len(dst), n, cols)
	}
	copy(dst, m.values[i][row*cols:(row+n)*cols])
	return nil
}

func (m *memory) ReadRaw(i int, off int64, dst []byte) error {
	m.longest = max(m.longest, len(dst))
	copy(dst, m.raw[i][off:])
	return nil
}

func (m *memory) add(name, typ string, values []float32, shape ...int) {
	t, ok := dtype.Lookup(typ)
	if !ok {
		panic(typ)
	}
	raw := make([]byte, len(values)*t.Size)
	if err := t.Encode(raw, values); err != nil {
		panic(err)
	}
	m.infos = append(m.infos, quant.TensorInfo{Name: name, Shape: shape, Type: typ, Bytes: int64(len(raw)), Readable: true})
	m.values = append(m.values, values)
	m.raw = append(m.raw, raw)
}

// normal is n values of a normal distribution.
func normal(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64() * 0.05)
	}
	return x
}

func openGGUF(t testing.TB, b []byte) *gguf.File {
	t.Helper()
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func openSafetensors(t testing.TB, b []byte) *safetensors.File {
	t.Helper()
	f, err := safetensors.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func stories(t testing.TB) (*gguf.File, []byte) {
	t.Helper()
	b, err := os.ReadFile(testdata.File(t, "gguf", "stories260K.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	return openGGUF(t, b), b
}

// toGGUF converts to one type.
func toGGUF(t testing.TB, src quant.Source, format string) []byte {
	t.Helper()
	plan, err := PlanPure(src, format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := ToGGUF(t.Context(), &out, src, plan, options); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// same says whether two tensors hold the same bits.
func same(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}
