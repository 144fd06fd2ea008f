package archive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// made is an archive by Go's own writer.
func made(t testing.TB, method uint16, members map[string][]byte, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(members[name])
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

func open(b []byte) (*File, error) { return Open(bytes.NewReader(b), int64(len(b))) }

func TestMembers(t *testing.T) {
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(i >> 9)
	}
	members := map[string][]byte{"a": []byte("hello"), "dir/b": data, "none": nil}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		b := made(t, method, members, "a", "dir/", "dir/b", "none")
		f, err := open(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Members) != 3 || f.Find("dir/") != nil || f.Find("x") != nil {
			t.Errorf("got %d members", len(f.Members))
		}
		for name, want := range members {
			m := f.Find(name)
			got, err := m.ReadAll(1 << 30)
			if err != nil || !bytes.Equal(got, want) || m.Size != int64(len(want)) || m.Stored() != (method == zip.Store) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			if at, err := m.Offset(); m.Stored() && (err != nil || !bytes.Equal(b[at:at+m.Size], want)) {
				t.Errorf("%s: offset %d, %v", name, at, err)
			}
		}
		if _, err := f.Find("a").ReadAll(4); err == nil || !strings.Contains(err.Error(), "at most 4") {
			t.Errorf("past the limit: got %v", err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			off, n := r.IntN(len(data)+10), r.IntN(70000)
			got := make([]byte, n)
			n, err := f.Find("dir/b").ReadAt(got, int64(off))
			want := data[min(off, len(data)):min(off+len(got), len(data))]
			if !bytes.Equal(got[:n], want) || (err == io.EOF) != (len(want) < len(got) || off >= len(data)) {
				t.Fatalf("%d bytes at %d: got %d, %v", len(got), off, n, err)
			}
		}
		if _, err := f.Find("a").ReadAt(nil, -1); err == nil {
			t.Error("read before the start")
		}
	}
}

// TestUnkept reads a member too large to keep, forwards and backwards.
func TestUnkept(t *testing.T) {
	if testing.Short() {
		t.Skip("inflates 65 MiB twice")
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), (keepBytes+1<<20)/16)
	f, err := open(made(t, zip.Deflate, map[string][]byte{"x": data}, "x"))
	if err != nil {
		t.Fatal(err)
	}
	m := f.Members[0]
	for _, off := range []int{0, 100, keepBytes + 3, 7, len(data) - 10} {
		got := make([]byte, 10)
		if _, err := m.ReadAt(got, int64(off)); err != nil || !bytes.Equal(got, data[off:off+10]) {
			t.Errorf("at %d: %q, %v", off, got, err)
		}
		if len(f.last.kept) > 0 {
			t.Error("a large member is kept")
		}
	}
}

// put writes a little-endian number into a copy of b, n bytes after the last
// place where magic stands.
func put(b []byte, magic string, n, size int, v uint64) []byte {
	b = bytes.Clone(b)
	var wide [8]byte
	binary.LittleEndian.PutUint64(wide[:], v)
	copy(b[bytes.LastIndex(b, []byte(magic))+n:], wide[:size])
	return b
}

func TestRefused(t *testing.T) {
	stored := made(t, zip.Store, map[string][]byte{"a": []byte("hello"), "b": []byte("world")}, "a", "b")
	packed := made(t, zip.Deflate, map[string][]byte{"b": bytes.Repeat([]byte("a"), 1000)}, "b")
	end, entry := string(endMagic), entryMagic
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "too few"},
		{"no archive", make([]byte, 100), "no directory"},
		{"cut off", stored[:len(stored)-1], "no directory"},
		{"too many members", put(stored, end, 10, 2, 60000), "60000 members do not fit"},
		{"directory past the end", put(stored, end, 16, 4, 1<<30), "does not end before"},
		{"directory too long", put(stored, end, 12, 4, 1<<24), "does not end before"},
		{"directory elsewhere", put(stored, end, 16, 4, 0), "member 0 of 2: the directory has no entry"},
		{"name past the directory", put(stored, entry, 28, 2, 9999), "member 1 of 2: its entry reaches past"},
		{"encrypted", put(stored, entry, 8, 2, 1), `member "b": is encrypted`},
		{"method", put(stored, entry, 10, 2, 93), "zstandard"},
		{"unknown method", put(stored, entry, 10, 2, 77), "method 77"},
		{"stored, two sizes", put(stored, entry, 24, 4, 6), "has 5 bytes in the archive and 6"},
		{"past the directory", put(stored, entry, 42, 4, 1<<20), "reach past the directory"},
		{"longer than the archive", put(put(stored, entry, 20, 4, 1<<20), entry, 24, 4, 1<<20), "reach past the directory"},
		{"more than deflate holds", put(packed, entry, 24, 4, 1<<30), "can hold"},
		{"name twice", bytes.ReplaceAll(stored, []byte("b"), []byte("a")), "two members"},
		{"zip64 without a field", put(stored, entry, 42, 4, 0xffffffff), "reach past"},
	}
	for _, tt := range tests {
		_, err := open(tt.file)
		if err == nil || !strings.HasPrefix(err.Error(), "zip: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestDamaged opens archives whose members only turn out damaged when read.
func TestDamaged(t *testing.T) {
	data := make([]byte, 3000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(r.IntN(16))
	}
	stored := made(t, zip.Store, map[string][]byte{"b": data}, "b")
	packed := made(t, zip.Deflate, map[string][]byte{"b": data}, "b")
	inside := bytes.Clone(packed)
	inside[200] ^= 0x55
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"no local header", append([]byte("XX"), stored[2:]...), "no header at offset 0"},
		{"stored checksum", put(stored, entryMagic, 16, 4, 7), "checksum"},
		{"deflated checksum", put(packed, entryMagic, 16, 4, 7), "checksum"},
		{"longer than promised", put(packed, entryMagic, 24, 4, 2999), "more than the 2999"},
		{"shorter than promised", put(packed, entryMagic, 24, 4, 3001), "ends after 3000 of the 3001"},
		{"damaged stream", inside, `zip: member "b"`},
	}
	for _, tt := range tests {
		f, err := open(tt.file)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for range 2 { // what failed once fails again
			if _, err := f.Members[0].ReadAll(1 << 20); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
			}
		}
	}
}

