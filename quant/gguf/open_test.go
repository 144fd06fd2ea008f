package gguf

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

func TestOpenTiny(t *testing.T) {
	f, err := open(tiny(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.Version != 3 || f.Alignment != 64 || f.DataOffset%64 != 0 {
		t.Errorf("version %d, alignment %d, data at %d", f.Version, f.Alignment, f.DataOffset)
	}
	want := []quant.Meta{
		{Key: "general.architecture", Type: "string", Value: "test"},
		{Key: "general.alignment", Type: "u32", Value: uint32(64)},
		{Key: "tokens", Type: "[string]", Value: []string{"a", "bc"}},
	}
	if !reflect.DeepEqual(f.Metadata(), want) {
		t.Errorf("metadata %v", f.Metadata())
	}
	infos := []quant.TensorInfo{
		{Name: "a.weight", Shape: []int{2, 4}, Type: "F32", Offset: f.DataOffset, Bytes: 32, Readable: true},
		{Name: "b.weight", Shape: []int{3}, Type: "F16", Offset: f.DataOffset + 64, Bytes: 6, Readable: true},
	}
	if !reflect.DeepEqual(f.Tensors(), infos) {
		t.Errorf("tensors %+v", f.Tensors())
	}
	row := make([]float32, 4)
	if err := f.ReadRows(0, 1, 1, row); err != nil || !reflect.DeepEqual(row, []float32{4, 5, 6, 7}) {
		t.Errorf("row 1 of a: %v, %v", row, err)
	}
	b, err := quant.ReadTensor(f, 1)
	if err != nil || !reflect.DeepEqual(b.Data, []float32{1, -2, 0}) {
		t.Errorf("b: %v, %v", b.Data, err)
	}
	p := make([]byte, 2)
	if err := f.ReadRaw(1, 2, p); err != nil || p[0] != 0 || p[1] != 0xc0 {
		t.Errorf("bytes 2 and 3 of b: %x, %v", p, err)
	}
}

func TestReadMisuse(t *testing.T) {
	f, err := open(tiny(t))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		err  error
	}{
		{"no such tensor", f.ReadRows(2, 0, 1, nil)},
		{"negative tensor", f.ReadRaw(-1, 0, nil)},
		{"row past the end", f.ReadRows(0, 1, 2, make([]float32, 8))},
		{"negative row", f.ReadRows(0, -1, 1, make([]float32, 4))},
		{"huge row", f.ReadRows(0, math.MaxInt, 1, make([]float32, 4))},
		{"short dst", f.ReadRows(0, 0, 2, make([]float32, 7))},
		{"bytes past the end", f.ReadRaw(1, 5, make([]byte, 2))},
		{"huge offset", f.ReadRaw(1, math.MaxInt64, make([]byte, 2))},
	}
	for _, tt := range tests {
		if tt.err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}

// TestHostile holds each check of Open to a file that fails just that check.
func TestHostile(t *testing.T) {
	key := func(typ any) *raw { return header(0, 1).str("k").num(typ) }
	tests := []struct {
		name  string
		file  *raw
		fault Fault
		want  string // in the message
	}{
		{"empty", &raw{}, NotGGUF, "0 bytes"},
		{"zip", (&raw{}).num([]byte("PK\x03\x04")).zeros(40), NotGGUF, "another kind of file"},
		{"no version", (&raw{}).num([]byte("GGUF")), Truncated, "the version"},
		{"version 0", (&raw{}).num([]byte("GGUF"), uint32(0)).zeros(40), BadVersion, "version 0"},
		{"version 1", (&raw{}).num([]byte("GGUF"), uint32(1)).zeros(40), BadVersion, "version 1"},
		{"version 4", (&raw{}).num([]byte("GGUF"), uint32(4)).zeros(40), BadVersion, "reads 2 and 3"},
		{"big-endian", (&raw{}).num([]byte("GGUF"), uint32(3<<24)).zeros(40), BigEndian, "big-endian"},
		{"2^63 tensors", header(1<<63, 0), Truncated, "9223372036854775808 tensors"},
		{"2^63 keys", header(0, 1<<63), Truncated, "9223372036854775808 keys"},
		{"2^64-1 of both", header(math.MaxUint64, math.MaxUint64).zeros(1000), Truncated, "tensors"},
		{"too many keys", header(0, maxEntries+1).zeros((maxEntries + 1) * minPair), Damaged, "more than the"},
		{"key longer than the file", header(0, 1).num(uint64(1000)).zeros(30), Truncated, "key 0, byte 24"},
		{"key of 2^63 bytes", header(0, 1).num(uint64(1 << 63)).zeros(30), Truncated, "9223372036854775808 bytes long"},
		{"key of 70000 bytes", header(0, 1).str(strings.Repeat("k", 70000)).num(uint32(0), uint8(0)), Damaged, "more than the 65535"},
		{"empty key", header(0, 1).str("").num(uint32(0), uint16(0)), Damaged, "empty"},
		{"duplicate key", header(0, 2).str("k").num(uint32(0), uint8(1)).str("k").num(uint32(0), uint8(1)), Damaged, `key 1 "k", byte 38: the key was there before, as key 0`},
		{"value type 13", key(uint32(13)).zeros(8), BadType, "is 13"},
		{"value cut", key(uint32(10)).zeros(7), Truncated, "takes 8 bytes, the file has 7 left"},
		{"string cut", key(uint32(8)).num(uint64(5), uint32(0)), Truncated, "5 bytes long"},
		{"bool 2", key(uint32(7)).num(uint8(2)), Damaged, "is 2"},
		{"bool array 3", key(uint32(9)).num(uint32(7), uint64(3), []byte{0, 1, 3}), Damaged, "byte 51: a bool is 0 or 1"},
		{"array of 2^63", key(uint32(9)).num(uint32(10), uint64(1<<63)), Truncated, "9223372036854775808 elements"},
		{"array times 8 overflows", key(uint32(9)).num(uint32(10), uint64(1<<61+1)).zeros(8), Truncated, "elements"},
		{"array type 99", key(uint32(9)).num(uint32(99), uint64(0)), BadType, "99"},
		{"strings without room", key(uint32(9)).num(uint32(8), uint64(3)).zeros(20), Truncated, "room for 2"},
		{"deep nesting", key(uint32(9)).num(uint32(9), uint64(1), uint32(9), uint64(1), uint32(9), uint64(1), uint32(9), uint64(1), uint32(0), uint64(0)), Damaged, "nested"},
		{"alignment 0", header(0, 1).str(keyAlignment).num(uint32(4), uint32(0)), Damaged, "power of two"},
		{"alignment 48", header(0, 1).str(keyAlignment).num(uint32(4), uint32(48)), Damaged, "alignment is 48"},
		{"alignment u64", header(0, 1).str(keyAlignment).num(uint32(10), uint64(32)), Damaged, "must be u32"},
		{"name longer than the file", header(1, 0).num(uint64(1 << 40)).zeros(30), Truncated, "tensor 0, byte 24"},
		{"empty name", header(1, 0).info("", 0, 0, 1).pad(32).zeros(32), Damaged, "empty"},
		{"duplicate name", header(2, 0).info("w", 0, 0, 1).info("w", 0, 32, 1).pad(32).zeros(64), Damaged, `tensor 1 "w", byte 57: tensor 0 has the same name`},
		{"5 dimensions", header(1, 0).info("w", 0, 0, 1, 1, 1, 1, 1).pad(32).zeros(32), Damaged, "5 dimensions"},
		{"2^32-1 dimensions", header(1, 0).str("w").num(uint32(math.MaxUint32)).zeros(100), Damaged, "4294967295 dimensions"},
		{"dimension 0", header(1, 0).info("w", 0, 0, 4, 0).pad(32), Damaged, "dimension 1 is 0"},
		{"dimension 2^63", header(1, 0).info("w", 0, 0, 1<<63).pad(32), Damaged, "dimension 0 is 9223372036854775808"},
		{"dimensions overflow", header(1, 0).info("w", 0, 0, 1<<32, 1<<32).pad(32), Damaged, "more than 2^40 values"},
		{"dimensions overflow to 0", header(1, 0).info("w", 0, 0, 1<<62, 4).pad(32), Damaged, "more than 2^40 values"},
		{"type 4", header(1, 0).info("w", 4, 0, 32).pad(32).zeros(64), BadType, "Q4_2"},
		{"type 31", header(1, 0).info("w", 31, 0, 32).pad(32).zeros(64), BadType, "Q4_0_4_4"},
		{"type 1000", header(1, 0).info("w", 1000, 0, 32).pad(32).zeros(64), BadType, "1000"},
		{"row of 33 as Q4_0", header(1, 0).info("w", 2, 0, 33).pad(32).zeros(64), Damaged, "not a multiple of the 32"},
		{"row of 32 as Q4_K", header(1, 0).info("w", 12, 0, 32, 8).pad(32).zeros(256), Damaged, "not a multiple of the 256"},
		{"offset 31", header(1, 0).info("w", 0, 31, 1).pad(32).zeros(64), Damaged, "31 bytes into the data"},
		{"offset 2^64-32", header(1, 0).info("w", 0, math.MaxUint64-31, 1).pad(32).zeros(64), Truncated, "18446744073709551584"},
		{"offset 2^62", header(1, 0).info("w", 0, 1<<62, 1).pad(32).zeros(64), Truncated, "has 0 left"},
		{"past the end", header(1, 0).info("w", 0, 32, 9).pad(32).zeros(64), Truncated, "the tensor needs 36 bytes at offset 96, the file has 32 left"},
		{"data missing", header(1, 0).info("w", 0, 0, 1), Truncated, "has 0 left"},
		{"overlap", header(2, 0).info("a", 0, 0, 9).info("b", 0, 32, 1).pad(32).zeros(96), Damaged, `tensor 1 "b", byte 128: it starts inside tensor 0 "a"`},
		{"overlap backwards", header(2, 0).info("a", 0, 32, 1).info("b", 0, 0, 9).pad(32).zeros(96), Damaged, "starts inside"},
		{"same place", header(2, 0).info("a", 0, 0, 1).info("b", 0, 0, 1).pad(32).zeros(96), Damaged, "starts inside"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			bytes := allocated(func() { _, err = open(tt.file.Bytes()) })
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v, want one of type *Error", err)
			}
			if !errors.Is(err, tt.fault) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v (%s), want %q (%s)", err, e.Fault, tt.want, tt.fault)
			}
			if !strings.HasPrefix(err.Error(), "gguf: ") {
				t.Errorf("%v does not say gguf", err)
			}
			if limit := uint64(10 << 20); tt.file.Len() < 2000 && bytes > limit {
				t.Errorf("%d bytes allocated for a file of %d", bytes, tt.file.Len())
			}
		})
	}
}

