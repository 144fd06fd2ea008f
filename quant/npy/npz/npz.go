// Package npz writes npz files; fewbits/quant/npy reads them. It stands apart
// for the page's sake, which only reads: Go's zip writer brings a compressor
// along.
package npz

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"

	"fewbits/quant"
	"fewbits/quant/npy"
)

// Write writes tensors as an npz file of float32 arrays, stored as they
// are, as numpy.savez does. A tensor without a name gets the name that NumPy
// gives one, arr_ and its index. It fails on two tensors of one name, and on
// names that unpacking the archive would put outside its folder.
func Write(w io.Writer, tensors []quant.Tensor) error {
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
		// Modified would add a field that NumPy does not write.
		member, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store, ModifiedDate: 1<<5 | 1})
		if err != nil {
			return fmt.Errorf("npz: tensor %d %q: %w", i, name, err)
		}
		if err := npy.Write(member, t); err != nil {
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
