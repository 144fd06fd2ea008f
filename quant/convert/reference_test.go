//go:build linux && amd64

package convert

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/ggml"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/libllama"
)

// The tests here have libllama quantize whole files, as llama-quantize --pure
// does, and compare its output with ours byte for byte.

// llama quantizes the file in to the file type ftype.
func llama(t *testing.T, in []byte, ftype uint32) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	job := libllama.Job{
		In: filepath.Join(dir, "in.gguf"), Out: filepath.Join(dir, "out.gguf"), FileType: ftype,
		Output: libllama.Unset, Embedding: libllama.Unset, Requantize: true, Pure: true,
	}
	if err := os.WriteFile(job.In, in, 0o600); err != nil {
		t.Fatal(err)
	}
	if a := libllama.Run(t, []libllama.Job{job}); a[0].Err != nil {
		return nil, a[0].Err
	}
	out, err := os.ReadFile(job.Out)
	if err != nil {
		t.Fatal(err)
	}
	return out, nil
}

// oddModel is a model of the llama architecture with tensors under all the
// names that rules mention, of some row lengths besides 256 and 512.
func oddModel(t *testing.T, lengths ...int) []byte {
	t.Helper()
	f, _ := stories(t)
	var meta []quant.Meta
	for _, m := range f.Metadata() {
		if strings.HasPrefix(m.Key, "llama.") || strings.HasPrefix(m.Key, "general.") {
			meta = append(meta, m)
		}
	}
	meta = append(meta, quant.Meta{Key: "llama.vocab_size", Value: uint32(32)}, quant.Meta{Key: "general.file_type", Value: uint32(0)}, quant.Meta{Key: "x.last", Value: []string{"a"}})
	src := &memory{container: "gguf", meta: meta}
	add := func(name, typ string, shape ...int) {
		n, err := quant.Count(shape)
		if err != nil {
			t.Fatal(err)
		}
		src.add(name, typ, normal(n, uint64(len(src.infos))), shape...)
	}
	for _, typ := range []string{"F16", "BF16", "F32"} {
		for _, cols := range lengths {
			add("blk."+strconv.Itoa(cols)+".attn_q"+typ+".weight", typ, 3, cols)
		}
	}
	for _, k := range kept {
		name := "blk.2." + strings.Trim(k.part, ".")
		add(strings.TrimSuffix(name, ".weight")+".weight", "F32", 2, 256)
	}
	for _, name := range []string{
		"token_embd.weight", "output.weight", "position_embd.weight", "token_types.weight", "blk.1.attn_v.weight", "blk.10.attn_v.weight",
		"blk.1.ffn_down.weight", "blk.0.attn_q.bias", "weight", "blk.0.weights", "blk.x.weight", "blk.3y.weight", "cls.output.weight",
	} {
		add(name, "F32", 4, 512)
	}
	add("output_norm.weight", "F32", 512)
	add("blk.0.exps.weight", "F32", 3, 2, 256)
	add("blk.0.row.weight", "F32", 1, 256)
	add("blk.0.flat.weight", "F16", 256)
	var plans []gguf.TensorPlan
	for _, info := range src.infos {
		shape := info.Shape
		for len(shape) > 1 && shape[0] == 1 { // libllama writes no outer dimensions of 1
			shape = shape[1:]
		}
		plans = append(plans, gguf.TensorPlan{Name: info.Name, Shape: shape, Type: info.Type})
	}
	var out bytes.Buffer
	w, err := gguf.NewWriter(&out, meta, plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, raw := range src.raw {
		if err := w.WriteTensor(i, raw); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// TestPureIsLlamas compares whole files.
func TestPureIsLlamas(t *testing.T) {
	_, tale := stories(t)
	models := map[string][]byte{"stories260K": tale, "odd": oddModel(t, 256, 64, 96, 128, 172, 1024), "even": oddModel(t, 1024)}
	formats := []string{"F32", "F16", "BF16"}
	for _, f := range ggml.Formats() {
		formats = append(formats, f.Info().Name)
	}
	if testing.Short() {
		formats = []string{"F16", "Q4_K"}
	}
	for _, format := range formats {
		for name, in := range models {
			t.Run(format+"/"+name, func(t *testing.T) {
				src := openGGUF(t, in)
				plan, err := PlanPure(src, format)
				if err != nil {
					t.Fatal(err)
				}
				if f, ok := lookup(format); ok && f.Info().Importance == quant.Required {
					t.Skip("needs an importance matrix")
				}
				want, err := llama(t, in, FileType(plan))
				// Q1_0 has no fallback there for rows that do not fill its blocks.
				odd := name != "even" && format == "Q1_0"
				if err != nil && !odd && !strings.HasPrefix(format, "IQ") && format != "NVFP4" {
					t.Fatal(err)
				}
				if err != nil {
					t.Skip(err) // for want of an importance matrix, or of support
				}
				got := toGGUF(t, src, format)
				if bytes.Equal(got, want) {
					return
				}
				theirs := openGGUF(t, want)
				for i, info := range theirs.Tensors() {
					if s := plan[i]; info.Name != s.Name || info.Type != s.To || info.Bytes != s.Bytes {
						t.Errorf("tensor %d: libllama has %s as %s, %d bytes, this package %s as %s, %d bytes (%s)",
							i, info.Name, info.Type, info.Bytes, s.Name, s.To, s.Bytes, s.Why)
					}
				}
				at := 0
				for at < len(got) && at < len(want) && got[at] == want[at] {
					at++
				}
				t.Errorf("%d bytes differ from libllama's %d from byte %d on", len(got), len(want), at)
			})
		}
	}
}
