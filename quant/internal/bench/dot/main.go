// Command dot times products of activations with weights, in one thread, natively
// and as wasm under Node or in a browser:
//
//	dot TYPE WAY TOKENS ROWS COLS MS
//
// TYPE is one of ggml's, or INT8. WAY is exact (sums in float32, as forward
// passes have them), integers (with activations of 8 bits, which are quantized
// each time), relaxed or relaxed-integers (the same with relaxed SIMD, in a
// build that has it) or libggml (ggml_mul_mat). It prints one line of JSON: the fastest pass of those that fit
// into MS, after as long a time for V8 to compile what runs often, and how many
// weights it multiplied with a token's activation each.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"fewbits/kernels"
	"fewbits/quant/ggml"
	"fewbits/quant/internal/libggml"
	"fewbits/quant/speed"
)

// answer is what a run prints.
type answer struct {
	Ms      float64 `json:"ms"`
	Weights int     `json:"weights"`
	Kernel  string  `json:"kernel,omitempty"`  // which twin of the kernels ran, or libggml's build
	Refused string  `json:"refused,omitempty"` // why there is no time
}

func main() {
	runtime.GOMAXPROCS(1)
	a, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "dot:", err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		os.Exit(1)
	}
}

func run(args []string) (answer, error) {
	if len(args) != 6 {
		return answer{}, fmt.Errorf("want TYPE WAY TOKENS ROWS COLS MS")
	}
	var n [4]int
	for i, s := range args[2:] {
		v, err := strconv.Atoi(s)
		if err != nil || v < 1 || v > 1<<16 {
			return answer{}, fmt.Errorf("%q is no number from 1 to %d", s, 1<<16)
		}
		n[i] = v
	}
	c := speed.Case{Type: args[0], Way: args[1], Tokens: n[0], Rows: n[1], Cols: n[2]}
	span := time.Duration(n[3]) * time.Millisecond
	a := answer{Weights: c.Len(), Kernel: kernels.Active()}
	bytes, err := c.Bytes()
	if err != nil {
		return answer{Refused: err.Error()}, nil
	}
	m, err := speed.NewMemory(bytes)
	switch {
	case err != nil:
	case c.Way == "libggml":
		a.Ms, a.Kernel, err = peer(c, m, span)
	default:
		a.Ms, err = ours(c, m, span)
	}
	if err != nil {
		return answer{Refused: err.Error()}, nil
	}
	return a, nil
}

// passes is how many make up a measurement, where there is time for them.
const passes = 1 << 20

// ours is a pass of ours in ms; those before it are not counted.
func ours(c speed.Case, m *speed.Memory, span time.Duration) (float64, error) {
	pass, err := c.Pass(m)
	if err != nil {
		return 0, err
	}
	if _, err = speed.Best(span, passes, pass); err != nil {
		return 0, err
	}
	d, err := speed.Best(span, passes, pass)
	return float64(d.Nanoseconds()) / 1e6, err
}

// peer times libggml, in ms, and names its build.
func peer(c speed.Case, m *speed.Memory, span time.Duration) (float64, string, error) {
	d, err := libggml.OpenDots("")
	if err != nil {
		return 0, "", err
	}
	t, ok := ggml.TypeByName(c.Type)
	if !ok {
		return 0, "", fmt.Errorf("ggml has no type %q", c.Type)
	}
	w, err := c.Weights(m)
	if err != nil {
		return 0, "", err
	}
	r, err := d.Rate(t.ID, speed.Activations(c.Tokens*c.Cols), w, c.Tokens, c.Rows, c.Cols, span)
	if err != nil {
		return 0, "", err
	}
	return 1e3 * float64(c.Len()) / r, d.Name, nil
}
