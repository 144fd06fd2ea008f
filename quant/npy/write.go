package npy

import (
	"archive/zip"
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
func WriteHeader(w io.Writer, shape []int) error {
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
	text := "{'descr': '<f4', 'fortran_order': False, 'shape': (" + tuple + "), }"
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

// WriteZip writes tensors as an npz file of float32 arrays, stored as they
// are, as numpy.savez does. A tensor without a name gets the name that NumPy
// gives one, arr_ and its index. It fails on two tensors of one name, and on
// names that unpacking the archive would put outside its folder.
func WriteZip(w io.Writer, tensors []quant.Tensor) error {
	z := zip.NewWriter(w)
	seen := map[string]bool{}
	for i, t := range tensors {
		name := t.Name
		if name == "" {
			name = fmt.Sprintf("arr_%d", i)
		}
		if err := checkName(name); err != nil {
			return fmt.Errorf("npz: tensor %d %q: %w", i, name, err)
		}
		if seen[name] {
			return fmt.Errorf("npz: tensor %d %q: another has that name", i, name)
		}
		seen[name] = true
		// 1 January 1980, the earliest day that zip knows: files are reproducible.
		member, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store, ModifiedDate: 1<<5 | 1})
		if err != nil {
			return fmt.Errorf("npz: tensor %d %q: %w", i, name, err)
		}
		if err := Write(member, t); err != nil {
			return fmt.Errorf("npz: tensor %d %q: %w", i, name, err)
		}
	}
	return z.Close()
}

func checkName(name string) error {
	if strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\\\x00") {
		return fmt.Errorf("cannot be the name of a member; rename it")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return fmt.Errorf("cannot be the name of a member; rename it")
		}
	}
	return nil
}
