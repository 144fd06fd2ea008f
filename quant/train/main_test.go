package train

import (
	"os"
	"testing"

	"fewbits/quant/internal/libllama"
)

func TestMain(m *testing.M) {
	libllama.Serve()
	os.Exit(m.Run())
}
