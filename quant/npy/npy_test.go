package npy

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/internal/testdata"
)

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openBytes(b []byte) (*File, error) {
	if bytes.HasPrefix(b, []byte("PK")) {
		return OpenZip(bytes.NewReader(b), int64(len(b)))
	}
	return Open(bytes.NewReader(b), int64(len(b)))
}

func mustOpen(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// file is an npy file of version 1 with a header's text as it is given.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint16([]byte(Magic+"\x01\x00"), uint16(len(header)))
	return append(append(b, header...), data...)
}

func dict(descr string, fortran bool, shape string) string {
	order := "False"
	if fortran {
		order = "True"
	}
	return fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }   \n", descr, order, shape)
}

type row struct {
	Shape  []int
	Values []float64
}

// TestNumPy compares every type, byte order and memory order with what NumPy
// says that its own files hold; testdata/make.py wrote both.
func TestNumPy(t *testing.T) {
	var want map[string]row
	if err := json.Unmarshal(read(t, "testdata/all.json"), &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"all.npz", "all_compressed.npz"} {
		f := mustOpen(t, read(t, "testdata/"+name))
		if len(f.Tensors()) != len(want) {
			t.Errorf("%s: got %d arrays, want %d", name, len(f.Tensors()), len(want))
		}
		for i, info := range f.Tensors() {
			x, err := quant.ReadTensor(f, i)
			w := want[info.Name]
			if err != nil || !slices.Equal(x.Shape, w.Shape) || len(x.Data) != len(w.Values) {
				t.Errorf("%s: %s: %v: got shape %v, %d values, want %v, %d", name, info.Name, err, x.Shape, len(x.Data), w.Shape, len(w.Values))
				continue
			}
			for k, v := range w.Values {
				if x.Data[k] != float32(v) {
					t.Errorf("%s: %s: value %d is %v, want %v", name, info.Name, k, x.Data[k], v)
					break
				}
			}
		}
	}
}

// TestRowByRow reads every run of rows of every array, backwards, so that a
// deflated member is inflated again, and compares with the whole.
func TestRowByRow(t *testing.T) {
	f := mustOpen(t, read(t, "testdata/all_compressed.npz"))
	for i, info := range f.Tensors() {
		whole, err := quant.ReadTensor(f, i)
		if err != nil {
			t.Fatal(err)
		}
		rows, cols := whole.Rows(), whole.Cols()
		if rows > 24 {
			rows = 24
		}
		for row := rows; row >= 0; row-- {
			for n := 0; row+n <= rows; n++ {
				got := make([]float32, n*cols)
				if err := f.ReadRows(i, row, n, got); err != nil || !slices.Equal(got, whole.Data[row*cols:(row+n)*cols]) {
					t.Fatalf("%s: rows %d to %d: %v, %v", info.Name, row, row+n, got, err)
				}
			}
		}
	}
}

func TestVersions(t *testing.T) {
	for v := 1; v <= 3; v++ {
		f := mustOpen(t, read(t, fmt.Sprintf("testdata/version%d.npy", v)))
		x, err := quant.ReadTensor(f, 0)
		if err != nil || !slices.Equal(x.Data, []float32{0, 1, 2, 3, 4, 5}) || !slices.Equal(x.Shape, []int{2, 3}) {
			t.Errorf("version %d: got %+v, %v", v, x, err)
		}
		if m := f.Metadata()[0]; m.Value != fmt.Sprintf("%d.0", v) {
			t.Errorf("version %d: got %+v", v, m)
		}
	}
}

