package npy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"fewbits/quant"
)

type member struct {
	name   string
	data   []byte
	method uint16
}

func archiveOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 9) })
	for _, m := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: m.method})
		if err == nil {
			_, err = w.Write(m.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestZip(t *testing.T) {
	one := file(dict("'<i2'", false, "(2,)"), 1, 0, 2, 0)
	object := file(dict("'|O'", false, "(2,)"), 0x80, 4)
	f := mustOpen(t, archiveOf(t,
		member{"folder/", nil, zip.Store},
		member{"a/one.npy", one, zip.Store},
		member{"two.npy", one, zip.Deflate},
		member{"object.npy", object, zip.Store},
		member{"readme.txt", []byte("hello"), zip.Store},
	))
	if len(f.Tensors()) != 3 || f.Container() != "npz" {
		t.Fatalf("got %+v", f.Tensors())
	}
	if m := f.Metadata(); len(m) != 1 || m[0].Key != "readme.txt" {
		t.Errorf("got %+v", m)
	}
	for i, name := range []string{"a/one", "two"} {
		x, err := quant.ReadTensor(f, i)
		if err != nil || x.Name != name || len(x.Data) != 2 || x.Data[1] != 2 {
			t.Errorf("got %+v, %v", x, err)
		}
		b := make([]byte, 2)
		if err := f.ReadRaw(i, 2, b); err != nil || string(b) != "\x02\x00" {
			t.Errorf("got % x, %v", b, err)
		}
	}
	info := f.Tensors()[2]
	if err := f.ReadRows(2, 0, 1, make([]float32, 2)); info.Readable || !strings.Contains(info.Why, "Python objects") || err == nil || !strings.Contains(err.Error(), info.Why) {
		t.Errorf("got %+v, %v", info, err)
	}
	f.SetName("x") // does nothing to an npz
	if f.Tensors()[0].Name != "a/one" {
		t.Error("an npz was renamed")
	}
}

func TestZipRefused(t *testing.T) {
	one := file(dict("'<i2'", false, "(2,)"), 1, 0, 2, 0)
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"no arrays", archiveOf(t, member{"readme.txt", []byte("hello"), zip.Store}), "no arrays"},
		{"nothing", archiveOf(t), "no arrays"},
		{"only objects", archiveOf(t, member{"x.npy", file(dict("'|O'", false, "()")), zip.Store}), `member "x.npy": byte 20: the array holds Python objects`},
		{"damaged header", archiveOf(t, member{"x.npy", one, zip.Store}, member{"y.npy", []byte("nothing of the kind"), zip.Store}), `member "y.npy": the file begins with`},
		{"short", archiveOf(t, member{"x.npy", one[:len(one)-1], zip.Store}), `member "x.npy": 1 bytes are missing`},
		{"name twice", archiveOf(t, member{"x.npy", one, zip.Store}, member{"x.npy", one, zip.Store}), "two members"},
		{"cut off", archiveOf(t, member{"x.npy", one, zip.Store})[:60], "cut off"},
	}
	for _, tt := range tests {
		_, err := openBytes(tt.file)
		if err == nil || !strings.HasPrefix(err.Error(), "npz: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestBomb opens a member of some 64 KiB that inflates to 64 MiB,
// of which the array is the first few bytes: the rest must never be inflated.
func TestBomb(t *testing.T) {
	small := file(dict("'<i2'", false, "(2,)"), 1, 0, 2, 0)
	bomb := archiveOf(t, member{"x.npy", append(small, make([]byte, 64<<20)...), zip.Deflate})
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x, err := quant.ReadTensor(mustOpen(t, bomb), 0)
	runtime.ReadMemStats(&after)
	if err != nil || x.Data[1] != 2 {
		t.Fatalf("got %+v, %v", x, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("a bomb of %d KiB made %d MiB", len(bomb)>>10, used>>20)
	}
}

// TestWrite wants what numpy.save writes, byte for byte.
func TestWrite(t *testing.T) {
	deep := make([]int, 21)
	for i := range deep {
		deep[i] = 1
	}
	deep[20] = 2
	tests := []struct {
		name string
		t    quant.Tensor
	}{
		{"save_scalar", quant.Tensor{Shape: []int{}, Data: []float32{1.5}}},
		{"save_one", quant.Tensor{Shape: []int{3}, Data: []float32{0, 1, 2}}},
		{"save_two", quant.Tensor{Shape: []int{2, 3}, Data: []float32{0, 1, 2, 3, 4, 5}}},
		{"save_empty", quant.Tensor{Shape: []int{0, 3}}},
		{"save_deep", quant.Tensor{Shape: deep, Data: []float32{0, 1}}},
	}
	for _, tt := range tests {
		var buf bytes.Buffer
		if err := Write(&buf, tt.t); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if want := read(t, "testdata/"+tt.name+".npy"); !bytes.Equal(buf.Bytes(), want) {
			t.Errorf("%s: got\n%q, want\n%q", tt.name, buf.Bytes(), want)
		}
	}
	var buf bytes.Buffer
	if err := Write(&buf, quant.Tensor{Name: "w", Shape: []int{3}, Data: make([]float32, 2)}); err == nil || buf.Len() > 0 {
		t.Errorf("got %v and %d bytes", err, buf.Len())
	}
	if err := WriteHeader(&buf, []int{-1}); err == nil {
		t.Error("a negative dimension was written")
	}
}

func FuzzOpenZip(f *testing.F) {
	one := file(dict("'<i2'", true, "(2, 2)"), 1, 0, 2, 0, 3, 0, 4, 0)
	f.Add(archiveOf(f, member{"x.npy", one, zip.Store}))
	f.Add(archiveOf(f, member{"x.npy", one, zip.Deflate}, member{"y.txt", one, zip.Store}))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := OpenZip(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for i, info := range file.Tensors() {
			if info.Readable && info.Len() < 1<<20 {
				quant.ReadTensor(file, i) // a damaged member may fail; it may not panic
			}
		}
	})
}

// TestConcurrent reads one archive from several goroutines, as workers may.
func TestConcurrent(t *testing.T) {
	f := mustOpen(t, read(t, "testdata/all_compressed.npz"))
	errs := make(chan error)
	for g := range 4 {
		go func() {
			for k := range len(f.Tensors()) {
				i := (k*7 + g*5) % len(f.Tensors())
				x, err := quant.ReadTensor(f, i)
				if err == nil && strings.HasSuffix(x.Name, "_f") && x.Len() == 24 && x.Data[1]-x.Data[0] != 1 && !strings.HasPrefix(x.Name, "b1") {
					err = fmt.Errorf("%s: got %v", x.Name, x.Data)
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
