package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/safetensors"
)

// splitStories writes the small model in three parts as gguf-split does, and
// returns the whole one's path and the first part's.
func splitStories(t *testing.T, dir string) (whole, first string) {
	t.Helper()
	whole = testdata.File(t, "gguf", "stories260K.gguf")
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	infos := f.Tensors()
	for no, from := range []int{0, 20, 40} {
		group := infos[from:min(from+20, len(infos))]
		var meta []quant.Meta
		if no == 0 {
			meta = slices.Clone(f.Metadata())
		}
		meta = append(meta, quant.Meta{Key: "split.no", Value: uint16(no)}, quant.Meta{Key: "split.count", Value: uint16(3)},
			quant.Meta{Key: "split.tensors.count", Value: int32(len(infos))})
		var plan []gguf.TensorPlan
		for _, i := range group {
			plan = append(plan, gguf.TensorPlan{Name: i.Name, Shape: i.Shape, Type: i.Type})
		}
		var out bytes.Buffer
		w, err := gguf.NewWriter(&out, meta, plan)
		if err != nil {
			t.Fatal(err)
		}
		for i, info := range group {
			if err := w.WriteTensor(i, b[info.Offset:info.Offset+info.Bytes]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, gguf.NameOf("stories", no, 3, ".gguf")), out.Bytes())
	}
	return whole, filepath.Join(dir, gguf.NameOf("stories", 0, 3, ".gguf"))
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSplit wants every command to do with the parts of a model, by whatever
// path they are named, what it does with the whole.
func TestSplit(t *testing.T) {
	dir := t.TempDir()
	whole, first := splitStories(t, dir)
	write(t, filepath.Join(dir, "README.md"), []byte("# Stories"))
	write(t, filepath.Join(dir, ".cache", "x.gguf"), []byte("GGUF"))
	write(t, filepath.Join(dir, "extra", "x.gguf"), []byte("GGUF"))
	want, got := filepath.Join(t.TempDir(), "a.gguf"), filepath.Join(t.TempDir(), "b.gguf")
	works(t, "quantize", whole, "-to", "Q4_K_M", "-o", want)
	measured := strings.ReplaceAll(works(t, "measure", whole, "-to", "Q8_0", "-json"), whole, "X")
	for _, path := range []string{dir, first, strings.Replace(first, "00001-of", "00003-of", 1)} {
		works(t, "quantize", path, "-to", "Q4_K_M", "-o", got)
		if !bytes.Equal(read(t, got), read(t, want)) {
			t.Errorf("%s: other bytes than those of the whole model", path)
		}
		if m := strings.ReplaceAll(works(t, "measure", path, "-to", "Q8_0", "-json"), path, "X"); m != measured {
			t.Errorf("%s: measured otherwise", path)
		}
		a, b := filepath.Join(dir, "a.npy"), filepath.Join(t.TempDir(), "b.npy")
		works(t, "dequantize", path, "-tensor", "blk.4.ffn_up.weight", "-o", b)
		works(t, "dequantize", whole, "-tensor", "blk.4.ffn_up.weight", "-o", a)
		if !bytes.Equal(read(t, a), read(t, b)) {
			t.Errorf("%s: other values", path)
		}
		os.Remove(a)
	}
	var v inspected
	if err := json.Unmarshal([]byte(works(t, "inspect", dir, "-json")), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Tensors) != 48 || len(v.Files) != 3 || !strings.HasSuffix(v.Tensors[47].File, "/stories-00003-of-00003.gguf") || v.Size < 1<<20 {
		t.Errorf("got %d tensors, files %v, %d bytes, the last in %q", len(v.Tensors), v.Files, v.Size, v.Tensors[47].File)
	}
	if text := works(t, "inspect", first); !strings.Contains(text, "stories-00002-of-00003.gguf") || strings.Contains(text, "split.count") {
		t.Error(text)
	}
	if err := os.Remove(strings.Replace(first, "00001-of", "00002-of", 1)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, first} {
		if r := fewbits(t, "inspect", path); r.code != 1 || !strings.Contains(r.err, `stories-00002-of-00003.gguf" is missing`) {
			t.Errorf("%s: got %d, %s", path, r.code, r.err)
		}
	}
}

// TestShards wants an index, its folder and one of its files to mean the same.
func TestShards(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model.v1")
	for name, tensor := range map[string]string{"m-00001-of-00002.safetensors": "a", "m-00002-of-00002.safetensors": "b"} {
		var out bytes.Buffer
		w, err := safetensors.NewWriter(&out, nil, []safetensors.TensorPlan{{Name: tensor, Shape: []int{1, 32}, Type: "F32"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteTensor(0, bytes.Repeat([]byte{0, 0, 128, 63}, 32)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), out.Bytes())
	}
	index := filepath.Join(dir, "m.safetensors.index.json")
	write(t, index, []byte(`{"metadata":{"total_size":1},"weight_map":{"a":"m-00001-of-00002.safetensors","b":"m-00002-of-00002.safetensors"}}`))
	for _, path := range []string{dir, index, filepath.Join(dir, "m-00002-of-00002.safetensors")} {
		r := fewbits(t, "measure", path, "-to", "INT8")
		if r.code != 0 || !strings.Contains(r.out, "in all (2 of 2 tensors)") || !strings.Contains(r.err, "take 1 bytes, and they take 256") {
			t.Errorf("%s: got %d, %s%s", path, r.code, r.out, r.err)
		}
	}
	write(t, filepath.Join(dir, "config.json"), []byte(`{"architectures":["BertModel"]}`))
	if r := fewbits(t, "inspect", dir); r.code != 0 || !strings.Contains(r.err, "BertModel") {
		t.Errorf("got %d, %s%s", r.code, r.out, r.err)
	}
	write(t, index, []byte(`{"weight_map":{"a":"m-00001-of-00002.safetensors","c":"m-00002-of-00002.safetensors"}}`))
	if r := fewbits(t, "inspect", index); r.code != 1 || !strings.Contains(r.err, `has no tensor "c"`) {
		t.Errorf("got %d, %s", r.code, r.err)
	}
	empty := t.TempDir()
	write(t, filepath.Join(empty, "README.md"), nil)
	write(t, filepath.Join(empty, "x.png"), nil)
	if r := fewbits(t, "inspect", empty); r.code != 1 || !strings.Contains(r.err, "looked for GGUF, safetensors") {
		t.Errorf("got %d, %s", r.code, r.err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
