package gguf

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
)

// raw builds a file byte by byte, without the Writer.
type raw struct{ bytes.Buffer }

func (b *raw) num(vs ...any) *raw {
	for _, v := range vs {
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return b
}

func (b *raw) str(s string) *raw {
	b.num(uint64(len(s)))
	b.WriteString(s)
	return b
}

func (b *raw) zeros(n int) *raw {
	b.Write(make([]byte, n))
	return b
}

// pad fills up to a multiple of n.
func (b *raw) pad(n int) *raw { return b.zeros((n - b.Len()%n) % n) }

func header(tensors, pairs uint64) *raw {
	b := &raw{}
	b.WriteString("GGUF")
	return b.num(uint32(3), tensors, pairs)
}

// info adds the description of a tensor, dimensions innermost first.
func (b *raw) info(name string, typ uint32, offset uint64, dims ...uint64) *raw {
	b.str(name).num(uint32(len(dims)))
	for _, d := range dims {
		b.num(d)
	}
	return b.num(typ, offset)
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

// tiny is a valid file with two tensors and a few keys.
func tiny(t testing.TB) []byte {
	b := header(2, 3)
	b.str("general.architecture").num(uint32(8)).str("test")
	b.str("general.alignment").num(uint32(4), uint32(64))
	b.str("tokens").num(uint32(9), uint32(8), uint64(2)).str("a").str("bc")
	b.info("a.weight", 0, 0, 4, 2).info("b.weight", 1, 64, 3)
	b.pad(64)
	for i := range 8 {
		b.num(float32(i))
	}
	b.pad(64)
	b.num(uint16(0x3c00), uint16(0xc000), uint16(0x0000)) // 1, -2, 0
	return b.Bytes()
}
