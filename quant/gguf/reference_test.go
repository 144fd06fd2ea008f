//go:build linux && amd64

package gguf

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"fewbits/quant"
	"fewbits/quant/internal/libggml"
	"fewbits/quant/internal/testdata"
)

// The tests here ask libggml-base.so, which reads GGUF for llama.cpp, what it
// makes of files. It comes with the npm package @node-llama-cpp/linux-x64. It
// aborts on some input, so it runs in a child process.

const childEnv = "FEWBITS_GGUF_CHILD"

// library is the path of libggml-base.so. The test is skipped without it, or
// fails where CI is set.
func library(t *testing.T) string {
	t.Helper()
	dir, err := libggml.Find()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return filepath.Join(dir, "libggml-base.so")
}

// reference is what libggml says of a file: a dump, or "refused".
func reference(t *testing.T, path string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, "-test.run=^TestReferenceChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+library(t), "FEWBITS_GGUF_FILE="+path, "GGML_NO_BACKTRACE=1")
	out, err := cmd.Output()
	if err != nil {
		return "aborted: " + err.Error()
	}
	_, out, _ = bytes.Cut(out, []byte("<<<"))
	out, _, _ = bytes.Cut(out, []byte(">>>"))
	return string(out)
}

// TestReferenceChild is the child process.
func TestReferenceChild(t *testing.T) {
	lib := os.Getenv(childEnv)
	if lib == "" {
		t.Skip("runs in a child process only")
	}
	runtime.LockOSThread()
	h, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("<<<%s>>>\n", dumpReference(h, os.Getenv("FEWBITS_GGUF_FILE")))
}

// at is n bytes of foreign memory.
func at(p uintptr, n int) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p)), n)
}

