package page

import (
	"math"
	"strings"
	"testing"

	"fewbits/wasm/wire"
)

func TestSpeeds(t *testing.T) {
	s := Start()
	s.Update(Booted{table()})
	c := calls(s.Update(SpeedAsked{}))[0]
	if c.Op != wire.OpSpeedOpen || c.Args.(wire.SpeedOpenArgs).Bytes != speedBytes {
		t.Fatalf("%+v", c)
	}
	next := answer(t, s, c, wire.Bandwidth{Read: 10e9, Kernel: "simd128"})
	seconds := map[string]float64{"F32": 4, "F16": 2, "INT8": 1, "Q8_0": 1.1, "Q6_K": 1.5, "Q4_K": 0.8, "Q4_0": 0.4}
	n := 0
	for len(calls(next)) > 0 {
		a := calls(next)[0].Args.(wire.SpeedArgs)
		n++
		next = answer(t, s, calls(next)[0], wire.Speed{Seconds: seconds[a.Type] * float64(a.Tokens), Weights: 1e9, Bytes: 2e9})
	}
	v := &s.Compare.Speeds
	if _, ok := next[0].(End); !ok || n != 2*len(wire.SpeedTypes) || v.Running {
		t.Fatalf("%d products, then %v", n, next)
	}
	for _, b := range v.Products(1) {
		if math.Abs(*b.Value-1/seconds[b.Name]) > 1e-9 || *b.Roof != 5 {
			t.Errorf("%s: %v of %v", b.Name, *b.Value, *b.Roof)
		}
	}
	if v.Ran() != "Kernels: SIMD128. This browser has no relaxed SIMD." {
		t.Error(v.Ran())
	}
	says := strings.Join(v.Says(), "\n")
	for _, want := range []string{"INT8 over FP16, one token: INT8 2.0×, Q8_0 1.8×; claimed 1.5–2×: as claimed.", "INT4 over FP16, one token: Q4_0 5.0×, Q4_K 2.5×; claimed 2–4×: more than claimed."} {
		if !strings.Contains(says, want) {
			t.Errorf("%q is not in\n%s", want, says)
		}
	}
	if strings.Contains(says, "elaxed") {
		t.Error(says)
	}
	// A second time it is stopped.
	c = calls(s.Update(SpeedAsked{}))[0]
	if out := s.Update(SpeedStopped{}); len(out) != 1 || v.Running {
		t.Errorf("%v", out)
	}
	if out := answer(t, s, c, wire.Bandwidth{Read: 1}); len(out) != 0 || v.Read != 0 {
		t.Errorf("a late answer: %v", out)
	}
	c = calls(s.Update(SpeedAsked{}))[0]
	if s.Update(Fault{ID: c.ID, Message: "no memory"}); v.Fault != "no memory" || v.Running {
		t.Errorf("%+v", v)
	}
}

// TestRelaxedSpeeds has a browser with relaxed SIMD: each product is timed twice, one way
// after the other.
func TestRelaxedSpeeds(t *testing.T) {
	s := Start()
	s.Update(Booted{table()})
	c := calls(s.Update(SpeedAsked{}))[0]
	v := &s.Compare.Speeds
	if v.Ran() != "" {
		t.Errorf("%q before it is known", v.Ran())
	}
	next := answer(t, s, c, wire.Bandwidth{Read: 10e9, Kernel: "simd128", Relaxed: true})
	var before wire.SpeedArgs
	for n := 0; len(calls(next)) > 0; n++ {
		a := calls(next)[0].Args.(wire.SpeedArgs)
		if a.Relaxed != (n%2 == 1) || a.Relaxed && (a.Type != before.Type || a.Tokens != before.Tokens) {
			t.Fatalf("%+v after %+v", a, before)
		}
		before = a
		seconds := 3.0
		if a.Relaxed {
			seconds = 2
		}
		next = answer(t, s, calls(next)[0], wire.Speed{Seconds: seconds, Weights: 1e9, Bytes: 2e9})
	}
	if done, all := v.Progress(); done != all || all != 4*len(wire.SpeedTypes) || v.Running {
		t.Fatalf("%d of %d", done, all)
	}
	bars := v.Products(BatchTokens)
	if len(bars) != 2*len(wire.SpeedTypes) || bars[0].Name != "F32" || bars[1].Name != "F32 relaxed" || *bars[1].Value != BatchTokens/2. {
		t.Errorf("%+v", bars)
	}
	if v.Ran() != "Kernels: SIMD128, and relaxed SIMD beside it." {
		t.Error(v.Ran())
	}
	says := strings.Join(v.Says(), "\n")
	for _, want := range []string{"Relaxed SIMD over SIMD128, one token: F32 1.5×, F16 1.5×, INT8 1.5×", "Relaxed SIMD over SIMD128, 32 tokens: F32 1.5×", "INT8 over FP16, one token: INT8 1.0×, Q8_0 1.0×"} {
		if !strings.Contains(says, want) {
			t.Errorf("%q is not in\n%s", want, says)
		}
	}
}
