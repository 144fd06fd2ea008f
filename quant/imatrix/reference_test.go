//go:build linux && amd64

package imatrix

import (
	"encoding/gob"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"fewbits/quant/internal/libggml"
)

// The tests here have llama.cpp's own loader read what this package writes, in
// a child process, which it may abort.

const (
	childLib  = "FEWBITS_IMATRIX_LIB"
	childFile = "FEWBITS_IMATRIX_FILE"
)

func TestMain(m *testing.M) {
	if lib := os.Getenv(childLib); lib != "" {
		load(lib, os.Getenv(childFile))
	}
	os.Exit(m.Run())
}

// loaded is what the loader made of a file.
type loaded struct {
	Sums                  map[string][]float32
	Counts                map[string][]int64
	Datasets              []string
	Chunks, ChunkSize     int32
	Legacy, Complete, Bad bool
}

// text is std::string, vector std::vector, as libstdc++ lays them out.
type text struct {
	data *byte
	n    uint64
	room [16]byte
}

func (s *text) String() string { return string(unsafe.Slice(s.data, s.n)) }

type vector[T any] struct{ begin, end, room *T }

func (v *vector[T]) list() []T {
	var one T
	n := (uintptr(unsafe.Pointer(v.end)) - uintptr(unsafe.Pointer(v.begin))) / unsafe.Sizeof(one)
	return slices.Clone(unsafe.Slice(v.begin, n))
}

// node is a node of std::map<std::string, common_imatrix_entry>.
type node struct {
	color               uint64
	parent, left, right *node
	name                text
	sums                vector[float32]
	counts              vector[int64]
}

// load prints what the loader says, and ends the process.
func load(lib, file string) {
	runtime.LockOSThread()
	h, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		panic(err)
	}
	var f func(name *text, m unsafe.Pointer) bool
	purego.RegisterLibFunc(&f, h, "_Z19common_imatrix_loadRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEER14common_imatrix")
	name := append([]byte(file), 0)
	// An empty map is one whose first and last node are its head, at byte 8.
	m := make([]uint64, 64)
	base := unsafe.Pointer(&m[0])
	head := (*node)(unsafe.Add(base, 8))
	*(*unsafe.Pointer)(unsafe.Add(base, 24)) = unsafe.Pointer(head)
	*(*unsafe.Pointer)(unsafe.Add(base, 32)) = unsafe.Pointer(head)
	l := loaded{Sums: map[string][]float32{}, Counts: map[string][]int64{}}
	l.Bad = !f(&text{data: &name[0], n: uint64(len(file))}, base)
	l.walk(*(**node)(unsafe.Add(base, 16)))
	sets := (*vector[text])(unsafe.Add(base, 48))
	for at := sets.begin; at != sets.end; at = (*text)(unsafe.Add(unsafe.Pointer(at), unsafe.Sizeof(*at))) {
		l.Datasets = append(l.Datasets, at.String())
	}
	l.Chunks, l.ChunkSize = *(*int32)(unsafe.Add(base, 72)), *(*int32)(unsafe.Add(base, 76))
	l.Legacy, l.Complete = *(*bool)(unsafe.Add(base, 80)), *(*bool)(unsafe.Add(base, 81))
	runtime.KeepAlive(m)
	runtime.KeepAlive(name)
	if err := gob.NewEncoder(os.Stdout).Encode(l); err != nil {
		panic(err)
	}
	os.Exit(0)
}

func (l *loaded) walk(n *node) {
	if n == nil {
		return
	}
	l.walk(n.left)
	l.Sums[n.name.String()], l.Counts[n.name.String()] = n.sums.list(), n.counts.list()
	l.walk(n.right)
}

// ask has the loader read a file.
func ask(t *testing.T, b []byte) loaded {
	t.Helper()
	dir, err := libggml.Find()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "a file of an importance matrix")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childLib+"="+filepath.Join(dir, "libllama-common.so"), childFile+"="+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var l loaded
	bad := gob.NewDecoder(out).Decode(&l)
	if err := cmd.Wait(); err != nil || bad != nil {
		t.Fatal(err, bad)
	}
	return l
}

// TestLlamaReads has llama.cpp read both forms.
func TestLlamaReads(t *testing.T) {
	m := sample()
	l := ask(t, write(t, m.Write))
	if l.Bad || l.Legacy || !l.Complete || l.Chunks != 7 || l.ChunkSize != 512 || !slices.Equal(l.Datasets, m.Datasets) || len(l.Sums) != len(m.Weights) {
		t.Errorf("%+v", l)
	}
	if !maps.EqualFunc(l.Counts, m.Counts, slices.Equal) {
		t.Errorf("counts %v, want %v", l.Counts, m.Counts)
	}
	for name, x := range m.Weights {
		cols := len(x) / len(m.Counts[name])
		for i, sum := range l.Sums[name] {
			// As llama-quantize makes weights of them.
			w := float32(1)
			if n := l.Counts[name][i/cols]; n > 0 {
				w = sum / float32(n)
			}
			if w != x[i] {
				t.Errorf("%s: weight %d is %v there, %v here", name, i, w, x[i])
			}
		}
	}
	m, err := open(write(t, m.WriteLegacy))
	if err != nil {
		t.Fatal(err)
	}
	l = ask(t, write(t, m.WriteLegacy))
	if l.Bad || !l.Legacy || l.Chunks != 7 || !slices.Equal(l.Datasets, []string{"code.txt"}) || len(l.Sums) != len(m.Weights) {
		t.Errorf("%+v", l)
	}
	for name, x := range m.Weights {
		for i, sum := range l.Sums[name] {
			if w := sum / float32(l.Counts[name][0]); w != x[i] {
				t.Errorf("%s: weight %d is %v there, %v here", name, i, w, x[i])
			}
		}
	}
}
