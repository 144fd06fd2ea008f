package report

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// TestEffective wants the options that a report names to give the same bytes.
func TestEffective(t *testing.T) {
	const cols = 256
	r := rand.New(rand.NewPCG(1, 2))
	x := quant.Tensor{Name: "w", Shape: []int{4, cols}, Data: make([]float32, 4*cols)}
	for i := range x.Data {
		x.Data[i] = float32(r.NormFloat64())
	}
	a := quant.Tensor{Shape: []int{64, cols}, Data: make([]float32, 64*cols)}
	for i := range a.Data {
		a.Data[i] = float32(r.NormFloat64()) * float32(1+i%cols%5)
	}
	cases := []quant.Options{
		{}, {Group: 32}, {Group: 64, Symmetric: true}, {Granularity: quant.PerChannel}, {Granularity: quant.PerChannel, Axis: 1},
		{Rounding: quant.RoundStochastic, Seed: 7}, {Rounding: quant.RoundAway}, {Range: quant.RangeMSE}, {Range: quant.RangePercentile, Percentile: 99},
		{Nested: true, Block: 128}, {Bits: 3, Group: 64}, {Axis0: true, Group: 4}, {ActOrder: true, Group: 32}, {Clip: quant.Some(false)}, {Alpha: quant.Some(0.7)},
	}
	all := formats.All()
	for _, m := range formats.MethodInfos() {
		f, _ := formats.LookupMethod(m.Name)
		all = append(all, f)
	}
	for _, f := range all {
		for i, o := range cases {
			if f.Info().Importance == quant.Required {
				o.Importance = a.Data[:0:0]
				for range cols {
					o.Importance = append(o.Importance, 1)
				}
			}
			if f.Info().Calibration != quant.Never {
				o.Activations = &a
			}
			p, err := f.Quantize(x, o)
			if err != nil {
				continue // it is no such option's
			}
			run := RunOf(f.Info(), p)
			var again quant.Options
			for _, kv := range run.Given() {
				k, v, _ := strings.Cut(kv, "=")
				if err := again.Set(k, v); err != nil {
					t.Fatalf("%s, case %d: %v", run.Format, i, err)
				}
			}
			again.Importance, again.Activations = o.Importance, o.Activations
			q, err := f.Quantize(x, again)
			if err != nil {
				t.Errorf("%s, case %d, %v: %v", run.Format, i, run.Options, err)
			} else if !bytes.Equal(p.Bytes, q.Bytes) || HashBytes(q.Bytes) != run.SHA256 {
				t.Errorf("%s, case %d: %v gives other bytes", run.Format, i, run.Options)
			}
			for _, name := range f.Info().Options {
				if run.Options[name] == "" && unset[name] != "" && name != "seed" {
					t.Errorf("%s does not say its %s", run.Format, name)
				}
			}
		}
	}
}

func TestHash(t *testing.T) {
	// printf '\x00\x00\x80\x3f\x00\x00\x00\xc0' | sha256sum
	const want = "ee4ac73c2bd27756ab82780f27c73a7bc4d3f0bb6acb37e008bc27eccd7e588b"
	if got := HashValues([]float32{1, -2}); got != want {
		t.Errorf("got %s", got)
	}
	nan := math.Float32frombits(0xffc00001)
	if HashValues([]float32{nan}) != HashValues([]float32{float32(math.NaN())}) {
		t.Error("two NaN are hashed apart")
	}
	long := make([]float32, 40000)
	h := NewValueHash()
	h.Add(long[:1])
	h.Add(long[1:])
	if h.Sum() != HashValues(long) {
		t.Error("in pieces it is another")
	}
	b := bytes.Repeat([]byte("abc"), 1<<19)
	if got, err := HashReader(bytes.NewReader(b), int64(len(b))); err != nil || got != HashBytes(b) {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := HashReader(bytes.NewReader(b), int64(len(b))+1); err == nil {
		t.Error("a byte is missing and nobody says so")
	}
}

func TestShell(t *testing.T) {
	r := Run{Format: "INT4", Options: map[string]string{"group": "32", "sym": "true"}, Importance: &Importance{File: "i m.gguf"}}
	const want = `fewbits quantize 'it'\''s.npy' -tensor a.b -to INT4 -imatrix 'i m.gguf' sym=true group=32 -o out.bin`
	if got := r.Line("it's.npy", "a.b", "out.bin"); got != want {
		t.Errorf("%s", got)
	}
}
