package ggml

import (
	"os"
	"testing"

	"fewbits/quant/internal/libggml"
)

func TestMain(m *testing.M) {
	libggml.Serve()
	os.Exit(m.Run())
}
