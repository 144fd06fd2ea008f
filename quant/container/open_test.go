package container

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

func openBytes(name string, b []byte) (quant.Source, error) {
	return Open(name, bytes.NewReader(b), int64(len(b)))
}

func zipOf(t testing.TB, members map[string]string, names ...string) string {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(w, members[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

const (
	npyOne = "\x93NUMPY\x01\x00\x36\x00{'descr': '<f4', 'fortran_order': False, 'shape': ()} \n\x00\x00\xc0\x3f"
	gguf0  = "GGUF\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	safe   = "\x3e\x00\x00\x00\x00\x00\x00\x00" + `{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}        ` + "\x00\x00\xc0\x3f"
)

// TestKinds wants each kind told by its contents, whatever the name.
func TestKinds(t *testing.T) {
	npz := zipOf(t, map[string]string{"a.npy": npyOne}, "a.npy")
	pt := zipOf(t, map[string]string{"archive/data.pkl": "\x80\x02}."}, "archive/data.pkl")
	both := zipOf(t, map[string]string{"data.pkl": "\x80\x02}.", "a.npy": npyOne}, "data.pkl", "a.npy")
	tests := []struct{ name, file, kind string }{
		{"x.gguf", gguf0, "gguf"}, {"x.bin", gguf0, "gguf"}, {"", gguf0, "gguf"},
		{"x.safetensors", safe, "safetensors"}, {"x", safe, "safetensors"}, {"x.bin", safe, "safetensors"},
		{"x.npy", npyOne, "npy"}, {"x.pt", npyOne, "npy"},
		{"x.npz", npz, "npz"}, {"x.zip", npz, "npz"}, {"x.pt", npz, "npz"},
		{"x.pt", pt, "pytorch"}, {"pytorch_model.bin", pt, "pytorch"}, {"x", pt, "pytorch"},
		{"x.pt", both, "pytorch"}, {"x.npz", both, "npz"}, {"x.zip", both, "pytorch"},
		{"x.bin", "\x00\x00\xc0\x3f", "raw"}, {"X.F32", "\x00\x00\xc0\x3f", "raw"}, {"x.raw", "GIF8", "raw"},
		{"x.f32", "text", "raw"},
	}
	for _, tt := range tests {
		s, err := openBytes(tt.name, []byte(tt.file))
		if err != nil || s.Container() != tt.kind {
			t.Errorf("%q as %s: got %v, %v", tt.name, tt.kind, s, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"a/b/weights.npy": "weights", `c:\x\w.v2.npy`: "w.v2", "": "arr_0", ".npy": "arr_0", "x": "x",
	} {
		s, err := openBytes(name, []byte(npyOne))
		if err != nil || s.Tensors()[0].Name != want {
			t.Errorf("%q: got %+v, %v", name, s, err)
		}
	}
}

func TestRefused(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"x.gguf", "", `"x.gguf" is empty`},
		{"", "", "the file is empty"},
		{"x.bin", "lmgg\x01\x00\x00\x00", "before GGUF"},
		{"x.bin", "fmgg\x64\x00\x00\x00", "before GGUF"},
		{"x.bin", "tjgg\x03\x00\x00\x00", "before GGUF"},
		{"x.bin", "ggjt\x03\x00\x00\x00", "before GGUF"},
		{"x.bin", "algg\x03\x00\x00\x00", "LoRA"},
		{"x.bin", "24ka\x02\x00\x00\x00", "llama2.c"},
		{"x.pt", "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02", "before 1.6"},
		{"x.pkl", "\x80\x04\x95", "Python pickle, which Fewbits never runs"},
		{"x.bin", "\x80\x04\x95\x00", "Python pickle, which Fewbits never runs"},
		{"x.pdf", "%PDF-1.7", "PDF"},
		{"x.bin", "\x89PNG\r\n\x1a\n", "PNG"},
		{"x.h5", "\x89HDF\r\n\x1a\n", "HDF5"},
		{"x.f32", "\x89HDF\r\n\x1a\n", "HDF5"},
		{"x.tflite", "\x1c\x00\x00\x00TFL3", "TensorFlow Lite"},
		{"x.onnx", "\x08\x07", "ONNX"},
		{"x.gz", "\x1f\x8b\x08", "gzip"},
		{"x.safetensors", "version https://git-lfs", "LFS pointer"},
		{"x.gguf", "<!DOCTYPE html>", "download went wrong"},
		{"x.bin", "hello there", "text, not tensors"},
		{"x.txt", strings.Repeat("é", 400), "text, not tensors"},
		{"x.index.json", ` {"weight_map": {}}`, "index of a model"},
		{"x.bin", "\x00\x01\x02", "3 bytes are not whole"},
		{"x.raw", "\x00", "1 bytes are not whole"},
		{"x.foo", "\x00\x01\x02", "what can be opened is GGUF"},
		{"x.gguf", "\x00\x01\x02\x03\x04", "gguf"},
		{"x.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{", "safetensors"},
		{"x.npy", "\x00\x01\x02\x03\x04", "npy: 5 bytes"},
		{"x.npz", "\x00\x01\x02\x03\x04", "npz: zip:"},
		{"x.pt", "\x00\x01\x02\x03\x04", "torch: the file is no zip"},
		{"x.docx", zipOf(t, nil, "word/document.xml"), "a zip archive of 1 files"},
		{"x.npz", zipOf(t, nil), "no arrays"},
		{"x.zip", "PK\x03\x04 and no more", "zip: "},
	}
	for _, tt := range tests {
		s, err := openBytes(tt.name, []byte(tt.file))
		if err == nil || s != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %.9q: got %v, %v, want %q", tt.name, tt.file, s, err, tt.want)
		}
	}
	if _, err := Open("x", bytes.NewReader(nil), 7); err == nil || !strings.Contains(err.Error(), "reading the first 7 bytes") {
		t.Errorf("a size past the end: got %v", err)
	}
}

func TestRaw(t *testing.T) {
	want := []float32{1, -2.5, float32(math.Inf(1)), 0}
	var b []byte
	for _, v := range want {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	s, err := openBytes("dir/noise.f32", b)
	if err != nil {
		t.Fatal(err)
	}
	x, err := quant.ReadTensor(s, 0)
	if err != nil || !slices.Equal(x.Data, want) || x.Name != "noise" || x.Rows() != 1 {
		t.Errorf("got %+v, %v", x, err)
	}
	part := make([]byte, 6)
	if err := s.ReadRaw(0, 3, part); err != nil || !bytes.Equal(part, b[3:9]) {
		t.Errorf("got % x, %v", part, err)
	}
	for name, err := range map[string]error{
		"tensor 1":        s.ReadRows(1, 0, 1, make([]float32, 4)),
		"bytes of 1":      s.ReadRaw(1, 0, part),
		"row 1":           s.ReadRows(0, 1, 1, make([]float32, 4)),
		"past the end":    s.ReadRaw(0, 11, part),
		"before the file": s.ReadRaw(0, -1, part),
		"far away":        s.ReadRaw(0, math.MaxInt64, part),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "raw: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if s.Metadata() != nil {
		t.Errorf("got %+v", s.Metadata())
	}
}

// TestAllFiles opens every real file there is. Each opens as the kind that its
// folder says, or is refused for the reason given here.
func TestAllFiles(t *testing.T) {
	kinds := map[string]string{
		"gguf": "gguf", "safetensors": "safetensors", "npy": "npy", "pt": "pytorch",
	}
	refused := map[string]string{
		"llama2c/nutllm_tiny-llama2-shared.bin": "llama2.c", "llama2c/nutllm_tiny-llama2.bin": "llama2.c",
		"llama2c/rvspoc_SCRAMBLED_a.bin": "llama2.c", "llama2c/stories260K.bin": "llama2.c", "llama2c/stories260K_q80.bin": "llama2.c",
		"llama2c/tok512.bin": "not whole", "llama2c/tokenizer.bin": "not whole", "llama2c/tokenizer.model": "no known kind",
	}
	root := testdata.Dir(t)
	opened := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s, err := openBytes(rel, b)
		folder, _, _ := strings.Cut(rel, "/")
		switch {
		case err == nil:
			opened++
			if want := kinds[folder]; want != "" && s.Container() != want && s.Container() != "npz" {
				t.Errorf("%s: opened as %s", rel, s.Container())
			}
		case err.Error() == "" || s != nil:
			t.Errorf("%s: got %v, %q", rel, s, err)
		case refused[rel] != "" && !strings.Contains(err.Error(), refused[rel]),
			folder == "rwkv" && !strings.Contains(err.Error(), "before GGUF"),
			folder == "text" && !strings.Contains(err.Error(), "text"):
			t.Errorf("%s: %v", rel, err)
		case refused[rel] == "" && (folder == "npy" || folder == "candle" || folder == "gguf" && !strings.Contains(rel, "weightinspect")):
			t.Errorf("%s: %v", rel, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if opened < 90 {
		t.Errorf("only %d files were opened", opened)
	}
}

func FuzzOpen(f *testing.F) {
	for _, s := range []string{
		npyOne, gguf0, safe, "lmgg", "\x80\x02}.", "24ka",
		zipOf(f, map[string]string{"a.npy": npyOne}, "a.npy"),
		zipOf(f, map[string]string{"x/data.pkl": "\x80\x02}."}, "x/data.pkl"),
	} {
		f.Add("x.bin", []byte(s))
		f.Add("x.pt", []byte(s))
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		s, err := openBytes(name, b)
		if (err == nil) != (s != nil) {
			t.Errorf("got %v, %v", s, err)
		}
		if err != nil {
			return
		}
		for i, info := range s.Tensors() {
			if info.Readable && info.Len() < 1<<16 {
				quant.ReadTensor(s, i) // may fail, may not panic
			}
		}
	})
}
