// Package testdata finds the folder of real files that tests read.
package testdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir is the folder of real files: $FEWBITS_DATA, or shared/data beside the
// repository. Where there is none, the test is
// skipped, or fails where CI is set.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("FEWBITS_DATA"); dir != "" {
		return dir
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			data := filepath.Join(filepath.Dir(dir), "shared", "data")
			if _, err := os.Stat(data); err == nil {
				return data
			}
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no folder of real files: CI must have shared/data beside the repository")
	}
	t.Skip("no folder of real files: set FEWBITS_DATA, or put it at shared/data beside the repository")
	return ""
}

// File is one file of Dir.
func File(t testing.TB, elem ...string) string {
	t.Helper()
	return filepath.Join(append([]string{Dir(t)}, elem...)...)
}
