//go:build linux && amd64

package container

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/internal/libllama"
)

// TestSplitAgainstLlama has the real library load the parts of a model and
// write it as one file, and wants the same bytes of the joined source. So the
// parts are such as it takes, and what is made of them is what it makes.
func TestSplitAgainstLlama(t *testing.T) {
	whole, _ := stories(t)
	dir := t.TempDir()
	files := shards(t, filepath.Join(dir, "stories"), whole, 17, false)
	for _, f := range files {
		b := make([]byte, f.Size)
		if _, err := f.R.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out.gguf")
	q8 := libllama.Job{In: files[0].Name, Out: out, FileType: 7, Output: libllama.Unset, Embedding: libllama.Unset, Pure: true}
	short := q8
	short.In = files[1].Name // not the first: the library refuses it
	answers := libllama.Run(t, []libllama.Job{q8, short})
	if answers[0].Err != nil || answers[1].Err == nil {
		t.Fatalf("got %v; %v", answers[0].Err, answers[1].Err)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	src, err := OpenFiles([]quant.File{files[2], files[0], files[1]})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := convert.PlanPure(src, "Q8_0")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := convert.ToGGUF(context.Background(), &got, src, plan, convert.Options{Formats: formats.Lookup}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("libllama wrote %d other bytes than these %d", len(want), got.Len())
	}
}
