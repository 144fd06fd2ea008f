package ggml

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/libggml"
)

var update = flag.Bool("update", false, "write testdata/golden.json anew from libggml")

// golden are SHA-256 sums of what libggml of @node-llama-cpp/linux-x64 3.22.1
// writes for goldenTensor, by format and by whether importance was given. They
// hold every machine to the bytes of the one that can run libggml.
type golden map[string]struct{ Plain, Weighted string }

const (
	goldenFile = "testdata/golden.json"
	goldenCols = 768
)

// goldenTensor and its importance are made of integers and powers of two
// alone, so that they are the same everywhere: nearly normal numbers with
// outliers, rows of one magnitude each from 2^−60 to 2^120, and small integers.
func goldenTensor() (x, importance []float32) {
	r := rand.New(rand.NewPCG(2, 4))
	normal := func() float32 {
		sum := int32(0)
		for range 8 {
			sum += int32(r.Uint32N(1<<16)) - 1<<15
		}
		return float32(sum) * 0x1p-16
	}
	power := func(e int) float32 { return math.Float32frombits(uint32(e+127) << 23) }
	for range 40 * goldenCols {
		v := normal()
		if r.Uint32N(500) == 0 {
			v *= 64
		}
		x = append(x, v*0x1p-5)
	}
	for e := -60; e <= 120; e += 6 {
		for range goldenCols {
			x = append(x, normal()*power(e))
		}
	}
	for range 4 * goldenCols {
		x = append(x, float32(int32(r.Uint32N(41))-20))
	}
	for range goldenCols {
		v := normal()
		importance = append(importance, v*v)
	}
	return x, importance
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// goldenBytes is what f writes for the golden tensor, and the rows that it is
// of: those that a grid cannot hold are left out.
func goldenBytes(t *testing.T, f *format, x, importance []float32) (packed []byte, taken []float32) {
	t.Helper()
	for i := 0; i < len(x); i += goldenCols {
		row := x[i : i+goldenCols]
		p, err := f.Quantize(quant.Tensor{Shape: []int{1, goldenCols}, Data: row}, quant.Options{Importance: importance})
		if bad := new(quant.RowError); f.grid != nil && errors.As(err, &bad) {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", f.typ().Name, err)
		}
		packed, taken = append(packed, p.Bytes...), append(taken, row...)
	}
	return packed, taken
}

func TestGolden(t *testing.T) {
	g := readGolden(t)
	x, importance := goldenTensor()
	for _, f := range all {
		name := f.typ().Name
		for _, tt := range []struct {
			kind string
			w    []float32
			want string
		}{{"plain", nil, g[name].Plain}, {"weighted", importance, g[name].Weighted}} {
			if tt.w == nil && f.importance == quant.Required {
				continue
			}
			packed, taken := goldenBytes(t, f, x, tt.w)
			if got := hash(packed); got != tt.want || len(taken) < len(x)/2 {
				t.Errorf("%s, %s: %d of %d values have bytes of the sum %s, want %s", name, tt.kind, len(taken), len(x), got, tt.want)
			}
		}
	}
}

// What the file holds is what libggml writes. Types whose tables it sorts for
// half a minute are held to it by TestLong, and when the file is written anew.
func TestGoldenReference(t *testing.T) {
	o := libggml.Need(t)
	have, g := readGolden(t), golden{}
	for _, f := range all {
		name := f.typ().Name
		if g[name] = have[name]; !f.slow() || *update {
			g[name] = goldenReference(t, o, f)
		}
	}
	data, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, '\n')
	if *update {
		if err := os.WriteFile(goldenFile, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(goldenFile); err != nil || !bytes.Equal(have, data) {
		t.Errorf("%s is not what libggml writes (%v): go test ./quant/ggml -run GoldenReference -update", goldenFile, err)
	}
}

// goldenReference is what the file has to hold for a format.
func goldenReference(t *testing.T, o *libggml.Oracle, f *format) struct{ Plain, Weighted string } {
	t.Helper()
	x, importance := goldenTensor()
	sum := func(w []float32) string {
		if w == nil && f.importance == quant.Required {
			return ""
		}
		taken := x
		if f.grid != nil {
			_, taken = goldenBytes(t, f, x, w)
		}
		packed, err := o.Quantize(f.id, taken, len(taken)/goldenCols, goldenCols, w)
		if err != nil {
			t.Fatalf("%s: %v", f.typ().Name, err)
		}
		return hash(packed)
	}
	return struct{ Plain, Weighted string }{sum(nil), sum(importance)}
}
