package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// noise are words of Go that tell a person nothing.
var noise = regexp.MustCompile(`runtime error|panic|goroutine|EOF|%!|nil pointer|out of range|strconv|0x[0-9a-f]{6}|<nil>|\bfmt\b|makeslice|invalid argument`)

// wellPut wants a refusal to be one line that names the file, says what is
// wrong, and is free of noise.
func wellPut(t *testing.T, r result, path string) {
	t.Helper()
	line, rest, _ := strings.Cut(r.err, "\n")
	switch {
	case r.code != 1:
		t.Errorf("%s: exit %d: %s", path, r.code, r.err)
	case rest != "" || line == "":
		t.Errorf("%s: not one line: %q", path, r.err)
	case !strings.Contains(line, clean(filepath.Base(path))):
		t.Errorf("%s is not named: %q", path, line)
	case noise.MatchString(line):
		t.Errorf("%s: noise: %q", path, line)
	case len(strings.Fields(strings.ReplaceAll(line, path, ""))) < 6:
		t.Errorf("%s: too little is said: %q", path, line)
	}
}

// ways are all that can be done with a file.
func ways(path, dir string) [][]string {
	out := func(ext string) string { return filepath.Join(dir, "out."+ext) }
	return [][]string{
		{"inspect", path},
		{"inspect", path, "-json"},
		{"measure", path, "-to", "Q8_0"},
		{"measure", path, "-to", "INT4,BF16", "group=32", "-json"},
		{"quantize", path, "-to", "Q8_0", "-o", out("gguf")},
		{"quantize", path, "-to", "FP8_E4M3", "-o", out("safetensors")},
		{"quantize", path, "-to", "INT8", "-o", out("bin")},
		{"quantize", path, "-to", "NF4", "-o", out("json")},
		{"dequantize", path, "-o", out("npy")},
	}
}

// survive does all that can be done with a file: it works or it is refused in
// good order. It returns the exit status of each way.
func survive(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	verdict := ""
	for _, args := range ways(path, dir) {
		r := fewbits(t, args...)
		verdict += fmt.Sprint(r.code)
		if r.code != 0 {
			wellPut(t, r, path)
			alone(t, filepath.Join(dir, "none"), written(t, dir)...)
		}
	}
	return verdict
}

// written are the files in dir that commands may write.
func written(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "out.") {
			names = append(names, e.Name())
		}
	}
	return names
}

// verdicts are what is known of files: the exit status of each of ways.
var verdicts = map[string]string{
	// Valid containers with hostile strings in them, and two tensors.
	"safetensors/modelaudit_malicious_import.safetensors":    "000000111",
	"safetensors/modelaudit_multiple_patterns.safetensors":   "000000111",
	"safetensors/modelaudit_obfuscated_metadata.safetensors": "000000111",
	"safetensors/modelaudit_safe_model.safetensors":          "000000111",
	"safetensors/modelaudit_script_injection.safetensors":    "000000111",
	"safetensors/modelaudit_shell_commands.safetensors":      "000000111",
	"safetensors/modelaudit_suspicious_url.safetensors":      "000000111",
	// A header longer than the file, and one without its data.
	"safetensors/safetensors_abuse_attempt_1.safetensors": "111111111",
	"safetensors/inkling_shard09_header_only.safetensors": "111111111",
	// Valid and without tensors.
	"gguf_gridcore/v3-empty.bin":               "001111111",
	"gguf_gridcore/valid-small.gguf":           "001111111",
	"pt/modelaudit_safe_model.pt":              "001111111",
	"gguf_bitnetrs_tokfixtures/llama3-8b.gguf": "001111111",
	// Numbers of bytes, tensors or keys that cannot be.
	"gguf_gridcore/bad-version.bin":                                        "111111111",
	"gguf_gridcore/hdr-suppress-eos.gguf":                                  "111111111",
	"gguf_gridcore/hdr-wrap-first-offset.gguf":                             "111111111",
	"gguf_gridcore/hdr-zero-first-dim.gguf":                                "111111111",
	"gguf_gridcore/huge-counts.bin":                                        "111111111",
	"gguf_gridcore/kv-arr-huge-n.bin":                                      "111111111",
	"gguf_gridcore/kv-huge-strlen.bin":                                     "111111111",
	"gguf_gridcore/magic-only.bin":                                         "111111111",
	"gguf_gridcore/tensor-huge-dims.bin":                                   "111111111",
	"gguf_gridcore/trunc-magic.bin":                                        "111111111",
	"gguf_bitnetrs_crashes/crash-69e8aa7487115a5484cc9c94c0decd84c1361bcb": "111111111",
	"gguf_bitnetrs_crashes/crash-8052f5de4a2a64de976c40f34a950131912e678d": "111111111",
	// Text in place of a model.
	"gguf_mungert_test.gguf": "111111111",
	// Pickles in arrays, hostile or not.
	"npy/numpy_py2-np0-objarr.npy":                "111111111",
	"npy/numpy_py2-objarr.npy":                    "111111111",
	"npy/numpy_py2-objarr.npz":                    "111111111",
	"npy/numpy_py3-objarr.npy":                    "111111111",
	"npy/numpy_py3-objarr.npz":                    "111111111",
	"npy/picklescan_dns_exfiltration.npy":         "111111111",
	"npy/picklescan_object_array.npy":             "111111111",
	"npy/picklescan_object_arrays.npz":            "111111111",
	"npy/picklescan_object_arrays_compressed.npz": "111111111",
	// Small arrays of whole numbers: a row does not fill a block of Q8_0.
	"npy/picklescan_int_array.npy":             "001000000",
	"npy/picklescan_int_arrays.npz":            "001000111",
	"npy/picklescan_int_arrays_compressed.npz": "001000111",
	"pt/picklescan_new_pytorch_model.bin":      "001000000",
	// Pickles that call, pickles without an archive, and files of other kinds.
	"pt/modelaudit_malicious_eval.pt":       "111111111",
	"pt/modelscan_unsafe_zip_pytorch.pt":    "111111111",
	"pt/picklescan_GHSA-jgw4-cr84-mqxg.bin": "111111111",
	"pt/picklescan_bad_pytorch.pt":          "111111111",
	"pt/picklescan_not_a_pickle.bin":        "111111111",
	"pt/picklescan_pytorch_magic_bypass.pt": "111111111",
	"pt/picklescan_pytorch_model.bin":       "111111111",
}

