//go:build linux && amd64

package main

import (
	"bytes"
	"testing"

	"fewbits/quant/internal/libllama"
)

// wantLlama wants a file to be what libllama makes of in.
func wantLlama(t *testing.T, in, out string, fileType uint32) {
	t.Helper()
	job := libllama.Job{In: in, Out: out + ".llama", FileType: fileType, Output: libllama.Unset, Embedding: libllama.Unset}
	if a := libllama.Run(t, []libllama.Job{job}); a[0].Err != nil {
		t.Fatal(a[0].Err)
	}
	if !bytes.Equal(load(t, out), load(t, job.Out)) {
		t.Error("libllama's file differs")
	}
}
