package floats

import (
	"encoding/binary"
	"math"
	"unsafe"
)

var fp32 = &format{
	name:    "FP32",
	summary: "The 32-bit float that every tensor here is held in: nothing is lost.",
	exp:     8,
	man:     23,
	bias:    127,
	encode:  F32ToBytes,
	decode:  BytesToF32,
	bytesOf: bytesOf,
	rule:    "the bits of x as they are",
}

// F32ToBytes writes FP32 values, 4 bytes each.
func F32ToBytes(dst []byte, src []float32) {
	src = src[:min(len(src), len(dst)/4)]
	if b := bytesOf(src); b != nil {
		copy(dst, b)
		return
	}
	for i, x := range src {
		binary.LittleEndian.PutUint32(dst[4*i:4*i+4], math.Float32bits(x))
	}
}

// BytesToF32 reads FP32 values, 4 bytes each.
func BytesToF32(dst []float32, src []byte) {
	dst = dst[:min(len(dst), len(src)/4)]
	if b := bytesOf(dst); b != nil {
		copy(b, src)
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i : 4*i+4]))
	}
}

// bytesOf is the memory of x, or nil where it does not hold FP32 as files do.
func bytesOf(x []float32) []byte {
	if !littleEndian {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// littleEndian says whether a float32 stands in memory as it does in files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