// TestMalformed does everything with every malformed file there is.
func TestMalformed(t *testing.T) {
	root := testdata.File(t, "malformed")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		want, known := verdicts[rel]
		if testing.Short() && !known {
			return nil
		}
		t.Run(rel, func(t *testing.T) {
			got := survive(t, path)
			if known && got != want {
				t.Errorf("exits %s, want %s", got, want)
			}
		})
		if known {
			seen++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != len(verdicts) {
		t.Errorf("%d of the %d files that are known are there", seen, len(verdicts))
	}
}

// TestBroken makes the faults that no collection has.
func TestBroken(t *testing.T) {
	good := load(t, ggufFile(t, "good.gguf", nil, ggufTensor{"w", []int{2, 32}, normal(64, 1)}))
	swapped := bytes.Clone(good)
	copy(swapped, "FUGG")
	bomb := zipBomb(t)
	tests := []struct {
		name string
		b    []byte
		want string
	}{
		{"empty.gguf", nil, "is empty"},
		{"empty.npy", nil, "is empty"},
		{"text.gguf", []byte("this is some text\n"), "text, not tensors"},
		{"text.npy", []byte("this is some text\n"), "text, not tensors"},
		{"magic.gguf", swapped, "not"},
		{"page.safetensors", []byte("<!DOCTYPE html><title>404</title>"), "web page in place of a file"},
		{"lfs.gguf", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), "Git LFS pointer"},
		{"odd.f32", []byte{1, 2, 3}, "3 bytes are not whole float32 values"},
		{"object.npy", []byte("\x93NUMPY\x01\x00\x36\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)} \n.........."), "Python objects"},
		{"evil.pkl", []byte("\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R."), "Python pickle, which Fewbits never runs"},
		{"huge.npy", []byte("\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 9999)}   \n"), "bytes are missing"},
		{"bomb.npz", bomb, ""},
		{"new\nline\x1b[31m.npy", []byte("x"), ""},
	}
	for _, tt := range tests {
		t.Run(clean(tt.name), func(t *testing.T) {
			path := save(t, tt.name, tt.b)
			if got := survive(t, path); strings.Contains(got, "0") && tt.want != "" {
				t.Errorf("exits %s", got)
			}
			if r := fewbits(t, "inspect", path); !strings.Contains(r.err, tt.want) {
				t.Errorf("%s, want %q", r.err, tt.want)
			}
		})
	}
}

