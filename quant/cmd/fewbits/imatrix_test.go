package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/imatrix"
)

func matrixOf(t *testing.T, path string) *imatrix.Matrix {
	t.Helper()
	b := load(t, path)
	m, err := imatrix.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestImatrix takes a matrix from the old form to the new one and back: no
// weight changes, and what both forms hold stays.
func TestImatrix(t *testing.T) {
	old := save(t, "old.dat", legacyMatrix(map[string][]float32{"blk.0.attn_q.weight": weightsOf(64, 1), "blk.0.ffn_up.weight": weightsOf(32, 2)}))
	dir := t.TempDir()
	modern, back := filepath.Join(dir, "new.gguf"), filepath.Join(dir, "back.dat")
	said := works(t, "imatrix", old, "-o", modern)
	for _, want := range []string{"importance for 2 tensors, from 40 chunks of 512 tokens, text a.txt", "blk.0.attn_q.weight       64", "new.gguf is written"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	works(t, "imatrix", modern, "-o", back)
	was := matrixOf(t, old)
	for _, path := range []string{modern, back} {
		m := matrixOf(t, path)
		if len(m.Weights) != 2 || m.Chunks != 40 || !slices.Equal(m.Datasets, []string{"a.txt"}) {
			t.Errorf("%s: %+v", path, m)
		}
		for name, w := range was.Weights {
			if !slices.Equal(m.Weights[name], w) {
				t.Errorf("%s: the weights of %s differ", path, name)
			}
		}
	}
	if head := load(t, modern)[:4]; string(head) != "GGUF" {
		t.Errorf("it begins with %q", head)
	}
	if head := load(t, back)[:4]; !bytes.Equal(head, []byte{2, 0, 0, 0}) {
		t.Errorf("it begins with % x", head)
	}
	info := decode[matrixInfo](t, works(t, "imatrix", modern, "-json"))
	if len(info.Entries) != 2 || info.Entries[1].Name != "blk.0.ffn_up.weight" || info.Entries[1].Weights != 32 || info.Chunks != 40 || info.Entries[0].Most <= info.Entries[0].Least {
		t.Errorf("%+v", info)
	}
}

func TestImatrixRefuses(t *testing.T) {
	old := save(t, "old.dat", legacyMatrix(map[string][]float32{"w": weightsOf(8, 1)}))
	idle := ggufFile(t, "idle.gguf", nil, ggufTensor{"w.in_sum2", []int{1, 2}, []float32{0, 0}}, ggufTensor{"w.counts", []int{1, 1}, []float32{0}},
		ggufTensor{"v.in_sum2", []int{1, 2}, []float32{4, 2}}, ggufTensor{"v.counts", []int{1, 1}, []float32{2}})
	dir := t.TempDir()
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"imatrix"}, 2, "a file is missing"},
		{[]string{"imatrix", old, "-o", filepath.Join(dir, "x.txt")}, 2, "OUT ends in .gguf"},
		{[]string{"imatrix", old, "bits=4"}, 2, `no option "bits"`},
		{[]string{"imatrix", save(t, "text", []byte("just some text"))}, 1, "no importance matrix of llama-imatrix"},
		{[]string{"imatrix", filepath.Join(dir, "none")}, 1, "there is no such file"},
		{[]string{"imatrix", old, "-o", filepath.Join(dir, "no", "x.dat")}, 1, "there is no folder"},
		{[]string{"imatrix", idle, "-o", filepath.Join(dir, "idle.dat")}, 0, "note: 1 tensor met no activations"},
	}
	for _, tt := range tests {
		r := fewbits(t, tt.args...)
		if r.code != tt.code || !strings.Contains(r.err, tt.want) {
			t.Errorf("%v: exit %d: %s", tt.args, r.code, r.err)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v: only one was to be written", files, err)
	}
}
