//go:build linux && amd64

package libllama

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fewbits/quant/internal/libggml"
)

// Unset is no type, for Job.Output and Job.Embedding (GGML_TYPE_COUNT).
const Unset = 43

// Job is one call of llama_model_quantize, or, where it has tokens, of
// llama_decode: a model is loaded and run in one thread. Where it has texts
// they are tokenized.
type Job struct {
	In, Out     string // files
	FileType    uint32
	Threads     int    // 0 is one
	Output      uint32 // type of the output layer, or Unset
	Embedding   uint32 // of the token embedding, or Unset
	Requantize  bool   // allow it
	LeaveOutput bool
	OnlyCopy    bool
	Pure        bool
	DryRun      bool // decide types, write nothing
	Types       []Override
	Importance  map[string][]float32
	Tokens      []int32 // to run In on; Out is a file for what comes of it
	Context     int     // room for so many tokens; 0 is what Tokens need
	Collect     bool    // sum up the inputs of all products with weights instead of asking for logits

	Texts                    []string // to tokenize; Out is a file for what comes of it
	AddSpecial, ParseSpecial bool     // as llama_tokenize takes them
	Classes                  bool     // whether to ask for the classes of all code points too
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
	Logits      []float32         // of a job with tokens: tokens × vocabulary
	Sums        map[string]Sums   // of a job with tokens that collects, by the weight's name
	Words       *Words            // of a job with texts
}

// serving is set in the environment of the child, to the library's path.
const serving = "FEWBITS_LIBLLAMA_SERVE"

// Timeout bounds one child's work, with a second more for each job.
const Timeout = 5 * time.Minute

// Library is the path of the library.
func Library() (string, error) {
	dir, err := libggml.Find()
	if err != nil {
		return "", err
	}
	libs, err := filepath.Glob(filepath.Join(dir, "libllama.v*.so"))
	if err != nil || len(libs) != 1 {
		return "", fmt.Errorf("libllama: %v in %s, %v", libs, dir, err)
	}
	return libs[0], nil
}

// find is Library. Where there is none the test is skipped, or fails where CI
// is set.
func find(t testing.TB) string {
	t.Helper()
	lib, err := Library()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return lib
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
	for i, j := range jobs {
		if a := &answers[i]; j.Collect && a.Err == nil {
			a.Sums, a.Err = readSums(j.Out)
			continue
		}
		if a := &answers[i]; len(j.Tokens) > 0 && a.Err == nil {
			a.Logits, a.Err = readFloats(j.Out)
		}
		if a := &answers[i]; len(j.Texts) > 0 && a.Err == nil {
			a.Words, a.Err = readWords(j.Out)
		}
	}
	return answers
}

func readFloats(path string) ([]float32, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x, nil
}

// marker stands before a line that is the child's and not the library's.
const marker = "\x01job "

// failed begins a line that says why a model was not run.
const failed = "failed to run: "

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
	timer := time.AfterFunc(Timeout+time.Duration(len(jobs))*time.Second, func() { cmd.Process.Kill() })
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

// decided reads a line of a dry run, as
// "[ 1/ 20] output.weight - [ 256, 4, 1, 1], type = f32, size = 0.004 MiB -> 0.001 MiB (q4_K)".
// The new type is only there where it is another one.
func decided(line string) (tensor, typ string, ok bool) {
	_, rest, begun := strings.Cut(line, "] ")
	tensor, rest, _ = strings.Cut(rest, " ")
	_, rest, ok = strings.Cut(rest, "], type = ")
	typ, rest, _ = strings.Cut(strings.TrimSpace(rest), ", size = ")
	if _, to, changed := strings.Cut(rest, "("); changed {
		typ, _, _ = strings.Cut(to, ")")
	}
	return tensor, strings.ToUpper(typ), begun && ok
}

func parse(log string) Answer {
	a := Answer{Types: map[string]string{}}
	for _, begin := range []string{"failed to quantize: ", failed} {
		if _, why, found := strings.Cut(log, begin); found {
			why, _, _ = strings.Cut(why, "\n")
			a.Err = fmt.Errorf("libllama: %s", why)
		}
	}
	a.NeedsMatrix = strings.Contains(log, "will require an imatrix")
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "[") {
			continue
		}
		if tensor, typ, ok := decided(strings.TrimSpace(line)); ok {
			a.Types[tensor] = typ
		}
	}
	return a
}

func tail(s string) string { return s[max(0, len(s)-600):] }