// TestZip64 reads an archive of zip64 records, which Go's writer makes for
// members of unknown size past 4 GiB only, so it is made here.
func TestZip64(t *testing.T) {
	all := uint32(0xffffffff)
	var b []byte
	b = append(b, "PK\x03\x04\x2d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x86\xa6\x10\x36"...)
	b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, all), all)
	b = append(b, "\x01\x00\x00\x00ahello"...)
	dir := len(b)
	b = append(b, "PK\x01\x02\x2d\x00\x2d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x86\xa6\x10\x36"...)
	b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, all), all)
	b = append(b, "\x01\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xffa"...)
	b = append(b, "\x99\x99\x00\x00\x01\x00\x18\x00"...)
	for _, n := range []uint64{5, 5, 0} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	end64 := len(b)
	b = append(b, "PK\x06\x06\x2c\x00\x00\x00\x00\x00\x00\x00\x2d\x00\x2d\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	for _, n := range []uint64{1, 1, uint64(end64 - dir), uint64(dir)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = append(b, "PK\x06\x07\x00\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint64(b, uint64(end64))
	b = append(b, "\x01\x00\x00\x00PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00"...)

	if _, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatalf("Go's own reader: %v", err)
	}
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Find("a").ReadAll(10); string(got) != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"locator points past itself", put(b, locatorMagic, 8, 8, 1<<40), "does not end before its locator"},
		{"locator points elsewhere", put(b, locatorMagic, 8, 8, 3), "no zip64 record"},
		{"many members", put(b, end64Magic, 32, 8, 1<<40), "at most 131072"},
		{"long directory", put(b, end64Magic, 40, 8, 1<<40), "at most 33554432"},
		{"directory past the end", put(b, end64Magic, 48, 8, 1<<62), "does not end before"},
		{"field too short", put(b, "\x01\x00\x18\x00", 2, 2, 15), "too short"},
		{"size past 2^62", put(b, "\x01\x00\x18\x00", 4, 8, 1<<63), "2^62"},
	} {
		if _, err := open(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// failing fails on reads past n bytes.
type failing struct {
	io.ReaderAt
	n int64
}

var errDisk = errors.New("disk on fire")

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.n {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

func TestReadErrors(t *testing.T) {
	b := made(t, zip.Store, map[string][]byte{"a": []byte("hello")}, "a")
	if _, err := Open(failing{bytes.NewReader(b), 10}, int64(len(b))); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(bytes.NewReader(b), int64(len(b))+5); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a size past the end: got %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(made(f, zip.Store, map[string][]byte{"a": []byte("hello")}, "a", "b/"))
	f.Add(made(f, zip.Deflate, map[string][]byte{"a": bytes.Repeat([]byte("hello"), 99)}, "a"))
	if b, err := os.ReadFile("../../torch/testdata/list.pt"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := open(b)
		if err != nil {
			return
		}
		for _, m := range got.Members {
			data, err := m.ReadAll(1 << 20)
			if err == nil && int64(len(data)) != m.Size {
				t.Errorf("%s: %d bytes of %d", m.Name, len(data), m.Size)
			}
		}
	})
}
