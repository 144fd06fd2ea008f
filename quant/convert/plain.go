package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// Plain is src with types that GGUF and safetensors know, and with
// little-endian bytes in row-major order, as the plans of this package want
// them. Sources of those two kinds and raw ones are so already. It is for one
// goroutine.
//
// Arrays of NumPy and PyTorch that lie otherwise, or are of types with other
// names, become F32; so do whole numbers that are all that a file holds, as
// what a person gives alone is meant as weights.
func Plain(src quant.Source) quant.Source {
	switch src.Container() {
	case "npy", "npz", "pytorch":
	default:
		return src
	}
	p := &plainSource{Source: src, row: -1}
	infos := src.Tensors()
	p.native = make([]bool, len(infos))
	for i, info := range infos {
		if info.Readable {
			typ, ok := p.nativeType(i, info)
			p.native[i] = ok && (typ.Float() || len(infos) > 1)
			if !p.native[i] {
				typ = dtype.F32
			}
			info.Type, info.Bytes = typ.Name, int64(info.Len())*int64(typ.Size)
		}
		p.infos = append(p.infos, info)
	}
	return p
}

type plainSource struct {
	quant.Source
	infos  []quant.TensorInfo
	native []bool // whether a tensor's bytes are used as they are

	tensor, row int // that values holds; row is -1 for none
	values      []float32
}

func (p *plainSource) Tensors() []quant.TensorInfo { return p.infos }

// plainTypes are the names that NumPy and PyTorch have for types, without the
// byte order that NumPy puts before them.
var plainTypes = map[string]dtype.Type{
	"f2": dtype.F16, "f4": dtype.F32, "f8": dtype.F64,
	"i1": dtype.I8, "i2": dtype.I16, "i4": dtype.I32, "i8": dtype.I64,
	"u1": dtype.U8, "u2": dtype.U16, "u4": dtype.U32, "u8": dtype.U64, "b1": dtype.Bool,
	"float16": dtype.F16, "bfloat16": dtype.BF16, "float32": dtype.F32, "float64": dtype.F64,
	"int8": dtype.I8, "int16": dtype.I16, "int32": dtype.I32, "int64": dtype.I64,
	"uint8": dtype.U8, "uint16": dtype.U16, "uint32": dtype.U32, "uint64": dtype.U64, "bool": dtype.Bool,
}

const (
	probe  = 1 << 16 // values that are compared to tell whether bytes are little-endian
	widest = 1 << 20 // columns of a row that is read for it
)

// nativeType is the type of a tensor whose bytes can be used as they are.
func (p *plainSource) nativeType(i int, info quant.TensorInfo) (dtype.Type, bool) {
	typ, ok := plainTypes[strings.TrimLeft(info.Type, "<|=")]
	cols := quant.Cols(info.Shape)
	if !ok || cols > widest || p.Source.ReadRaw(i, 0, nil) != nil {
		return typ, false
	}
	rows := min(quant.Rows(info.Shape), max(1, probe/max(1, cols)))
	raw, got, want := make([]byte, rows*cols*typ.Size), make([]float32, rows*cols), make([]float32, rows*cols)
	if p.Source.ReadRaw(i, 0, raw) != nil || p.Source.ReadRows(i, 0, rows, want) != nil || typ.Decode(got, raw) != nil {
		return typ, false
	}
	for k := range got {
		if math.Float32bits(got[k]) != math.Float32bits(want[k]) {
			return typ, false
		}
	}
	return typ, true
}

// ReadRaw makes F32 of what is not used as it is.
func (p *plainSource) ReadRaw(i int, off int64, dst []byte) error {
	if i >= 0 && i < len(p.native) && p.native[i] {
		return p.Source.ReadRaw(i, off, dst)
	}
	if i < 0 || i >= len(p.infos) || off < 0 || int64(len(dst)) > p.infos[i].Bytes-off {
		return fmt.Errorf("%d bytes from byte %d of tensor %d are asked for, and there are not as many", len(dst), off, i)
	}
	cols := quant.Cols(p.infos[i].Shape)
	for len(dst) > 0 {
		value, byteOf := int(off/4), int(off%4)
		if err := p.load(i, value/cols, cols); err != nil {
			return err
		}
		at := value % cols
		for at < cols && len(dst) > 0 {
			var b [4]byte
			binary.LittleEndian.PutUint32(b[:], math.Float32bits(p.values[at]))
			n := copy(dst, b[byteOf:])
			dst, off, byteOf = dst[n:], off+int64(n), 0
			at++
		}
	}
	return nil
}

// load reads one row, unless it was the last one read.
func (p *plainSource) load(i, row, cols int) error {
	if p.row == row && p.tensor == i {
		return nil
	}
	if len(p.values) < cols {
		p.values = make([]float32, cols)
	}
	p.row = -1
	if err := p.Source.ReadRows(i, row, 1, p.values[:cols]); err != nil {
		return err
	}
	p.tensor, p.row = i, row
	return nil
}
