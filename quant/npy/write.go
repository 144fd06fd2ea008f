package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container/strided"
	"fewbits/quant/dtype"
)

// WriteHeader writes the header of a float32 array in C order, byte for byte
// as numpy.save does: version 1.0, room for the first dimension to grow to 21
// digits, padded to 64 bytes. The values follow as little-endian float32.
func WriteHeader(w io.Writer, shape []int) error { return WriteHeaderOf(w, "<f4", shape) }

// WriteHeaderOf is WriteHeader for values of another type, as NumPy names it:
// "|u1", "<i4". They follow in C order.
func WriteHeaderOf(w io.Writer, descr string, shape []int) error {
	if _, err := strided.Size(shape); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	dims := make([]string, len(shape))
	for i, d := range shape {
		dims[i] = strconv.Itoa(d)
	}
	tuple := strings.Join(dims, ", ")
	if len(dims) == 1 {
		tuple += ","
	}
	text := "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + tuple + "), }"
	if len(dims) > 0 {
		text += strings.Repeat(" ", 21-len(dims[0]))
	}
	pad := 64 - (10+len(text)+1)%64
	text += strings.Repeat(" ", pad) + "\n"
	if len(text) > 0xffff {
		return fmt.Errorf("npy: a shape of %d dimensions does not fit a header", len(shape))
	}
	b := binary.LittleEndian.AppendUint16([]byte(Magic+"\x01\x00"), uint16(len(text)))
	_, err := w.Write(append(b, text...))
	return err
}

// Write writes t as an npy file of float32. It fails where t's data does not
// fill its shape and where w does.
func Write(w io.Writer, t quant.Tensor) error {
	if n, err := strided.Size(t.Shape); err != nil || n != len(t.Data) {
		return fmt.Errorf("npy: tensor %q: shape %v does not hold the %d values given", t.Name, t.Shape, len(t.Data))
	}
	if err := WriteHeader(w, t.Shape); err != nil {
		return err
	}
	const chunk = 1 << 14
	buf := make([]byte, 4*min(chunk, len(t.Data)))
	for data := t.Data; len(data) > 0; {
		n := min(chunk, len(data))
		if err := dtype.F32.Encode(buf[:4*n], data[:n]); err != nil {
			return err
		}
		if _, err := w.Write(buf[:4*n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
