package main

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
	"fewbits/quant/formats"
)

// legacyMatrix is an importance matrix in its old form.
func legacyMatrix(entries map[string][]float32) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(len(entries)))
	for name, x := range entries {
		b = le.AppendUint32(b, uint32(len(name)))
		b = append(b, name...)
		b = le.AppendUint32(b, 2)
		b = le.AppendUint32(b, uint32(len(x)))
		for _, v := range x {
			b = le.AppendUint32(b, math.Float32bits(2*v))
		}
	}
	b = le.AppendUint32(b, 40)
	b = le.AppendUint32(b, 5)
	return append(b, "a.txt"...)
}

func weightsOf(n int, seed uint64) []float32 {
	x := normal(n, seed)
	for i := range x {
		x[i] *= x[i]
	}
	return x
}

// TestImportance gives one tensor its importance in all three forms, and
// wants what the format makes of it.
func TestImportance(t *testing.T) {
	const rows, cols = 6, 512
	x, w := normal(rows*cols, 1), weightsOf(cols, 2)
	q4k, _ := formats.Lookup("Q4_K")
	p, err := q4k.Quantize(quant.Tensor{Shape: []int{rows, cols}, Data: x}, quant.Options{Importance: w})
	if err != nil {
		t.Fatal(err)
	}
	single := npyFile(t, "w.npy", []int{rows, cols}, x...)
	vector := npyFile(t, "importance.npy", []int{cols}, w...)
	old := save(t, "imatrix.dat", legacyMatrix(map[string][]float32{"w": w, "v": w[:8]}))
	twice := slices.Clone(w)
	for i := range twice {
		twice[i] *= 2
	}
	modern := ggufFile(t, "imatrix.gguf", nil, ggufTensor{"w.in_sum2", []int{1, cols}, twice}, ggufTensor{"w.counts", []int{1, 1}, []float32{2}})
	for _, m := range []string{vector, old, modern} {
		t.Run(filepath.Base(m), func(t *testing.T) {
			dir := t.TempDir()
			out, decided, model := filepath.Join(dir, "out.bin"), filepath.Join(dir, "out.json"), filepath.Join(dir, "out.gguf")
			works(t, "quantize", single, "-to", "Q4_K", "-o", out, "-imatrix", m)
			if !bytes.Equal(load(t, out), p.Bytes) {
				t.Error("other bytes")
			}
			works(t, "quantize", single, "-to", "Q4_K", "-o", decided, "-imatrix", m)
			if !strings.Contains(string(load(t, decided)), `"importance": [`) {
				t.Error("the importance is not in the JSON")
			}
			works(t, "quantize", single, "-to", "Q4_K", "-o", model, "-imatrix", m)
			f := openGGUF(t, model)
			if !bytes.Equal(raw(t, f, "w"), p.Bytes) {
				t.Error("other bytes in the model")
			}
			if file, _ := f.Text("quantize.imatrix.file"); file != m {
				t.Errorf("made with %q", file)
			}
			with := works(t, "measure", single, "-to", "Q4_K,Q8_0", "-imatrix", m, "-json")
			without := works(t, "measure", single, "-to", "Q4_K,Q8_0", "-json")
			a, b := decode[measureOut](t, with), decode[measureOut](t, without)
			if a.Formats[0].Total.MSE == b.Formats[0].Total.MSE || a.Formats[1].Total.MSE != b.Formats[1].Total.MSE {
				t.Errorf("%+v\n%+v", a, b)
			}
		})
	}
	if r := fewbits(t, "quantize", single, "-to", "Q8_0", "-o", filepath.Join(t.TempDir(), "x.bin"), "-imatrix", vector); r.code != 0 || !strings.Contains(r.err, "note: Q8_0 takes no importance matrix") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

// TestImportanceOfModel gives each tensor of a model its own.
func TestImportanceOfModel(t *testing.T) {
	const cols, experts = 256, 3
	a, b, e, n := normal(4*cols, 1), normal(4*cols, 2), normal(experts*2*cols, 3), normal(cols, 4)
	wa, we := weightsOf(cols, 5), weightsOf(experts*cols, 6)
	in := ggufFile(t, "model.gguf", []quant.Meta{{Key: "general.architecture", Value: "llama"}},
		ggufTensor{"blk.0.attn_q.weight", []int{4, cols}, a}, ggufTensor{"blk.0.attn_k.weight", []int{4, cols}, b},
		ggufTensor{"blk.0.ffn_up_exps.weight", []int{experts, 2, cols}, e}, ggufTensor{"blk.0.attn_norm.weight", []int{cols}, n},
		ggufTensor{"token_embd.weight", []int{4, cols}, a})
	m := save(t, "imatrix.dat", legacyMatrix(map[string][]float32{
		"blk.0.attn_q.weight": wa, "blk.0.ffn_up_exps.weight": we, "token_embd.weight": wa[:7], "of.another": wa,
	}))
	q3k, _ := formats.Lookup("Q3_K")
	pack := func(x, w []float32) []byte {
		p, err := q3k.Quantize(quant.Tensor{Shape: []int{len(x) / cols, cols}, Data: x}, quant.Options{Importance: w})
		if err != nil {
			t.Fatal(err)
		}
		return p.Bytes
	}
	var wantExperts []byte
	for k := range experts {
		wantExperts = append(wantExperts, pack(e[k*2*cols:(k+1)*2*cols], we[k*cols:(k+1)*cols])...)
	}
	out := filepath.Join(t.TempDir(), "out.gguf")
	r := fewbits(t, "quantize", in, "-to", "Q3_K", "-o", out, "-imatrix", m)
	if r.code != 0 || !strings.Contains(r.err, "has weights for 2 of the 4 tensors that take some") {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	f := openGGUF(t, out)
	for name, want := range map[string][]byte{
		"blk.0.attn_q.weight": pack(a, wa), "blk.0.attn_k.weight": pack(b, nil), "token_embd.weight": pack(a, nil), "blk.0.ffn_up_exps.weight": wantExperts,
	} {
		if !bytes.Equal(raw(t, f, name), want) {
			t.Errorf("%s differs", name)
		}
	}
	if bytes.Equal(pack(a, wa), pack(a, nil)) {
		t.Error("the weights change nothing: the test shows nothing")
	}
	for key, want := range map[string]any{
		"quantize.imatrix.file": m, "quantize.imatrix.dataset": "a.txt", "quantize.imatrix.entries_count": uint32(4), "quantize.imatrix.chunks_count": uint32(40),
	} {
		if got, _ := f.Get(key); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	// The experts alone.
	bin := filepath.Join(t.TempDir(), "out.bin")
	works(t, "quantize", in, "-to", "Q3_K", "-tensor", "blk.0.ffn_up_exps.weight", "-o", bin, "-imatrix", m)
	if !bytes.Equal(load(t, bin), wantExperts) {
		t.Error("the experts alone differ")
	}
	works(t, "quantize", in, "-to", "Q3_K", "-tensor", "blk.0.ffn_up_exps.weight", "-o", filepath.Join(t.TempDir(), "out.json"), "-imatrix", m)
	// measure leaves those without weights as they are.
	works(t, "measure", in, "-to", "Q3_K", "-imatrix", save(t, "fits.dat", legacyMatrix(map[string][]float32{"blk.0.attn_q.weight": wa})))
}

// TestBadImportance wants each fault named.
func TestBadImportance(t *testing.T) {
	single := npyFile(t, "w.npy", []int{2, 256}, normal(512, 1)...)
	model := ggufFile(t, "m.gguf", nil, ggufTensor{"a.weight", []int{2, 256}, normal(512, 1)}, ggufTensor{"b.weight", []int{2, 256}, normal(512, 2)})
	nan := weightsOf(256, 1)
	nan[7] = float32(math.NaN())
	negative := weightsOf(256, 1)
	negative[255] = -1
	good := npyFile(t, "good.npy", []int{256}, weightsOf(256, 1)...)
	tests := []struct {
		in, matrix, want string
		code             int
	}{
		{single, "none.dat", "there is no such file", 1},
		{single, filepath.Dir(single), "is a folder", 1},
		{single, npyFile(t, "short.npy", []int{255}, weightsOf(255, 1)...), `has 255 weights for tensor "w", which has 256 columns`, 1},
		{single, npyFile(t, "nan.npy", []int{256}, nan...), "weight 7 is NaN", 1},
		{single, npyFile(t, "negative.npy", []int{256}, negative...), "weight 255 is -1", 1},
		{single, npyFile(t, "empty.npy", []int{0}), "the array is empty", 1},
		{single, save(t, "text.npy", []byte("text")), "npy: 4 bytes", 1},
		{single, save(t, "text.dat", []byte("just some text")), "no importance matrix of llama-imatrix", 1},
		{single, save(t, "x.dat", legacyMatrix(map[string][]float32{"v": nan[:3], "u": nan[:4]})), `has no weights for tensor "w"; it has them for 2 tensors, the first "u"`, 1},
		{single, save(t, "y.dat", legacyMatrix(map[string][]float32{"w": nan})), `entry "w": weight 7 is NaN`, 1},
		{single, model, "holds no importance matrix", 1},
		{model, save(t, "z.dat", legacyMatrix(map[string][]float32{"other": negative[:4]})), "has no weights for any of the 2 tensors", 1},
		{model, save(t, "s.dat", legacyMatrix(map[string][]float32{"a.weight": negative[:4]})), `has 4 weights for tensor "a.weight", which has 256 columns`, 1},
		{model, good, "is the importance of one tensor", 2},
	}
	for _, tt := range tests {
		for _, ext := range []string{".bin", ".gguf"} {
			if tt.in == model && ext == ".bin" {
				continue
			}
			out := filepath.Join(t.TempDir(), "out"+ext)
			r := fewbits(t, "quantize", tt.in, "-to", "Q4_K", "-o", out, "-imatrix", tt.matrix)
			want := tt.want
			if ext == ".gguf" {
				want = strings.Replace(want, `has no weights for tensor "w"; it has them for 2 tensors, the first "u"`, "has no weights for any of the 1 tensor", 1)
			}
			if r.code != tt.code || !strings.Contains(r.err, want) {
				t.Errorf("%s: exit %d: %s, want %s", tt.matrix, r.code, r.err, want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Errorf("%s: a file was written", tt.matrix)
			}
		}
	}
	if r := fewbits(t, "measure", model, "-to", "Q4_K", "-imatrix", good); r.code != 2 {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	works(t, "measure", model, "-to", "Q4_K", "-imatrix", good, "-tensor", "a.weight")
}
