package ggml

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
			tensor := quant.Tensor{Name: name, Shape: []int{len(x) / goldenCols, goldenCols}, Data: x}
			p, err := f.Quantize(tensor, quant.Options{Importance: tt.w})
			if err != nil {
				t.Errorf("%s, %s: %v", name, tt.kind, err)
			} else if got := hash(p.Bytes); got != tt.want {
				t.Errorf("%s, %s: bytes have the sum %s, want %s", name, tt.kind, got, tt.want)
			}
		}
	}
}

// What the file holds is what libggml writes.
func TestGoldenReference(t *testing.T) {
	o := libggml.Need(t)
	x, importance := goldenTensor()
	g := golden{}
	for _, f := range all {
		plain, err := o.Quantize(f.id, x, len(x)/goldenCols, goldenCols, nil)
		if err != nil {
			t.Fatal(err)
		}
		weighted, err := o.Quantize(f.id, x, len(x)/goldenCols, goldenCols, importance)
		if err != nil {
			t.Fatal(err)
		}
		g[f.typ().Name] = struct{ Plain, Weighted string }{hash(plain), hash(weighted)}
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