// TestRealFiles compares every real array with what NumPy reads from it;
// testdata/real.py wrote the hashes.
func TestRealFiles(t *testing.T) {
	var want map[string][2]any
	if err := json.Unmarshal(read(t, "testdata/real.json"), &want); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, pattern := range []string{"npy/*", "candle/*.np?", "malformed/npy/*int*"} {
		paths, err := filepath.Glob(filepath.Join(testdata.Dir(t), filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			short := filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
			if strings.Contains(pattern, "malformed") {
				short = "malformed/" + short
			}
			f, err := openBytes(read(t, path))
			if err != nil {
				t.Errorf("%s: %v", short, err)
				continue
			}
			for i, info := range f.Tensors() {
				w, ok := want[short+":"+info.Name]
				x, err := quant.ReadTensor(f, i)
				if !ok || err != nil {
					t.Errorf("%s: %s: %v", short, info.Name, err)
					continue
				}
				b := make([]byte, 4*len(x.Data))
				if err := dtype.F32.Encode(b, x.Data); err != nil {
					t.Fatal(err)
				}
				sum := sha256.Sum256(b)
				if got := hex.EncodeToString(sum[:8]); got != w[1] || fmt.Sprint(x.Shape) != fmt.Sprint(w[0]) {
					t.Errorf("%s: %s: got %v %s, want %v", short, info.Name, x.Shape, got, w)
				}
				seen++
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d arrays were read, want %d", seen, len(want))
	}
}

// TestObjects wants every array of Python objects refused as such.
func TestObjects(t *testing.T) {
	for _, pattern := range []string{"malformed/npy/*obj*", "malformed/npy/*dns*"} {
		paths, err := filepath.Glob(filepath.Join(testdata.Dir(t), filepath.FromSlash(pattern)))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files for %s: %v", pattern, err)
		}
		for _, path := range paths {
			_, err := openBytes(read(t, path))
			if err == nil || !strings.Contains(err.Error(), "holds Python objects (a pickle), which Fewbits never runs; save it with dtype=float32") {
				t.Errorf("%s: got %v", filepath.Base(path), err)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		name, header string
		data         string
		shape        []int
		want         []float32
	}{
		{"other order, other quotes", `{"shape":(2,),"fortran_order":False,"descr":"<i2"}`, "\x01\x00\x02\x00", []int{2}, []float32{1, 2}},
		{"Python 2", "{'descr': u'<i2', 'fortran_order': False, 'shape': (2L, 1L), }\n", "\x01\x00\x02\x00", []int{2, 1}, []float32{1, 2}},
		{"space everywhere", "{ 'descr' : '<i2' , 'fortran_order' : True , 'shape' : ( 2 , 1 , ) , } \n", "\x01\x00\x02\x00", []int{2, 1}, []float32{1, 2}},
		{"scalar", dict("'>f4'", false, "()"), "\x40\x20\x00\x00", []int{}, []float32{2.5}},
		{"Fortran", dict("'|u1'", true, "(2, 3)"), "\x01\x02\x03\x04\x05\x06", []int{2, 3}, []float32{1, 3, 5, 2, 4, 6}},
		{"Fortran, three dimensions", dict("'|i1'", true, "(2, 2, 2)"), "\x00\x01\x02\x03\x04\x05\x06\xff", []int{2, 2, 2}, []float32{0, 4, 2, 6, 1, 5, 3, -1}},
		{"big-endian", dict("'>u2'", false, "(2,)"), "\x01\x00\x00\x02", []int{2}, []float32{256, 2}},
		{"native order", dict("'=i2'", false, "(1,)"), "\x03\x00", []int{1}, []float32{3}},
		{"no order", dict("'i2'", false, "(1,)"), "\x03\x00", []int{1}, []float32{3}},
		{"boolean", dict("'|b1'", false, "(3,)"), "\x00\x01\x02", []int{3}, []float32{0, 1, 1}},
		{"bfloat16 of ml_dtypes", dict("'<V2'", false, "(2,)"), "\xc0\x3f\xc0\x7f", []int{2}, []float32{1.5, nan}},
		{"bfloat16, big-endian", dict("'>V2'", false, "(1,)"), "\x3f\xc0", []int{1}, []float32{1.5}},
		{"bfloat16 by name", dict("'bfloat16'", false, "(1,)"), "\xc0\x3f", []int{1}, []float32{1.5}},
		{"float8_e5m2 of ml_dtypes", dict("'<f1'", false, "(2,)"), "\x3c\xbe", []int{2}, []float32{1, -1.5}},
		{"empty", dict("'<f4'", false, "(0, 4)"), "", []int{0, 4}, []float32{}},
		{"empty, Fortran", dict("'<f4'", true, "(4, 0)"), "", []int{4, 0}, []float32{}},
		{"bytes after the end", dict("'<i2'", false, "(1,)"), "\x03\x00\x09\x09\x09", []int{1}, []float32{3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustOpen(t, file(tt.header, []byte(tt.data)...))
			x, err := quant.ReadTensor(f, 0)
			if err != nil || !slices.Equal(x.Shape, tt.shape) || len(x.Data) != len(tt.want) {
				t.Fatalf("got %+v, %v", x, err)
			}
			for i, w := range tt.want {
				if x.Data[i] != w && w == w || w != w && x.Data[i] == x.Data[i] {
					t.Errorf("value %d is %v, want %v", i, x.Data[i], w)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	f4 := dict("'<f4'", false, "(2,)")
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "0 bytes are too few"},
		{"other file", []byte("GGUF and some more"), "begins with"},
		{"version 4", []byte(Magic + "\x04\x00\x00\x00\x00\x00"), "version 4.0"},
		{"version 1.1", []byte(Magic + "\x01\x01\x00\x00\x00\x00"), "version 1.1"},
		{"header past the end", []byte(Magic + "\x01\x00\xff\xff{'"), "65533 bytes of the header of 65535 bytes are missing"},
		{"giant header", []byte(Magic + "\x02\x00\xff\xff\xff\xff"), "at most 65536"},
		{"cut off", file(f4, 1, 2, 3), "5 bytes are missing at the end"},
		{"no data", file(dict("'<f8'", false, "(1000000, 1000000)")), "8000000000000 bytes are missing"},
		{"no dict", file("'<f4'"), "byte 10: want a Python dict"},
		{"call", file("{'descr': __import__('os')}"), "byte 20: want a string in quotes"},
		{"unknown key", file("{'descr': '<f4', 'order': False}"), `key "order"`},
		{"key twice", file("{'descr': '<f4', 'descr': '<f4'}"), `byte 27: key "descr" stands there twice`},
		{"missing key", file("{'descr': '<f4', 'shape': ()}"), `"fortran_order" is missing`},
		{"no colon", file("{'descr' '<f4'}"), "want :"},
		{"no comma", file("{'descr': '<f4' 'shape': ()}"), "want , or }"},
		{"more after the dict", file(strings.TrimSpace(f4) + " + 1"), "follows the dict"},
		{"string not closed", file("{'descr"), "not closed"},
		{"not a boolean", file("{'fortran_order': 0}"), "True or False"},
		{"number for shape", file(dict("'<f4'", false, "(2)")), "(2,)"},
		{"list for shape", file(dict("'<f4'", false, "[2]")), "want a tuple"},
		{"negative", file(dict("'<f4'", false, "(-1,)")), "whole number"},
		{"expression", file(dict("'<f4'", false, "(2*3,)")), "want , or )"},
		{"huge dimension", file(dict("'<f4'", false, "(99999999999999999999,)")), "larger than this machine can count"},
		{"huge shape", file(dict("'<f4'", false, "(1099511627776, 1099511627776)")), "2^40"},
		{"huge shape of nothing", file(dict("'<f4'", false, "(1099511627776, 1099511627776, 0)")), "2^40"},
		{"many dimensions", file(dict("'<f4'", false, "("+strings.Repeat("1,", 65)+")")), "more than 64"},
		{"L in version 3", append([]byte(Magic+"\x03\x00\x34\x00\x00\x00"), "{'descr': '<f4', 'fortran_order': False, 'shape': (2L,)}"...), "want , or )"},
		{"object", file(dict("'|O'", false, "(2,)")), "byte 20: the array holds Python objects (a pickle), which Fewbits never runs; save it with dtype=float32"},
		{"object of Python 2", file(dict("'|O8'", false, "(2,)")), "Python objects"},
		{"complex", file(dict("'<c8'", false, "(2,)")), "complex numbers"},
		{"text", file(dict("'<U7'", false, "(2,)")), "text"},
		{"bytes", file(dict("'|S7'", false, "(2,)")), "text"},
		{"dates", file(dict("'<M8[ns]'", false, "(2,)")), "dates"},
		{"long double", file(dict("'<f16'", false, "(2,)")), "differs between machines"},
		{"float8", file(dict("'<V1'", false, "(2,)")), "several float8"},
		{"void", file(dict("'|V2'", false, "(2,)")), "view(ml_dtypes.bfloat16)"},
		{"raw bytes", file(dict("'|V16'", false, "(2,)")), "raw bytes"},
		{"structured", file(dict("[('a', '<f4'), ('b]', '|O', (2,))]", false, "(2,)")), "byte 20: the array has a structured type"},
		{"subarray", file(dict("('<f4', (2,))", false, "(2,)")), "subarray"},
		{"brackets", file(dict("[('a', '<f4'])", false, "(2,)")), "do not match"},
		{"bracket not closed", file("{'descr': [("), "not closed"},
		{"nonsense", file(dict("'float'", false, "(2,)")), "differs between machines"},
		{"no type", file(dict("''", false, "(2,)")), "does not know"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openBytes(tt.file)
			if err == nil || !strings.HasPrefix(err.Error(), "npy: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestReadRaw(t *testing.T) {
	f := mustOpen(t, file(dict("'>u2'", false, "(2, 2)"), 1, 2, 3, 4, 5, 6, 7, 8, 9))
	b := make([]byte, 3)
	if err := f.ReadRaw(0, 5, b); err != nil || string(b) != "\x06\x07\x08" {
		t.Errorf("got % x, %v", b, err)
	}
	if err := f.ReadRaw(0, 6, b); err == nil {
		t.Error("read past the end of the tensor")
	}
	if err := f.ReadRaw(0, -1, b); err == nil {
		t.Error("read before the start of the tensor")
	}
	if err := f.ReadRaw(1, 0, b); err == nil || !strings.Contains(err.Error(), "there are 1 tensors") {
		t.Errorf("tensor 1: %v", err)
	}
	f = mustOpen(t, file(dict("'|u1'", true, "(2, 2)"), 1, 2, 3, 4))
	if err := f.ReadRaw(0, 0, b); err == nil || !strings.Contains(err.Error(), "column by column") {
		t.Errorf("Fortran order: %v", err)
	}
	f.SetName("w")
	if f.Tensors()[0].Name != "w" || f.Container() != "npy" {
		t.Errorf("got %+v", f.Tensors())
	}
}

func FuzzOpen(f *testing.F) {
	for _, name := range []string{"version1", "version2", "version3", "save_scalar", "save_empty"} {
		f.Add(read(f, "testdata/"+name+".npy"))
	}
	f.Add(file(dict("'>u2'", true, "(2L, 2,)"), 1, 2, 3, 4, 5, 6, 7, 8))
	f.Add(file(dict("[('a', '<f4')]", false, "()")))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if _, err := quant.ReadTensor(file, 0); err != nil {
			t.Errorf("opened, but not read: %v", err)
		}
	})
}
