package container

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"fewbits/quant"
)

// TestUnzip opens the folder that an archive holds, where its weights are
// stored as they are.
func TestUnzip(t *testing.T) {
	header := `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	weights := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	weights = append(weights, make([]byte, 8)...)
	for _, c := range []struct {
		name   string
		method uint16
		files  []string
		want   string // of the error
	}{
		{"stored", zip.Store, []string{"m/model.safetensors", "m/README.md", "__MACOSX/m/._model.safetensors"}, ""},
		{"packed", zip.Deflate, []string{"m/model.safetensors"}, "unpack it and open the folder"},
		{"others", zip.Store, []string{"m/a.png"}, "unpack it and open one of its files"},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range c.files {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: c.method})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(weights); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		m, err := Files([]quant.File{{Name: "m.zip", R: bytes.NewReader(b.Bytes()), Size: int64(b.Len())}})
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case len(m.Tensors()) != 1 || m.Tensors()[0].Name != "a" || len(m.Files) != 1 || m.Files[0].Name != "m/model.safetensors":
			t.Errorf("%s: %+v of %+v", c.name, m.Tensors(), m.Files)
		}
	}
}