func dumpReference(h uintptr, path string) string {
	var initFile func(path string, noAlloc uintptr, ctx unsafe.Pointer) uintptr
	purego.RegisterLibFunc(&initFile, h, "gguf_init_from_file")
	integer := func(name string) (f func(g uintptr, i int64) int64) {
		purego.RegisterLibFunc(&f, h, name)
		return f
	}
	text := func(name string) (f func(g uintptr, i int64) string) {
		purego.RegisterLibFunc(&f, h, name)
		return f
	}
	var element func(g uintptr, i, j int64) string
	purego.RegisterLibFunc(&element, h, "gguf_get_arr_str")

	var tensors uintptr
	g := initFile(path, 0, unsafe.Pointer(&tensors))
	if g == 0 {
		return "refused"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version %d, data at %d\n", uint32(integer("gguf_get_version")(g, 0)), integer("gguf_get_data_offset")(g, 0))
	for i := range integer("gguf_get_n_kv")(g, 0) {
		t := valueType(integer("gguf_get_kv_type")(g, i))
		fmt.Fprintf(&b, "%s %s ", text("gguf_get_key")(g, i), valueTypes[t].name)
		switch t {
		case typeString:
			fmt.Fprintf(&b, "%q\n", text("gguf_get_val_str")(g, i))
		case typeArray:
			e, n := valueType(integer("gguf_get_arr_type")(g, i)), integer("gguf_get_arr_n")(g, i)
			fmt.Fprintf(&b, "%s × %d: ", valueTypes[e].name, n)
			sum := sha256.New()
			if e == typeString {
				for j := range n {
					fmt.Fprintf(sum, "%q ", element(g, i, j))
				}
			} else {
				sum.Write(at(uintptr(integer("gguf_get_arr_data")(g, i)), int(n*valueTypes[e].size)))
			}
			fmt.Fprintf(&b, "%x\n", sum.Sum(nil))
		default:
			fmt.Fprintf(&b, "%x\n", at(uintptr(integer("gguf_get_val_data")(g, i)), int(valueTypes[t].size)))
		}
	}
	for i := range integer("gguf_get_n_tensors")(g, 0) {
		fmt.Fprintf(&b, "%s type %d, %d bytes at %d\n", text("gguf_get_tensor_name")(g, i), int32(integer("gguf_get_tensor_type")(g, i)), integer("gguf_get_tensor_size")(g, i), integer("gguf_get_tensor_offset")(g, i))
	}
	return b.String()
}

// dumpOurs writes what dumpReference would.
func dumpOurs(f *File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version %d, data at %d\n", f.Version, f.DataOffset)
	for _, m := range f.Metadata() {
		t, array, err := typeOf(m.Value)
		if err != nil {
			return err.Error()
		}
		var bare bytes.Buffer
		switch v := m.Value.(type) {
		case string:
			fmt.Fprintf(&b, "%s string %q\n", m.Key, v)
			continue
		case []string:
			for _, s := range v {
				fmt.Fprintf(&bare, "%q ", s)
			}
			fmt.Fprintf(&b, "%s array string × %d: %x\n", m.Key, len(v), sha256.Sum256(bare.Bytes()))
			continue
		}
		if array {
			encoder{&bare}.numbers(m.Value)
			bare.Next(8) // how many there are
			fmt.Fprintf(&b, "%s array %s × %d: %x\n", m.Key, valueTypes[t].name, int64(bare.Len())/valueTypes[t].size, sha256.Sum256(bare.Bytes()))
		} else {
			encoder{&bare}.scalar(m.Value)
			fmt.Fprintf(&b, "%s %s %x\n", m.Key, valueTypes[t].name, bare.Bytes())
		}
	}
	for i, info := range f.Tensors() {
		fmt.Fprintf(&b, "%s type %d, %d bytes at %d\n", info.Name, f.types[i].ID, info.Bytes, info.Offset-f.DataOffset)
	}
	return b.String()
}

func compare(t *testing.T, path string, f *File) {
	t.Helper()
	ours, theirs := dumpOurs(f), reference(t, path)
	if ours != theirs {
		t.Errorf("libggml reads\n%s\nand this package\n%s", clip(theirs), clip(ours))
	}
}

// TestReferenceReadsOurs has libggml read a file of ours with every type of
// metadata and a tensor of each type.
func TestReferenceReadsOurs(t *testing.T) {
	var meta []quant.Meta
	for _, m := range everyType {
		switch m.Value.(type) {
		case Nested: // libggml refuses arrays of arrays
			continue
		case string: // libggml hands out C strings
			m.Value = "plain ž"
		}
		if m.Key != "" {
			meta = append(meta, m)
		}
	}
	for _, alignment := range []uint32{8, 32, 256} {
		meta := append([]quant.Meta{{Key: keyAlignment, Value: alignment}}, meta...)
		var plans []TensorPlan
		for _, typ := range []string{"F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64", "Q4_0", "Q8_0", "Q4_K", "Q6_K"} {
			plans = append(plans, TensorPlan{typ + ".weight", []int{2, 3, 256}, typ}, TensorPlan{typ + ".row", []int{256}, typ})
		}
		plans = append(plans, TensorPlan{"odd", []int{7, 1, 3}, "I8"}, TensorPlan{strings.Repeat("n", 63), []int{}, "F32"})
		var out bytes.Buffer
		w, err := NewWriter(&out, meta, plans)
		if err != nil {
			t.Fatal(err)
		}
		for i := range plans {
			if err := w.WriteTensor(i, fill(int(w.TensorBytes(i)), byte(i))); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(t.TempDir(), "ours.gguf")
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := open(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		compare(t, path, f)
	}
}

// TestReferenceAgrees compares what libggml and this package make of every
// file at hand, the malformed ones included.
func TestReferenceAgrees(t *testing.T) {
	library(t)
	if testing.Short() {
		t.Skip("starts two hundred processes")
	}
	n := 0
	err := filepath.WalkDir(testdata.Dir(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "gguf") {
			return err
		}
		n++
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := open(b)
		theirs := reference(t, path)
		switch {
		case err == nil && dumpOurs(f) != theirs:
			t.Errorf("%s: libggml: %s, this package: %s", path, clip(theirs), clip(dumpOurs(f)))
		case err != nil && theirs != "refused":
			t.Errorf("%s: %v, but libggml: %s", path, err, clip(theirs))
		}
		return nil
	})
	if err != nil || n < 150 {
		t.Errorf("%d files, %v", n, err)
	}
}
