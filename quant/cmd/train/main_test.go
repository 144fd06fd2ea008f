package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant/gguf"
)

// TestRun trains the small model for two steps of one sequence, once in one go
// and once from a checkpoint.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	args := func(out, checkpoint string) []string {
		return []string{"-size", "small", "-steps", "2", "-sequences", "1", "-checkpoint", filepath.Join(dir, checkpoint), "-o", filepath.Join(dir, out)}
	}
	var log strings.Builder
	if err := run(args("a.gguf", "a"), &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "step 2 of 2: loss ") {
		t.Errorf("the log is %q", log.String())
	}
	a, err := os.ReadFile(filepath.Join(dir, "a.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gguf.Open(bytes.NewReader(a), int64(len(a))); err != nil {
		t.Error(err)
	}
	log.Reset()
	if err := run(args("b.gguf", "a"), &log); err != nil { // all steps are done
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "b.gguf"))
	if err != nil || !bytes.Equal(a, b) || log.Len() > 0 {
		t.Errorf("from the checkpoint comes another file, or %v, or steps were taken again: %q", err, log.String())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args  []string
		usage bool
		says  string
	}{
		"nothing":        {nil, true, "usage"},
		"no such size":   {[]string{"-size", "huge", "-o", "x"}, true, "usage"},
		"no such flag":   {[]string{"-epochs", "3", "-o", "x"}, true, "usage"},
		"more":           {[]string{"-o", "x", "y"}, true, "usage"},
		"rate":           {[]string{"-rate", "7", "-o", "x"}, false, "rate"},
		"bad checkpoint": {[]string{"-size", "small", "-checkpoint", bad, "-o", "x"}, false, "checkpoint"},
		"no folder":      {[]string{"-size", "small", "-steps", "1", "-sequences", "1", "-o", filepath.Join(dir, "no", "x")}, false, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(c.args, io.Discard)
			if err == nil || errors.Is(err, errUsage) != c.usage || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, and %q is wanted", err, c.says)
			}
		})
	}
}
