// Command bench is the native side of ./build.sh bench: it times formats in
// Go, and libggml's own code for the same types, each in one thread, on the
// tensor of an npy file.
//
//	bench WEIGHTS.npy
//	bench -model OUT.gguf
//
// It writes a hello as JSON, then answers requests, one a line, until its
// input ends. The one that asks decides the order, so that runs of both sides
// and of a browser can take turns. A request may also be for a model, which
// libllama quantizes by as many threads as are asked for; with -model the
// command writes one and prints how many weights it has.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/internal/libggml"
	"fewbits/quant/npy"
)

// hello is the first line.
type hello struct {
	Go     string `json:"go"`
	Kernel string `json:"kernel"`         // which twin of the kernels runs
	Rows   int    `json:"rows"`           // of the tensor
	Cols   int    `json:"cols"`           //
	Peer   string `json:"peer,omitempty"` // why libggml is not to be had; "" where it is
}

// request asks for the times of one format.
type request struct {
	Peer       bool              `json:"peer"` // of libggml's code
	Format     string            `json:"format"`
	Options    map[string]string `json:"options"`
	Sample     int               `json:"sample"` // values to work on, whole rows at even distances; 0 is all
	Repeat     int               `json:"repeat"` // passes; 0 is one
	Importance []float32         `json:"importance"`

	Model   string `json:"model"` // a GGUF file for libllama to quantize, in the place of all else
	Out     string `json:"out"`
	Recipe  string `json:"recipe"`
	Threads int    `json:"threads"`
}

// readings is how often the tensor is read back: more often than quantized, as a session
// does, until its memory is near.
func (q request) readings() int {
	if q.Repeat <= 1 {
		return 1
	}
	return max(q.Repeat, 15)
}

// answer has the median pass of each way in ms; null where there is none.
type answer struct {
	QuantizeMs   *float64 `json:"quantizeMs"`
	DequantizeMs *float64 `json:"dequantizeMs"`
	Refused      string   `json:"refused,omitempty"` // why
}

func main() {
	runtime.GOMAXPROCS(1) // one thread, as a worker of the page has
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "-model":
		return writeModel(args[1], out)
	case len(args) != 1:
		return fmt.Errorf("want the path of an npy file alone")
	}
	t, err := read(args[0])
	if err != nil {
		return err
	}
	h := hello{Go: runtime.Version(), Kernel: kernels.Active(), Rows: t.Rows(), Cols: t.Cols()}
	lib, err := libggml.Open("")
	if err != nil {
		h.Peer = err.Error()
	}
	models := &models{}
	w := json.NewEncoder(out)
	if err := w.Encode(h); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q request
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return fmt.Errorf("a request cannot be read: %w", err)
		}
		var a answer
		if q.Model != "" {
			a = models.quantize(q)
		} else if q.Peer {
			a = peer(lib, t, q)
		} else {
			a = native(t, q)
		}
		if err := w.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func read(path string) (quant.Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return quant.Tensor{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return quant.Tensor{}, err
	}
	src, err := npy.Open(f, st.Size())
	if err != nil {
		return quant.Tensor{}, err
	}
	return quant.ReadTensor(src, 0)
}

// sampled is about n values of t, the same rows that a worker's session takes.
func sampled(t quant.Tensor, n int) quant.Tensor {
	rows, cols := t.Rows(), t.Cols()
	if n <= 0 || t.Len() <= n || rows < 2 {
		return t
	}
	k := max(1, min(rows, n/cols))
	x := quant.Tensor{Name: t.Name, Shape: []int{k, cols}}
	for i := range k {
		x.Data = append(x.Data, t.Data[i*rows/k*cols:][:cols]...)
	}
	return x
}

// native times a format of ours.
func native(t quant.Tensor, q request) answer {
	f, ok := formats.Lookup(q.Format)
	if !ok {
		return answer{Refused: fmt.Sprintf("there is no format %q", q.Format)}
	}
	o := quant.Options{Importance: q.Importance}
	for k, v := range q.Options {
		if err := o.Set(k, v); err != nil {
			return answer{Refused: err.Error()}
		}
	}
	x := sampled(t, q.Sample)
	rec := make([]float32, x.Len())
	var there, back []float64
	// One way after the other, as libggml's are timed, and a session's.
	var p *quant.Packed
	for range max(1, q.Repeat) {
		start := time.Now()
		var err error
		if p, err = f.Quantize(x, o); err != nil {
			return answer{Refused: err.Error()}
		}
		there = append(there, millis(time.Since(start)))
	}
	for range q.readings() {
		start := time.Now()
		if err := f.Dequantize(p, rec); err != nil {
			return answer{Refused: err.Error()}
		}
		back = append(back, millis(time.Since(start)))
	}
	return answer{QuantizeMs: median(there), DequantizeMs: median(back)}
}

func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// median is nil where there is none. It sorts x.
func median(x []float64) *float64 {
	if len(x) == 0 {
		return nil
	}
	slices.Sort(x)
	m := (x[(len(x)-1)/2] + x[len(x)/2]) / 2
	return &m
}
