package libggml

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// ErrUnavailable says that libggml cannot be loaded here.
var ErrUnavailable = errors.New("libggml: runs on linux/amd64 alone")

// library is the file with the quantizers.
const library = "libggml-base.so"

// inRepository is where npm puts the library, from the root of the repository.
const inRepository = "web/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"

// Find is the folder that holds the library: $FEWBITS_LIBGGML, or the one that
// npm fills below the repository's web folder. The repository is looked for
// from the working directory upwards.
func Find() (string, error) {
	if dir := os.Getenv("FEWBITS_LIBGGML"); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, library)); err != nil {
			return "", fmt.Errorf("libggml: FEWBITS_LIBGGML: %w", err)
		}
		return dir, nil
	}
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("libggml: %w", err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			at := filepath.Join(dir, filepath.FromSlash(inRepository))
			if _, err := os.Stat(filepath.Join(at, library)); err != nil {
				return "", fmt.Errorf("libggml: %s is not in %s: run npm ci in web, or set FEWBITS_LIBGGML", library, at)
			}
			return at, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("libggml: %s is not inside the repository: set FEWBITS_LIBGGML", wd)
		}
	}
}

// Need starts an Oracle that lives as long as the test. Where there is no
// library the test is skipped, or fails where CI is set.
func Need(t testing.TB) *Oracle {
	t.Helper()
	o, err := Start()
	if err != nil {
		if os.Getenv("CI") != "" && !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(o.Close)
	return o
}
