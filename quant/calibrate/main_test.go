package calibrate

import (
	"os"
	"testing"

	"fewbits/quant/gguf"
	"fewbits/quant/internal/libllama"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/llama"
)

func TestMain(m *testing.M) {
	libllama.Serve()
	os.Exit(m.Run())
}

// open opens a file and its model.
func open(t testing.TB, path string) (*gguf.File, *llama.Model) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	src, err := gguf.Open(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	m, err := llama.Open(src, llama.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return src, m
}

// stories is the small model, and a text like those that it was trained on.
func stories(t testing.TB) (*gguf.File, *llama.Model, string) {
	t.Helper()
	src, m := open(t, testdata.File(t, "gguf", "stories260K.gguf"))
	b, err := os.ReadFile(testdata.File(t, "text", "tinystories_sample_197k.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return src, m, string(b)
}

func chunksOf(t testing.TB, m *llama.Model, text string, o Text) [][]int32 {
	t.Helper()
	c, err := Chunks(m, text, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