// TestNoFile names what is not there, or is no file.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	folder, none := filepath.Join(dir, "folder.gguf"), filepath.Join(dir, "none.gguf")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		none:                                  "there is no such file",
		folder:                                "there are no files in it",
		filepath.Join(dir, "no", "no.gguf"):   "there is no such file",
		filepath.Join(none, "below", "a.npy"): "there is no such file",
	} {
		if got := survive(t, path); got != "111111111" {
			t.Errorf("%s: exits %s", path, got)
		}
		if r := fewbits(t, "inspect", path); !strings.Contains(r.err, want) {
			t.Errorf("%s: %s", path, r.err)
		}
	}
	if r := fewbits(t, "inspect", "/dev/null"); r.code != 1 || !strings.Contains(r.err, "no regular file") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

// zipBomb is an npz of 4 KB and an array of 4 MB of zeros.
func zipBomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("zeros.npy")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(npyBytes("<f4", false, "(1024, 1024)", make([]byte, 4<<20))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestEmptyTensor refuses arrays without values, by their shape.
func TestEmptyTensor(t *testing.T) {
	for _, shape := range [][]int{{0}, {0, 32}, {3, 0}} {
		in := npyFile(t, "none.npy", shape)
		if got := survive(t, in); got != "001110111" { // safetensors has a place for such
			t.Errorf("%v: exits %s", shape, got)
		}
		if r := fewbits(t, "measure", in, "-to", "INT8"); !strings.Contains(r.err, fmt.Sprintf(`tensor "none" is empty: its shape is %v`, shape)) {
			t.Errorf("%v: %s", shape, r.err)
		}
	}
}

// TestTruncated cuts a real model at every 64 bytes of its header and at some
// of its data: each cut is refused.
func TestTruncated(t *testing.T) {
	b := load(t, testdata.File(t, "gguf", "stories260K.gguf"))
	step := 64
	if testing.Short() {
		step = 1024
	}
	path := save(t, "cut.gguf", nil)
	out := filepath.Join(t.TempDir(), "out.gguf")
	for n := 0; n < len(b); n += step {
		if n > 16<<10 { // past the header, whose cuts are many alike
			n += 37 * step
		}
		if n >= len(b) {
			break
		}
		if err := os.WriteFile(path, b[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"inspect", path}, {"measure", path, "-to", "Q8_0"}, {"quantize", path, "-to", "Q8_0", "-o", out}} {
			r := fewbits(t, args...)
			if wellPut(t, r, path); r.code == 1 && n > 0 && !strings.Contains(r.err, "byte") {
				t.Errorf("cut at %d: %s", n, r.err)
			}
		}
		alone(t, out)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written")
	}
}

// TestFlipped damages every byte of a header, and some of the data: no panic,
// and all in order.
func TestFlipped(t *testing.T) {
	good := load(t, ggufFile(t, "w.gguf", nil, ggufTensor{"w", []int{2, 32}, normal(64, 1)}))
	path := save(t, "flipped.gguf", nil)
	dir := t.TempDir()
	for i := range good {
		if i%16 > 0 && (testing.Short() || i > len(good)-256) {
			continue
		}
		b := bytes.Clone(good)
		b[i] ^= 0xff
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, args := range ways(path, dir) {
			if r := fewbits(t, args...); r.code != 0 {
				wellPut(t, r, path)
			}
		}
	}
}

// claim is a source that claims tensors without having them.
type claim struct {
	quant.Source
	infos []quant.TensorInfo
}

func (c claim) Tensors() []quant.TensorInfo { return c.infos }

// TestClaims refuses tensors that a file of that size cannot hold, or memory.
func TestClaims(t *testing.T) {
	in := &input{path: "x.pt", size: 1000, Source: claim{infos: []quant.TensorInfo{
		{Name: "modest", Shape: []int{1 << 13, 1 << 13}, Readable: true},
		{Name: "expanded", Shape: []int{1 << 20, 1 << 20}, Readable: true},
		{Name: "complex", Shape: []int{2}, Why: "it is complex"},
		{Name: "none", Shape: []int{2, 0}, Readable: true},
	}}}
	for i, want := range []string{"", `tensor "expanded" claims 1099511627776 values in a file of 1000 bytes`, `"complex" cannot be read: it is complex`, `"none" is empty: its shape is [2 0]`} {
		if err := in.readable(i); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("tensor %d: %v, want %q", i, err, want)
		}
	}
	in.size = 1 << 40
	if err := in.readable(1); err != nil {
		t.Error(err)
	}
	if err := in.fits(1); err == nil || !strings.Contains(err.Error(), "held in memory") {
		t.Error(err)
	}
	if err := in.fits(0); err != nil {
		t.Error(err)
	}
}
