package safetensors

import (
	"testing"

	"fewbits/quant"
)

// FuzzOpen opens anything, reads what it finds, and holds memory to what the
// file could need.
func FuzzOpen(f *testing.F) {
	f.Add(file(`{"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}`, 16))
	f.Add(file(`{"__metadata__":{"format":"pt","\u00e9\ud83d\ude00":"\n"},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}  `, 3))
	f.Add(file(`{"a":{"dtype":"F4","shape":[3,0],"data_offsets":[0,0]}}`, 0))
	f.Add(file(`{}`, 0))
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
			if info.Offset < file.data || info.Offset+info.Bytes > int64(len(b)) {
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
