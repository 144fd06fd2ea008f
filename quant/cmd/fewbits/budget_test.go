package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant/internal/testdata"
)

// TestBudget makes a model of a size: the file has it, loses less than the
// recipes of the same size do, and its lines make the same file.
func TestBudget(t *testing.T) {
	model := testdata.File(t, "gguf", "stories260K.gguf")
	text := testdata.File(t, "text", "tinystories_sample_197k.txt")
	dir := t.TempDir()
	out, lines, again := filepath.Join(dir, "out.gguf"), filepath.Join(dir, "lines.txt"), filepath.Join(dir, "again.gguf")
	args := []string{"budget", "-json", model, "-size", "290kB", "-text", text, "-ctx", "128", "-chunks", "2", "-types", "Q4_0,Q5_0,Q5_1,Q8_0,F16"}
	b := decode[budgeted](t, works(t, append(args, "-o", out)...))
	st, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	if b.Limit != 290_000 || b.Bytes > b.Limit || b.Bytes < b.Limit-1000 || st.Size() != b.Bytes || !b.Calibrated || len(b.Tensors) != 37 || !(b.Bound > 0 && b.Bound <= b.Loss) {
		t.Errorf("a file of %d bytes, said %d of %d; %d tensors, loss %v, bound %v", st.Size(), b.Bytes, b.Limit, len(b.Tensors), b.Loss, b.Bound)
	}
	if len(b.Models) != 5 || b.Models[0].Name != "mix" || b.Models[1].Name != "Q4_K_M" || b.Models[3].Name != "Q5_K_M" {
		t.Fatalf("%+v", b.Models)
	}
	for i := 1; i < 5; i += 2 {
		fixed, mix := b.Models[i], b.Models[i+1]
		if mix.Bytes > fixed.Bytes || !(*mix.KL < *fixed.KL) || !(*mix.Loss < *fixed.Loss) {
			t.Errorf("%s: KL %v in %d bytes; the mix %v in %d", fixed.Name, *fixed.KL, fixed.Bytes, *mix.KL, mix.Bytes)
		}
	}
	for i, p := range b.Frontier {
		if i > 0 && (p.Bytes <= b.Frontier[i-1].Bytes || p.Loss >= b.Frontier[i-1].Loss) {
			t.Errorf("frontier point %d: %+v after %+v", i, p, b.Frontier[i-1])
		}
	}
	if c := decode[budgeted](t, works(t, append(args, "-o", lines)...)); c.Base != b.Base || c.Loss != b.Loss {
		t.Errorf("the second time %s, %v; %s, %v", c.Base, c.Loss, b.Base, b.Loss)
	}
	works(t, "quantize", model, "-to", b.Base, "-pure", "-tensor-type-file", lines, "-o", again)
	if !bytes.Equal(load(t, again), load(t, out)) {
		t.Error("the lines make another file")
	}
}

// TestBudgetAlone goes by the tensors, without a text.
func TestBudgetAlone(t *testing.T) {
	model := testdata.File(t, "gguf", "stories260K.gguf")
	out := works(t, "budget", model, "-bpw", "8")
	for _, want := range []string{"bits a weight", "attn_q.weight of layer", "Q4_K_M", "mix of that size", "llama-quantize --pure --tensor-type '^", "-text FILE measures"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	b := decode[budgeted](t, works(t, "budget", "-json", model, "-bpw", "8"))
	if b.BitsPerWeight > 8 || b.BitsPerWeight < 7.95 || b.Calibrated || b.Models[0].KL != nil {
		t.Errorf("%v bits a weight, calibrated %v", b.BitsPerWeight, b.Calibrated)
	}
}

func TestBudgetRefuses(t *testing.T) {
	model := testdata.File(t, "gguf", "stories260K.gguf")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{model}, 2, "either -size or -bpw"},
		{[]string{model, "-size", "1MB", "-bpw", "4"}, 2, "either -size or -bpw"},
		{[]string{model, "-size", "many"}, 2, "-size wants"},
		{[]string{model, "-size", "-3MB"}, 2, "-size wants"},
		{[]string{model, "-bpw", "0"}, 2, "-bpw wants"},
		{[]string{model, "-size", "1MB", "-types", "Q9"}, 2, "Q9"},
		{[]string{model, "-size", "1MB", "-o", "x.bin"}, 2, ".txt"},
		{[]string{model, "-size", "1MB", "bits=4"}, 2, "no option"},
		{[]string{model, "-size", "100kB"}, 1, "too small"},
		{[]string{model, "-size", "300kB", "-text", save(t, "short.txt", []byte("Once upon a time"))}, 1, "the text has"},
		{[]string{npyFile(t, "w.npy", []int{2, 2}, 1, 2, 3, 4), "-size", "1MB"}, 1, "GGUF"},
	} {
		r := fewbits(t, append([]string{"budget"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || r.out != "" {
			t.Errorf("%v: exit %d, %q; want %d, %q", c.args, r.code, r.err, c.code, c.want)
		}
	}
}

func TestSizeOf(t *testing.T) {
	for s, want := range map[string]int64{"3.2MB": 3_200_000, "3MiB": 3 << 20, "800 kb": 800_000, "12345": 12345, "1GiB": 1 << 30, "7b": 7} {
		if got, err := sizeOf(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
}
