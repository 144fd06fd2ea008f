package libggml

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// serving is set in the environment of the child, to the library's folder.
const serving = "FEWBITS_LIBGGML_SERVE"

// Timeout bounds one answer. The tables of some types alone take a minute.
const Timeout = 5 * time.Minute

// ErrAborted says that the library ended its process, as on an assertion.
var ErrAborted = errors.New("libggml: aborted")

// Oracle is libggml in a child process. It outlives the library's aborts. Its
// methods may be called from several goroutines; they take turns.
type Oracle struct {
	dir string

	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *head
}

// Start finds the library and starts a child that answers for it. The child
// is this binary, which must call Serve first of all.
func Start() (*Oracle, error) {
	dir, err := Find()
	if err != nil {
		return nil, err
	}
	o := &Oracle{dir: dir}
	if err := o.start(); err != nil {
		return nil, err
	}
	if _, err := o.TypeName(0); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

func (o *Oracle) start() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("libggml: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serving+"="+o.dir, "GGML_NO_BACKTRACE=1", "GOTRACEBACK=none")
	stderr := &head{}
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("libggml: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("libggml: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("libggml: %w", err)
	}
	o.cmd, o.in, o.out, o.stderr = cmd, in, bufio.NewReaderSize(out, 1<<16), stderr
	return nil
}

// Close ends the child.
func (o *Oracle) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop()
}

func (o *Oracle) stop() {
	if o.cmd == nil {
		return
	}
	o.in.Close()
	o.cmd.Process.Kill()
	o.cmd.Wait()
	o.cmd = nil
}

// ask sends a request and waits for its answer. A child that is gone is
// started anew; one that dies over the request makes it an ErrAborted.
func (o *Oracle) ask(r request, x, importance []float32, src []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cmd == nil {
		if err := o.start(); err != nil {
			return nil, err
		}
	}
	timer := time.AfterFunc(Timeout, func() { o.cmd.Process.Kill() })
	broken := writeRequest(o.in, r, x, importance, src)
	var data []byte
	var failed error
	if broken == nil {
		data, broken, failed = readReply(o.out)
	}
	if late := !timer.Stop(); late {
		o.stop()
		return nil, fmt.Errorf("libggml: no answer in %v", Timeout)
	}
	if broken != nil {
		o.stop()
		return nil, fmt.Errorf("%w: %v: %s", ErrAborted, broken, o.stderr)
	}
	return data, failed
}

// Quantize is Lib.Quantize, with ErrAborted where the library aborts.
func (o *Oracle) Quantize(id uint32, x []float32, rows, cols int, importance []float32) ([]byte, error) {
	return o.ask(request{Op: opQuantize, ID: id, Rows: int64(rows), Cols: int64(cols)}, x, importance, nil)
}

// Dequantize is Lib.Dequantize, with ErrAborted where the library aborts.
func (o *Oracle) Dequantize(id uint32, src []byte, n int) ([]float32, error) {
	data, err := o.ask(request{Op: opDequantize, ID: id, Cols: int64(n)}, nil, nil, src)
	if err != nil {
		return nil, err
	}
	dst := make([]float32, len(data)/4)
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return dst, nil
}

// RowSize is Lib.RowSize.
func (o *Oracle) RowSize(id uint32, cols int) (int, error) {
	data, err := o.ask(request{Op: opRowSize, ID: id, Cols: int64(cols)}, nil, nil, nil)
	if err != nil {
		return 0, err
	}
	return int(binary.LittleEndian.Uint64(data)), nil
}

// TypeName is Lib.TypeName.
func (o *Oracle) TypeName(id uint32) (string, error) {
	data, err := o.ask(request{Op: opTypeName, ID: id}, nil, nil, nil)
	return string(data), err
}

// Serve answers an Oracle and never returns, where this process was started by
// one. Else it does nothing.
func Serve() {
	dir := os.Getenv(serving)
	if dir == "" {
		return
	}
	l, err := Open(dir)
	in, out := bufio.NewReaderSize(os.Stdin, 1<<16), bufio.NewWriterSize(os.Stdout, 1<<16)
	for {
		r, x, importance, src, broken := readRequest(in)
		if broken != nil {
			os.Exit(0)
		}
		data, failed := []byte(nil), err
		if err == nil {
			data, failed = l.answer(r, x, importance, src)
		}
		if writeReply(out, data, failed) != nil || out.Flush() != nil {
			os.Exit(1)
		}
	}
}

func (l *Lib) answer(r request, x, importance []float32, src []byte) ([]byte, error) {
	switch r.Op {
	case opQuantize:
		return l.Quantize(r.ID, x, int(r.Rows), int(r.Cols), importance)
	case opDequantize:
		dst, err := l.Dequantize(r.ID, src, int(r.Cols))
		data := make([]byte, 0, 4*len(dst))
		for _, v := range dst {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		return data, err
	case opRowSize:
		n, err := l.RowSize(r.ID, int(r.Cols))
		return binary.LittleEndian.AppendUint64(nil, uint64(n)), err
	case opTypeName:
		name, err := l.TypeName(r.ID)
		return []byte(name), err
	}
	return nil, fmt.Errorf("libggml: there is no request %d", r.Op)
}

// head keeps the start of what is written to it: the library's last words
// come before the runtime's.
type head struct {
	mu    sync.Mutex
	first []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.first = append(h.first, p[:min(len(p), 1024-len(h.first))]...)
	return len(p), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	words, _, _ := strings.Cut(string(h.first), "SIGABRT")
	return strings.TrimSpace(words)
}
