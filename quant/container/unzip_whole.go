//go:build !first

package container

import (
	"fmt"
	"path"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container/archive"
)

// unzipped are the files of an archive of a model's files; nil where a file is
// none. It fails where weights are not stored as they are: their bytes are read
// here and there.
func unzipped(f quant.File) ([]quant.File, error) {
	head := make([]byte, 4)
	if n, _ := f.R.ReadAt(head, 0); f.Size < 4 || n < 4 || !strings.HasPrefix(string(head), "PK\x03\x04") {
		return nil, nil
	}
	z, err := archive.Open(f.R, f.Size)
	if err != nil || !zipped(z) {
		return nil, nil // whoever opens it says what is wrong
	}
	var list []quant.File
	for _, m := range z.Members {
		name := clean(m.Name)
		if hidden(name) {
			continue
		}
		if k := kindOf(name); !m.Stored() && (k == safetensorsFile || k == ggufFile) {
			return nil, fmt.Errorf("container: %s holds %s in packed form, and weights are read here and there; unpack it and open the folder", label(f.Name), path.Base(name))
		}
		list = append(list, quant.File{Name: name, R: m, Size: m.Size})
	}
	return list, nil
}

// asFolder is what Open says of such an archive.
func asFolder(name string) error {
	return fmt.Errorf("container: %s is a zip archive of a model's files; open it with Files, or unpack it and open the folder", label(name))
}
