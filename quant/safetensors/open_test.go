package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// file is a length, a header and n bytes of data, byte by byte.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

func open(b []byte) (*File, error) { return Open(bytes.NewReader(b), int64(len(b))) }

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestReadmeExample opens the file in the doc comment of the reference.
func TestReadmeExample(t *testing.T) {
	f, err := open(append([]byte("<\x00\x00\x00\x00\x00\x00\x00{\"test\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}"), make([]byte, 16)...))
	if err != nil {
		t.Fatal(err)
	}
	want := []quant.TensorInfo{{Name: "test", Shape: []int{2, 2}, Type: "I32", Offset: 68, Bytes: 16, Readable: true}}
	if !reflect.DeepEqual(f.Tensors(), want) {
		t.Errorf("%+v", f.Tensors())
	}
}

func TestTolerated(t *testing.T) {
	tests := []struct {
		name, header string
		data         int
		tensors      int
	}{
		{"nothing", `{}`, 0, 0},
		{"padded", `{}      `, 0, 0},
		{"white space", "{ \"a\" :\n{\t\"shape\" : [ 1 , 2 ] ,\r\"data_offsets\":[0,2],\"dtype\":\"U8\" } } \n", 2, 1},
		{"empty metadata", `{"__metadata__":{}}`, 0, 0},
		{"empty tensor", `{"a":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[5,0,1099511627777],"data_offsets":[0,0]}}`, 0, 2},
		{"empty tensors between", `{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"e":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3, 3},
		{"scalar", `{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}`, 8, 1},
		{"order of the header is free", `{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 3, 2},
		{"4 bits a value", `{"a":{"dtype":"F4","shape":[3,2],"data_offsets":[0,3]}}`, 3, 1},
		{"escapes", `{"\u00e9\ud83d\ude00\n\"\\\/":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, 1},
		{"empty name", `{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := open(file(tt.header, tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Tensors()) != tt.tensors {
				t.Errorf("%d tensors: %+v", len(f.Tensors()), f.Tensors())
			}
			for i, info := range f.Tensors() {
				if !info.Readable {
					continue
				}
				if _, err := quant.ReadTensor(f, i); err != nil {
					t.Error(err)
				}
			}
			if tt.name == "escapes" && f.Tensors()[0].Name != "é😀\n\"\\/" {
				t.Errorf("name %q", f.Tensors()[0].Name)
			}
			if tt.name == "order of the header is free" && f.Tensors()[0].Name != "a" {
				t.Errorf("first tensor in the file is %q", f.Tensors()[0].Name)
			}
		})
	}
}

// TestHostile holds each check of Open to a file that fails just that check.
func TestHostile(t *testing.T) {
	one := func(fields string) []byte { return file(`{"w":{`+fields+`}}`, 4) }
	length := func(n uint64, rest string) []byte { return append(binary.LittleEndian.AppendUint64(nil, n), rest...) }
	tests := []struct {
		name  string
		file  []byte
		fault Fault
		want  string // in the message
	}{
		{"empty", nil, NotSafetensors, "0 bytes"},
		{"seven bytes", make([]byte, 7), NotSafetensors, "7 bytes"},
		{"eight zeros", make([]byte, 8), NotSafetensors, "another kind"},
		{"zip", []byte("PK\x03\x04\x14\x00\x00\x00\x08\x00 and more"), NotSafetensors, "another kind"},
		{"gguf", []byte("GGUF\x03\x00\x00\x00 and more"), NotSafetensors, "another kind"},
		{"not JSON", file(`hello`, 0), NotSafetensors, "does not start with '{'"},
		{"space before", file(` {}`, 0), NotSafetensors, "does not start with '{'"},
		{"length 2^64-1", length(math.MaxUint64, "{}"), Damaged, "18446744073709551615"},
		{"length 2^63", length(1<<63, "{}"), Damaged, "9223372036854775808"},
		{"length past 100 MB", length(100_000_001, "{}"), Damaged, "100000001"},
		{"length past the end", length(3, "{}"), Truncated, "3 bytes long, the file has 2 left"},
		{"header cut", length(1, "{}"), Damaged, "the header ends where"},
		{"JSON ends early", file(`{"w":{"dtype":"F32"`, 0), Damaged, "the header ends where ',' or '}'"},
		{"string ends early", file(`{"w`, 0), Damaged, "the end of a string"},
		{"no colon", file(`{"w"{}}`, 0), Damaged, `'{' stands where ':' should`},
		{"trailing comma", file(`{"__metadata__":{},}`, 0), Damaged, `'}' stands where a string should`},
		{"comma first", file(`{,}`, 0), Damaged, "stands where"},
		{"no comma", file(`{"__metadata__":{} "w":{}}`, 0), Damaged, `'"' stands where ',' or '}' should`},
		{"text after", file(`{} x`, 0), Damaged, "follows the end"},
		{"second object after", file(`{}{}`, 0), Damaged, "follows the end"},
		{"zeros after", file("{}\x00", 0), Damaged, "follows the end"},
		{"top is a list", file(`{[]}`, 0), Damaged, "stands where"},
		{"tensor is a list", file(`{"w":[]}`, 0), Damaged, `tensor "w", byte 13: '[' stands where '{' should`},
		{"tensor is null", file(`{"w":null}`, 0), Damaged, "'n' stands where"},
		{"metadata value is a number", file(`{"__metadata__":{"k":1}}`, 0), Damaged, `metadata "k", byte 29: '1' stands where a string should`},
		{"metadata value is an object", file(`{"__metadata__":{"k":{}}}`, 0), Damaged, "stands where a string should"},
		{"metadata key twice", file(`{"__metadata__":{"k":"1","k":"2"}}`, 0), Damaged, "there twice"},
		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), Damaged, "there twice"},
		{"name twice", file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), Damaged, `tensor "w", byte 61: the name is there twice`},
		{"name twice by escape", file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0077":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), Damaged, "there twice"},
		{"field twice", one(`"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]`), Damaged, `the field "dtype" is unknown or there twice`},
		{"empty shape twice", one(`"dtype":"F32","shape":[],"shape":[1],"data_offsets":[0,4]`), Damaged, `"shape"`},
		{"unknown field", one(`"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1`), Damaged, `"x"`},
		{"no dtype", one(`"shape":[1],"data_offsets":[0,4]`), Damaged, "missing"},
		{"no shape", one(`"dtype":"F32","data_offsets":[0,4]`), Damaged, "missing"},
		{"no offsets", one(`"dtype":"F32","shape":[1]`), Damaged, "missing"},
		{"one offset", one(`"dtype":"F32","shape":[1],"data_offsets":[4]`), Damaged, "missing"},
		{"three offsets", one(`"dtype":"F32","shape":[1],"data_offsets":[0,4,4]`), Damaged, "more than 2 numbers"},
		{"dtype in lower case", one(`"dtype":"f32","shape":[1],"data_offsets":[0,4]`), BadType, `"f32" is unknown`},
		{"dtype F128", one(`"dtype":"F128","shape":[1],"data_offsets":[0,4]`), BadType, `"F128"`},
		{"negative dimension", one(`"dtype":"F32","shape":[-1],"data_offsets":[0,4]`), Damaged, "'-' stands where a whole number"},
		{"fraction", one(`"dtype":"F32","shape":[1.0],"data_offsets":[0,4]`), Damaged, "whole number"},
		{"exponent", one(`"dtype":"F32","shape":[1e0],"data_offsets":[0,4]`), Damaged, "whole number"},
		{"leading zero", one(`"dtype":"F32","shape":[01],"data_offsets":[0,4]`), Damaged, "starts with 0"},
		{"dimension 2^63", one(`"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]`), Damaged, "2^63"},
		{"dimension of 40 digits", one(`"dtype":"F32","shape":[` + strings.Repeat("9", 40) + `],"data_offsets":[0,4]`), Damaged, "2^63"},
		{"65 dimensions", one(`"dtype":"U8","shape":[` + strings.Repeat("1,", 64) + `1],"data_offsets":[0,1]`), Damaged, "more than 64"},
		{"product overflows", one(`"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]`), Damaged, "2^40"},
		{"product overflows to 0", one(`"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]`), Damaged, "2^40"},
		{"offsets too short", one(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`), Damaged, "span 4 bytes, but shape [2] of F32 takes 8"},
		{"offsets backwards", one(`"dtype":"F32","shape":[1],"data_offsets":[4,0]`), Damaged, "span -4 bytes"},
		{"half a byte", one(`"dtype":"F4","shape":[3],"data_offsets":[0,2]`), Damaged, "do not fill whole bytes"},
		{"past the end", one(`"dtype":"F32","shape":[2],"data_offsets":[0,8]`), Truncated, "needs 8 bytes at offset 62, the file has 4 left"},
		{"far past the end", one(`"dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]`), Truncated, "has 0 left"},
		{"hole before", one(`"dtype":"F16","shape":[1],"data_offsets":[2,4]`), Damaged, "belong to no tensor"},
		{"trailing bytes", one(`"dtype":"F16","shape":[1],"data_offsets":[0,2]`), Damaged, "2 bytes follow the last tensor"},
		{"only trailing bytes", file(`{}`, 5), Damaged, "5 bytes follow"},
		{"overlap", file(`{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 4), Damaged, `tensor "b", byte 115: it starts inside tensor "a"`},
		{"same place", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4), Damaged, "starts inside"},
		{"not UTF-8", file("{\"\xff\":{}}", 0), Damaged, "not UTF-8"},
		{"control character", file("{\"a\nb\":{}}", 0), Damaged, "control character 10"},
		{"unknown escape", file(`{"\x41":{}}`, 0), Damaged, "no escape sequence"},
		{"bad hexadecimal", file(`{"\u00g0":{}}`, 0), Damaged, "hexadecimal"},
		{"lone surrogate", file(`{"\ud800x":{}}`, 0), Damaged, "surrogate"},
		{"two high surrogates", file(`{"\ud800\ud800":{}}`, 0), Damaged, "surrogate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f *File
			var err error
			used := allocated(func() { f, err = open(tt.file) })
			var e *Error
			if !errors.As(err, &e) || f != nil {
				t.Fatalf("%v, error %v, want one of type *Error", f, err)
			}
			if !errors.Is(err, tt.fault) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v (%s), want %q (%s)", err, e.Fault, tt.want, tt.fault)
			}
			if !strings.HasPrefix(err.Error(), "safetensors: ") {
				t.Errorf("%v does not say safetensors", err)
			}
			if used > 10<<20 {
				t.Errorf("%d bytes allocated for a file of %d", used, len(tt.file))
			}
		})
	}
}

// TestTruncated cuts a real file everywhere.
func TestTruncated(t *testing.T) {
	b, err := os.ReadFile(testdata.File(t, "safetensors", "burn_multi_layer.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 97
	}
	for n := 0; n < len(b); n += step {
		f, err := open(b[:n])
		if err == nil || f != nil {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
		if n >= 9 && !errors.Is(err, Truncated) {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	}
}

func TestReadMisuse(t *testing.T) {
	f, err := open(file(`{"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"x":{"dtype":"C64","shape":[1],"data_offsets":[8,16]}}`, 16))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		err  error
	}{
		{"no such tensor", f.ReadRows(2, 0, 1, nil)},
		{"negative tensor", f.ReadRaw(-1, 0, nil)},
		{"row past the end", f.ReadRows(0, 1, 2, make([]float32, 2))},
		{"negative row", f.ReadRows(0, -1, 1, make([]float32, 1))},
		{"huge row", f.ReadRows(0, math.MaxInt, 1, make([]float32, 1))},
		{"short dst", f.ReadRows(0, 0, 2, make([]float32, 1))},
		{"bytes past the end", f.ReadRaw(0, 5, make([]byte, 4))},
		{"huge offset", f.ReadRaw(0, math.MaxInt64, make([]byte, 2))},
		{"complex", f.ReadRows(1, 0, 1, make([]float32, 1))},
	}
	for _, tt := range tests {
		if tt.err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
	if info := f.Tensors()[1]; info.Readable || info.Why == "" {
		t.Errorf("%+v", info)
	}
}

// zeroFile is a header with any number of zeros behind it; it counts what is
// asked of it.
type zeroFile struct {
	head  []byte
	size  int64
	calls int
	last  int64
}

func (z *zeroFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= z.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), z.size-off))
	clear(p[:n])
	if off < int64(len(z.head)) {
		copy(p[:n], z.head[off:])
	}
	z.calls++
	z.last = max(z.last, off+int64(n))
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// TestBigFile opens a file of 64 GiB without reading more than its header.
func TestBigFile(t *testing.T) {
	var plans []TensorPlan
	for i := range 1000 {
		plans = append(plans, TensorPlan{strings.Repeat("x", 1+i%50) + string(rune('a'+i/50)), []int{4096, 4096}, "F32"})
	}
	var head bytes.Buffer
	w, err := NewWriter(&head, nil, plans)
	if err != nil {
		t.Fatal(err)
	}
	z := &zeroFile{head: head.Bytes(), size: w.Size()}
	f, err := Open(z, z.size)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tensors()) != 1000 || z.last > int64(head.Len())+chunk || z.calls > 2 {
		t.Errorf("%d tensors; %d calls up to byte %d, for a header of %d bytes", len(f.Tensors()), z.calls, z.last, head.Len())
	}
	if err := f.ReadRows(999, 4095, 1, make([]float32, 4096)); err != nil {
		t.Error(err)
	}
}

// TestLyingSize gives Open a size that the reader does not have.
func TestLyingSize(t *testing.T) {
	whole := file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8)
	if _, err := Open(bytes.NewReader(whole[:30]), int64(len(whole))); err == nil {
		t.Error("half a header: no error")
	}
	if _, err := Open(bytes.NewReader(whole[:5]), int64(len(whole))); !errors.Is(err, Truncated) {
		t.Errorf("half a length: %v", err)
	}
	f, err := Open(bytes.NewReader(whole[:len(whole)-1]), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.ReadRows(0, 0, 1, make([]float32, 2)); !errors.Is(err, Truncated) {
		t.Errorf("reading past the real end: %v", err)
	}
}

var errBroken = errors.New("the disk is on fire")

// broken fails from byte n on.
type broken struct {
	b []byte
	n int64
}

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.n {
		return 0, errBroken
	}
	return copy(p, b.b[off:]), nil
}

func TestReadError(t *testing.T) {
	b := file(`{"w":{"dtype":"U8","shape":[1000000],"data_offsets":[0,1000000]}}`, 1_000_000)
	if _, err := Open(broken{b, 0}, int64(len(b))); !errors.Is(err, errBroken) {
		t.Errorf("opening: %v", err)
	}
	f, err := Open(broken{b, 300_000}, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.ReadRaw(0, 500_000, make([]byte, 1)); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), `tensor "w"`) {
		t.Errorf("reading: %v", err)
	}
}
