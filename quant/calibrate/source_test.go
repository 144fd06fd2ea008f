package calibrate

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
)

// unshared is the small model with each head's keys and values for itself: the
// rows are there as often as they were used.
func unshared(t testing.TB) string {
	t.Helper()
	src, _ := open(t, testdata.File(t, "gguf", "stories260K.gguf"))
	var meta []quant.Meta
	for _, m := range src.Metadata() {
		if m.Key == "llama.attention.head_count_kv" {
			m.Value = uint32(8)
		}
		meta = append(meta, m)
	}
	var plans []gguf.TensorPlan
	var data [][]byte
	for i, info := range src.Tensors() {
		x, err := quant.ReadTensor(src, i)
		if err != nil {
			t.Fatal(err)
		}
		shape := slices.Clone(info.Shape)
		if strings.HasSuffix(info.Name, "attn_k.weight") || strings.HasSuffix(info.Name, "attn_v.weight") {
			var twice []float32
			for head := range 4 {
				rows := x.Slice(8*head, 8*head+8).Data
				twice = append(append(twice, rows...), rows...)
			}
			x.Data, shape[0] = twice, 64
		}
		var b []byte
		for _, v := range x.Data {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		plans, data = append(plans, gguf.TensorPlan{Name: info.Name, Shape: shape, Type: "F32"}), append(data, b)
	}
	path := filepath.Join(t.TempDir(), "unshared.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := gguf.NewWriter(f, meta, plans)
	for i, b := range data {
		if err == nil {
			err = w.WriteTensor(i, b)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFile writes what was made of a model and opens it again: it is the model
// at hand, and says what it is.
func TestFile(t *testing.T) {
	src, m, text := stories(t)
	chunks := chunksOf(t, m, text, Text{Context: 64, Chunks: 2})
	r := quantized(t, m, chunks, Options{Method: "awq", Quant: quant.Options{Bits: 4, Group: 32}})
	over, err := r.Source(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"F32", "F16"} {
		plan, err := r.Plan(over, typ)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := convert.ToGGUF(t.Context(), &b, over, plan, convert.Options{Formats: formats.Lookup, Meta: r.Meta(typ)}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "made.gguf")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		made, n := open(t, path)
		_, kl := measure(t, n, r.Model, text, 2)
		if typ == "F32" && kl != 0 || !(kl < 1e-5) {
			t.Errorf("%s: the file's model is another: KL %v", typ, kl)
		}
		says := map[string]any{}
		for _, m := range made.Metadata() {
			says[m.Key] = m.Value
		}
		if says[KeyMethod] != "AWQ" || says[KeyOptions] != "bits=4 group=32 clip=true" || !strings.Contains(says[KeyWeights].(string), typ) {
			t.Errorf("%s: it says %v, %v, %v", typ, says[KeyMethod], says[KeyOptions], says[KeyWeights])
		}
		if says["llama.block_count"] != uint32(5) || len(made.Tensors()) != len(src.Tensors()) {
			t.Errorf("%s: what was there is not: %d tensors", typ, len(made.Tensors()))
		}
		types := map[string]int{}
		for _, info := range made.Tensors() {
			types[info.Type]++
		}
		if typ == "F16" && (types["F16"] != 35 || types["F32"] != 13) {
			t.Error(types)
		}
	}
	if _, err := r.Plan(over, "Q4_K"); err == nil {
		t.Error("Q4_K was taken")
	}
	other, _ := open(t, unshared(t))
	if _, err := r.Source(other); err == nil {
		t.Error("another file was taken")
	}
	if err := over.ReadRaw(0, -1, make([]byte, 4)); err == nil {
		t.Error("a byte before the first was read")
	}
	for i, info := range over.Tensors() {
		if err := over.ReadRows(i, quant.Rows(info.Shape), 1, make([]float32, quant.Cols(info.Shape))); err == nil {
			t.Errorf("%s: a row past the last was read", info.Name)
		}
	}
}
