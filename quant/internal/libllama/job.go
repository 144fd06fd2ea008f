//go:build linux && amd64

package libllama

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fewbits/quant/internal/libggml"
)

// Unset is no type, for Job.Output and Job.Embedding (GGML_TYPE_COUNT).
const Unset = 43

// Job is one call of llama_model_quantize.
type Job struct {
	In, Out     string // files
	FileType    uint32
	Output      uint32 // type of the output layer, or Unset
	Embedding   uint32 // of the token embedding, or Unset
	Requantize  bool   // allow it
	LeaveOutput bool
	OnlyCopy    bool
	Pure        bool
	DryRun      bool // decide types, write nothing
	Types       []Override
	Importance  map[string][]float32
}

// Override gives tensors whose names match a pattern a type.
type Override struct {
	Pattern string
	Type    uint32
}

// Answer is what came of a Job.
type Answer struct {
	Err         error             // what the library said, where it refused
	NeedsMatrix bool              // a dry run says that the real one would be refused for want of importance
	Types       map[string]string // of a dry run: the tensors' types, as ggml names them, in capitals
}

// serving is set in the environment of the child, to the library's path.
const serving = "FEWBITS_LIBLLAMA_SERVE"

// Timeout bounds one child's work.
const Timeout = 5 * time.Minute

// find is the path of the library. Where there is none the test is skipped,
// or fails where CI is set.
func find(t testing.TB) string {
	t.Helper()
	dir, err := libggml.Find()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	libs, err := filepath.Glob(filepath.Join(dir, "libllama.v*.so"))
	if err != nil || len(libs) != 1 {
		t.Fatalf("libllama: %v, %v", libs, err)
	}
	return libs[0]
}

// Run carries out jobs, one after another. The child is this binary, which
// must call Serve first of all. A job over which the library ends its process
// has an Err; the next one gets a new child.
func Run(t testing.TB, jobs []Job) []Answer {
	t.Helper()
	lib := find(t)
	answers := make([]Answer, 0, len(jobs))
	for len(answers) < len(jobs) {
		answers = append(answers, child(t, lib, jobs[len(answers):])...)
	}
	return answers
}

// marker stands before a line that is the child's and not the library's.
const marker = "\x01job "

// child asks one child. It answers at least one job.
func child(t testing.TB, lib string, jobs []Job) []Answer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var in, log bytes.Buffer
	if err := gob.NewEncoder(&in).Encode(jobs); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), serving+"="+lib, "GGML_NO_BACKTRACE=1", "GOTRACEBACK=none")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &log, &log
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(Timeout, func() { cmd.Process.Kill() })
	defer timer.Stop()
	ended := cmd.Wait()
	var answers []Answer
	logs := strings.Split(log.String(), marker)
	for _, text := range logs[:len(logs)-1] {
		answers = append(answers, parse(text))
	}
	if last := logs[len(logs)-1]; ended != nil && len(answers) < len(jobs) {
		answers = append(answers, Answer{Err: fmt.Errorf("libllama: aborted: %s", tail(last))})
	}
	if len(answers) == 0 || ended == nil && len(answers) != len(jobs) {
		t.Fatalf("libllama: %d answers to %d jobs, %v: %s", len(answers), len(jobs), ended, tail(log.String()))
	}
	return answers
}

// decided is a line of a dry run, as
// "[ 1/ 20] output.weight - [ 256, 4, 1, 1], type = f32, size = 0.004 MiB -> 0.001 MiB (q4_K)".
var decided = regexp.MustCompile(`(?m)^\[ *\d+/ *\d+\] (\S+) +- \[[^\]]*\], type = *(\w+), size = [^(\n]*(?:\((\w+)\))?$`)

func parse(log string) Answer {
	a := Answer{Types: map[string]string{}}
	if _, why, failed := strings.Cut(log, "failed to quantize: "); failed {
		why, _, _ = strings.Cut(why, "\n")
		a.Err = errors.New("libllama: " + why)
	}
	a.NeedsMatrix = strings.Contains(log, "will require an imatrix")
	for _, m := range decided.FindAllStringSubmatch(log, -1) {
		typ := m[3]
		if typ == "" {
			typ = m[2]
		}
		a.Types[m[1]] = strings.ToUpper(typ)
	}
	return a
}

func tail(s string) string { return s[max(0, len(s)-600):] }
