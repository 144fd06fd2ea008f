package ggml

import (
	"sync"

	"fewbits/kernels"
)

// The codes of each point of a grid as bytes, eight or four in an integer, the first
// the lowest. They are made when a row is first read.
var (
	bytes2XXS = sync.OnceValue(func() *[256]uint64 { return (*[256]uint64)(form2XXS.bytes(256)) })
	bytes2XS  = sync.OnceValue(func() *[512]uint64 { return (*[512]uint64)(form2XS.bytes(512)) })
	bytes2S   = sync.OnceValue(func() *[1024]uint64 { return (*[1024]uint64)(form2S.bytes(1024)) })
	bytes3XXS = sync.OnceValue(func() *[256]uint32 { return (*[256]uint32)(narrow(form3XXS.bytes(256))) })
	bytes3S   = sync.OnceValue(func() *[512]uint32 { return (*[512]uint32)(narrow(form3S.bytes(512))) })
	bytes1    = sync.OnceValue(func() *[4096]uint64 { return (*[4096]uint64)(form1.bytes(4096)) })
)

// bytes are the codes of n places. Where there is a shift it is the bit above the
// place.
func (f *gridForm) bytes(n int) []uint64 {
	list := make([]uint64, n)
	for i := range list {
		var codes [8]int8
		if points := len(f.grid.points); f.shifted {
			f.putShifted(codes[:], i%points, shift(i >= points))
		} else {
			f.put(codes[:], i, 0)
		}
		for k, q := range codes {
			list[i] |= uint64(uint8(q)) << (8 * k)
		}
	}
	return list
}

// narrow keeps the lower halves.
func narrow(list []uint64) []uint32 {
	low := make([]uint32, len(list))
	for i, v := range list {
		low[i] = uint32(v)
	}
	return low
}

func readRowIQ2XXS(dst []float32, src []byte) { kernels.DequantizeIQ2_XXS(dst, src, bytes2XXS()) }
func readRowIQ2XS(dst []float32, src []byte)  { kernels.DequantizeIQ2_XS(dst, src, bytes2XS()) }
func readRowIQ2S(dst []float32, src []byte)   { kernels.DequantizeIQ2_S(dst, src, bytes2S()) }
func readRowIQ3XXS(dst []float32, src []byte) { kernels.DequantizeIQ3_XXS(dst, src, bytes3XXS()) }
func readRowIQ3S(dst []float32, src []byte)   { kernels.DequantizeIQ3_S(dst, src, bytes3S()) }
func readRowIQ1S(dst []float32, src []byte)   { kernels.DequantizeIQ1_S(dst, src, bytes1()) }
func readRowIQ1M(dst []float32, src []byte)   { kernels.DequantizeIQ1_M(dst, src, bytes1()) }
