//go:build linux && amd64

package convert

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/libggml"
)

// The tests here have libllama quantize whole files, as llama-quantize --pure
// does, and compare its output with ours byte for byte. It runs in a child
// process, which it may abort.

const childEnv = "FEWBITS_LLAMA_CHILD"

// errRefused says that libllama would not quantize a file.
var errRefused = errors.New("libllama refused")

// llama quantizes the file in to the file type ftype.
func llama(t *testing.T, in []byte, ftype uint32) ([]byte, error) {
	t.Helper()
	dir, err := libggml.Find()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	libs, err := filepath.Glob(filepath.Join(dir, "libllama.v*.so"))
	if err != nil || len(libs) != 1 {
		t.Fatalf("libllama: %v, %v", libs, err)
	}
	from, to := filepath.Join(t.TempDir(), "in.gguf"), filepath.Join(t.TempDir(), "out.gguf")
	if err := os.WriteFile(from, in, 0o600); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, "-test.run=^TestLlamaChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+libs[0], "GGML_NO_BACKTRACE=1",
		"LLAMA_IN="+from, "LLAMA_OUT="+to, "LLAMA_FTYPE="+strconv.Itoa(int(ftype)))
	log, err := cmd.CombinedOutput()
	if err != nil {
		_, why, _ := strings.Cut(string(log), "failed to quantize: ")
		return nil, errors.Join(errRefused, errors.New(why))
	}
	out, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return out, nil
}

// TestLlamaChild is the child process.
func TestLlamaChild(t *testing.T) {
	lib := os.Getenv(childEnv)
	if lib == "" {
		t.Skip("runs in a child process only")
	}
	runtime.LockOSThread()
	h, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		t.Fatal(err)
	}
	var start func()
	var defaults func(p unsafe.Pointer) uintptr
	var quantize func(in, out string, p unsafe.Pointer) uint32
	purego.RegisterLibFunc(&start, h, "llama_backend_init")
	purego.RegisterLibFunc(&defaults, h, "llama_model_quantize_default_params")
	purego.RegisterLibFunc(&quantize, h, "llama_model_quantize")
	start()
	// struct llama_model_quantize_params: nthread, ftype, two types, then
	// booleans from byte 16 on: allow_requantize, …, pure.
	var p [64]byte
	defaults(unsafe.Pointer(&p))
	ftype, err := strconv.Atoi(os.Getenv("LLAMA_FTYPE"))
	if err != nil {
		t.Fatal(err)
	}
	p[0], p[4] = 1, byte(ftype)
	p[16], p[19] = 1, 1
	if quantize(os.Getenv("LLAMA_IN"), os.Getenv("LLAMA_OUT"), unsafe.Pointer(&p)) != 0 {
		os.Exit(3)
	}
}

// oddModel is a model of the llama architecture with tensors under all the
// names that rules mention, of many row lengths.
func oddModel(t *testing.T) []byte {
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
		for _, cols := range []int{256, 64, 96, 128, 172, 1024} {
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
	models := map[string][]byte{"stories260K": tale, "odd": oddModel(t)}
	formats := targets()
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
				if err != nil && !strings.HasPrefix(format, "IQ") && format != "NVFP4" {
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
