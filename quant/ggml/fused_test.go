package ggml

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"testing"
)

// No machine may fuse a product with a sum: what is compiled for arm64, whose
// compiler fuses wherever the language lets it, holds no such instruction.
func TestNothingFused(t *testing.T) {
	if testing.Short() || runtime.GOOS == "js" {
		t.Skip("compiles the package for arm64")
	}
	cmd := exec.Command("go", "build", "-gcflags=-S", ".")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	listing, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, listing)
	}
	if !regexp.MustCompile(`\tFMULS\t`).Match(listing) {
		t.Fatal("the listing shows no multiplications")
	}
	for _, line := range regexp.MustCompile(`.*\tFN?M(ADD|SUB)[SD]\t.*`).FindAll(listing, -1) {
		t.Errorf("fused: %s", line)
	}
}
