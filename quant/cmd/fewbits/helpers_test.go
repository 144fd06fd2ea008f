package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/libggml"
	"fewbits/quant/internal/libllama"
	"fewbits/quant/npy"
)

func TestMain(m *testing.M) {
	libggml.Serve()
	libllama.Serve()
	os.Exit(m.Run())
}

// patience is how long a command on a small file may take at most.
const patience = 30 * time.Second

// result is what a command left behind.
type result struct {
	code     int
	out, err string
}

// fewbits runs the command in this process.
func fewbits(t testing.TB, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	done := make(chan int, 1)
	go func() { done <- run(ctx, args, &out, &errs) }()
	select {
	case code := <-done:
		if ctx.Err() != nil {
			t.Fatalf("fewbits %q took %v", args, patience)
		}
		return result{code, out.String(), errs.String()}
	case <-time.After(patience + 5*time.Second):
		t.Fatalf("fewbits %q hangs", args)
		return result{}
	}
}

// works is fewbits where it must succeed.
func works(t testing.TB, args ...string) string {
	t.Helper()
	r := fewbits(t, args...)
	if r.code != 0 {
		t.Fatalf("fewbits %q: exit %d: %s", args, r.code, r.err)
	}
	return r.out
}

// decode reads the JSON that a command printed.
func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return v
}

// save writes a file into the test's folder and returns its path.
func save(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// npyFile is a float32 array as a file.
func npyFile(t testing.TB, name string, shape []int, data ...float32) string {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, quant.Tensor{Shape: shape, Data: data}); err != nil {
		t.Fatal(err)
	}
	return save(t, name, b.Bytes())
}

func normal(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// array reads a float32 array that a command wrote.
func array(t testing.TB, path string) quant.Tensor {
	t.Helper()
	b := load(t, path)
	f, err := npy.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	x, err := quant.ReadTensor(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func float32s(x []float32) (b []byte) {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// ggufTensor is a tensor of F32 for ggufFile.
type ggufTensor struct {
	name  string
	shape []int
	data  []float32
}

func ggufFile(t testing.TB, name string, meta []quant.Meta, tensors ...ggufTensor) string {
	t.Helper()
	var plans []gguf.TensorPlan
	for _, x := range tensors {
		plans = append(plans, gguf.TensorPlan{Name: x.name, Shape: x.shape, Type: "F32"})
	}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, meta, plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range tensors {
		if err := w.WriteTensor(i, float32s(x.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return save(t, name, b.Bytes())
}

// openGGUF opens a file that a command wrote.
func openGGUF(t testing.TB, path string) *gguf.File {
	t.Helper()
	b := load(t, path)
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// raw are the bytes of the tensor of a name.
func raw(t testing.TB, f quant.Source, name string) []byte {
	t.Helper()
	for i, info := range f.Tensors() {
		if info.Name == name {
			b := make([]byte, info.Bytes)
			if err := f.ReadRaw(i, 0, b); err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("no tensor %q", name)
	return nil
}

// alone wants nothing in a file's folder but that file and those named.
func alone(t testing.TB, path string, others ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != filepath.Base(path) && !has(others, name) {
			t.Errorf("%s was left behind", name)
		}
	}
}

var testTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// setProcs sets how many cores are used until the test ends.
func setProcs(t *testing.T, n int) {
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}
