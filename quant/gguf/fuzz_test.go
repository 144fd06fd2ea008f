package gguf

import (
	"testing"

	"fewbits/quant"
)

// FuzzOpen opens anything, reads what it finds, and holds memory to what the
// file could need.
func FuzzOpen(f *testing.F) {
	f.Add(tiny(f))
	f.Add(header(0, 0).Bytes())
	f.Add(header(1, 0).info("w", 2, 0, 32, 2).pad(32).zeros(36).Bytes())
	f.Add(header(0, 1).str("k").num(uint32(9), uint32(9), uint64(1), uint32(8), uint64(1)).str("x").Bytes())
	f.Add(header(1<<63, 1<<63).zeros(100).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		var file *File
		used := allocated(func() { file, _ = open(b) })
		if limit := uint64(2<<20 + 100*len(b)); used > limit {
			t.Fatalf("opening %d bytes allocated %d", len(b), used)
		}
		if file == nil {
			return
		}
		for i, info := range file.Tensors() {
			if info.Offset < file.DataOffset || info.Offset+info.Bytes > int64(len(b)) {
				t.Fatalf("tensor %d lies at %d to %d in a file of %d", i, info.Offset, info.Offset+info.Bytes, len(b))
			}
			if err := file.ReadRaw(i, 0, make([]byte, info.Bytes)); err != nil {
				t.Fatal(err)
			}
			if info.Readable {
				if _, err := quant.ReadTensor(file, i); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
