//go:build !first

package session

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"

	"fewbits/quant/checkpoint"
)

func TestCRC(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 7, 8, 255, 256, 1000, 70_000} {
		b := make([]byte, 300+n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if got, want := crcOf(crc32.ChecksumIEEE(b[:300]), crc32.ChecksumIEEE(b[300:]), int64(n)), crc32.ChecksumIEEE(b); got != want {
			t.Errorf("%d bytes: %08x, want %08x", n, got, want)
		}
	}
}

// TestZip wants an archive that was written in any order to read back, with
// another reader that checks the sums.
func TestZip(t *testing.T) {
	files := []checkpoint.Planned{{Name: "model.safetensors", Size: 5000}, {Name: "empty.txt"}, {Name: "ü.json", Size: 3}}
	z := newZip("a-folder", files)
	out := make([]byte, z.size)
	taken := make([]bool, z.size)
	z.write = func(at int64, b []byte) error {
		for i := range b {
			if taken[at+int64(i)] {
				t.Errorf("byte %d is written twice", at+int64(i))
			}
			taken[at+int64(i)] = true
		}
		copy(out[at:], b)
		return nil
	}
	data := make([]byte, 5000)
	for i := range data {
		data[i] = byte(i * i / 7)
	}
	f, err := z.create("model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{3000, 0, 4000, 1000, 2000} {
		if _, err := f.WriteAt(data[at:at+1000], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"empty.txt": "", "ü.json": "{ }"} {
		f, err := z.create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte(text), 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.end(); err != nil {
		t.Fatal(err)
	}
	if i := bytes.IndexByte(bools(taken), 0); i >= 0 {
		t.Errorf("byte %d is not written", i)
	}
	r, err := zip.NewReader(bytes.NewReader(out), int64(len(out)))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil || f.Name != "a-folder/"+files[i].Name || int64(len(b)) != files[i].Size || f.Mode() != 0o644 {
			t.Errorf("file %d is %q of %d bytes, %v (%v)", i, f.Name, len(b), f.Mode(), err)
		}
		if i == 0 && !bytes.Equal(b, data) {
			t.Error("the weights are not what was written")
		}
	}
}

func bools(x []bool) []byte {
	b := make([]byte, len(x))
	for i, v := range x {
		if v {
			b[i] = 1
		}
	}
	return b
}

// TestZip64 wants numbers past 32 bits to be read back.
func TestZip64(t *testing.T) {
	files := []checkpoint.Planned{{Name: "large", Size: 5e9}, {Name: "behind", Size: 2}}
	z := newZip("m", files)
	for _, f := range z.files {
		f.closed = true
	}
	parts := map[int64][]byte{}
	z.write = func(at int64, b []byte) error { parts[at] = b; return nil }
	if err := z.end(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(sparse(parts), z.size)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.File {
		if f.UncompressedSize64 != uint64(files[i].Size) {
			t.Errorf("%s has %d bytes, want %d", f.Name, f.UncompressedSize64, files[i].Size)
		}
	}
	if at, err := r.File[0].DataOffset(); err == nil {
		t.Errorf("there is no header, and the data begin at %d", at)
	}
	if n := len(z.files[0].local()); z.files[0].data() != int64(n) || n != 30+len("m/large")+20 {
		t.Errorf("a header of %d bytes", n)
	}
}

// sparse is a file of which some bytes are known; the others are 0.
type sparse map[int64][]byte

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	for at, b := range s {
		if from := at - off; from < int64(len(p)) && from > -int64(len(b)) {
			copy(p[max(0, from):], b[max(0, -from):])
		}
	}
	return len(p), nil
}

// TestZipUnplanned wants what was planned otherwise to be refused.
func TestZipUnplanned(t *testing.T) {
	z := newZip("m", []checkpoint.Planned{{Name: "a", Size: 10}})
	z.write = func(int64, []byte) error { return nil }
	if _, err := z.create("b"); err == nil {
		t.Error("a file that was not planned is taken")
	}
	f, _ := z.create("a")
	if _, err := f.WriteAt(make([]byte, 11), 0); err == nil {
		t.Error("11 bytes of 10 are taken")
	}
	if _, err := f.WriteAt(make([]byte, 4), 0); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err == nil {
		t.Error("4 bytes of 10 will do")
	}
	if err := z.end(); err == nil {
		t.Error("a file is missing, and that will do")
	}
}