// TestTolerated holds what is odd but no fault.
func TestTolerated(t *testing.T) {
	tests := []struct {
		name string
		file *raw
	}{
		{"nothing at all", header(0, 0)},
		{"unpadded end without tensors", header(0, 1).str("k").num(uint32(0), uint8(7))},
		{"trailing bytes", header(0, 0).zeros(1000)},
		{"scalar", header(1, 0).info("w", 0, 0).pad(32).num(float32(1))},
		{"tensors out of order, with a gap", header(2, 0).info("a", 0, 96, 1).info("b", 0, 0, 1).pad(32).zeros(128)},
		{"last tensor unpadded", header(1, 0).info("w", 0, 0, 3).pad(32).zeros(12)},
		{"nested as deep as allowed", header(0, 1).str("k").num(uint32(9), uint32(9), uint64(1), uint32(9), uint64(1), uint32(9), uint64(1), uint32(0), uint64(1), uint8(5))},
		{"long name", header(1, 0).info(strings.Repeat("n", 200), 0, 0, 1).pad(32).zeros(4)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := open(tt.file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			for i := range f.Tensors() {
				if _, err := quant.ReadTensor(f, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestVersion2 opens the same bytes under the older number.
func TestVersion2(t *testing.T) {
	b := bytes.Clone(tiny(t))
	b[4] = 2
	f, err := open(b)
	if err != nil || f.Version != 2 || len(f.Tensors()) != 2 {
		t.Fatalf("%+v, %v", f, err)
	}
}

// TestUnreadable lists a type that ggml never stores as weights.
func TestUnreadable(t *testing.T) {
	f, err := open(header(1, 0).info("w", 15, 0, 256).pad(32).zeros(292).Bytes()) // Q8_K
	if err != nil {
		t.Fatal(err)
	}
	info := f.Tensors()[0]
	if info.Readable || info.Why == "" || info.Bytes != 292 || info.Type != "Q8_K" {
		t.Fatalf("%+v", info)
	}
	if err := f.ReadRows(0, 0, 1, make([]float32, 256)); err == nil || !strings.Contains(err.Error(), info.Why) {
		t.Errorf("reading it: %v", err)
	}
}

// TestTruncated cuts a real file everywhere.
func TestTruncated(t *testing.T) {
	b, err := os.ReadFile(testdata.File(t, "gguf", "stories260K.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	step := 64
	if testing.Short() {
		step = 4096
	}
	for n := 64; n < len(b); n += step {
		_, err := open(b[:n])
		if !errors.Is(err, Truncated) {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	}
}

// counter counts what is asked of a file.
type counter struct {
	r     io.ReaderAt
	bytes int64
	calls int
	last  int64
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.bytes += int64(n)
	c.calls++
	c.last = max(c.last, off+int64(n))
	return n, err
}

// zeroFile is a header with any number of zeros behind it.
type zeroFile struct {
	head []byte
	size int64
}

func (z zeroFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= z.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), z.size-off))
	clear(p[:n])
	if off < int64(len(z.head)) {
		copy(p[:n], z.head[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// TestBigFile opens a file of 64 GiB without reading more than its header.
func TestBigFile(t *testing.T) {
	const n = 1000
	b := header(n, 0)
	for i := range n {
		b.info(strings.Repeat("x", 1+i%50)+string(rune('a'+i/50)), 0, uint64(i)<<26, 4096, 4096)
	}
	b.pad(32)
	c := &counter{r: zeroFile{b.Bytes(), int64(b.Len()) + n<<26}}
	f, err := Open(c, int64(b.Len())+n<<26)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tensors()) != n || c.last > int64(b.Len())+chunk || c.calls > 2 {
		t.Errorf("%d tensors; %d calls for %d bytes up to byte %d, for a header of %d bytes", len(f.Tensors()), c.calls, c.bytes, c.last, b.Len())
	}
	row := make([]float32, 4096)
	if err := f.ReadRows(n-1, 4095, 1, row); err != nil {
		t.Error(err)
	}
}

// TestLyingSize gives Open a size that the reader does not have.
func TestLyingSize(t *testing.T) {
	b := header(0, 1).str("k").num(uint32(9), uint32(0), uint64(1<<40)).Bytes()
	var err error
	used := allocated(func() { _, err = Open(bytes.NewReader(b), 1<<41) })
	if !errors.Is(err, Truncated) && !errors.Is(err, Damaged) {
		t.Errorf("error %v", err)
	}
	if used > 10<<20 {
		t.Errorf("%d bytes allocated", used)
	}
	whole := tiny(t)
	f, err := Open(bytes.NewReader(whole[:len(whole)-2]), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.ReadRows(1, 0, 1, make([]float32, 3)); !errors.Is(err, Truncated) {
		t.Errorf("reading past the real end: %v", err)
	}
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errBroken }

var errBroken = errors.New("the disk is on fire")

func TestReadError(t *testing.T) {
	if _, err := Open(broken{}, 1000); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}
