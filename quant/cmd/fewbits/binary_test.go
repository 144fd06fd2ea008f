package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fewbits/quant/npy"
)

// build builds the command.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the command")
	}
	path := filepath.Join(t.TempDir(), "fewbits")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// start runs the built command to its end.
func start(t *testing.T, path string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// TestBinary runs the real thing: statuses, streams, files.
func TestBinary(t *testing.T) {
	exe := build(t)
	in := npyFile(t, "w.npy", []int{5}, -1, -0.5, 0, 0.5, 1)
	out := filepath.Join(filepath.Dir(in), "w.json")
	if r := start(t, exe, "quantize", in, "-to", "INT8", "-o", out, "-json"); r.code != 0 || r.err != "" || decode[quantized](t, r.out).Bytes != 10 {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
	if !strings.Contains(string(load(t, out)), `"codes": [[-127, -64, 0, 64, 127]]`) {
		t.Errorf("%s", load(t, out))
	}
	if st, err := os.Stat(out); err != nil || st.Mode().Perm()&0o400 == 0 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if r := start(t, exe, "inspect", "none.npy"); r.code != 1 || r.out != "" || r.err != "fewbits inspect: none.npy: there is no such file\n" {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := start(t, exe, "quantize"); r.code != 2 || r.out != "" {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := start(t, exe, "formats"); r.code != 0 || r.err != "" || !strings.Contains(r.out, "Q4_K") {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
}

// TestInterrupt presses Ctrl-C in the midst of the work: nothing is left.
func TestInterrupt(t *testing.T) {
	exe := build(t)
	in := filepath.Join(t.TempDir(), "large.npy")
	f, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	const rows, cols = 1 << 17, 1 << 12
	if err := npy.WriteHeader(f, []int{rows, cols}); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(128 + 4*rows*cols); err != nil { // a hole: it takes no room
		t.Fatal(err)
	}
	f.Close()
	for _, args := range [][]string{
		{"-to", "Q4_K", "-o", "out.bin"}, {"-to", "Q4_K", "-o", "out.gguf"}, {"-to", "INT8", "-o", "out.npy"},
	} {
		dir := t.TempDir()
		args[3] = filepath.Join(dir, args[3])
		cmd := exec.Command(exe, append([]string{"quantize", in}, args...)...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Once the temporary file is there it is writing.
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("no file was begun")
			}
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		watchdog := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		_ = cmd.Wait()
		watchdog.Stop()
		if code := cmd.ProcessState.ExitCode(); code != 1 || errs.String() != "fewbits quantize: stopped; nothing was written\n" {
			t.Errorf("%q: exit %d: %s", args, code, errs.String())
		}
		alone(t, filepath.Join(dir, "none"))
	}
}
