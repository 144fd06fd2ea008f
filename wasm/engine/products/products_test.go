package products

import (
	"math"
	"testing"

	"fewbits/kernels"
	"fewbits/quant/formats"
	"fewbits/quant/speed"
	"fewbits/wasm/wire"
)

func ask[A any](t *testing.T, b *Bench, op string, args any) A {
	t.Helper()
	text, err := wire.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	v, err := b.Call(op, text)
	if err != nil {
		t.Fatalf("%s %s: %v", op, text, err)
	}
	return v.(A)
}

// TestTimes times every type on little memory: the numbers are there, and of
// the right size.
func TestTimes(t *testing.T) {
	var b Bench
	if w := ask[wire.Bandwidth](t, &b, wire.OpSpeedOpen, wire.SpeedOpenArgs{Bytes: 1 << 20}); w.Read <= 0 || w.Kernel != kernels.Active() || w.Relaxed != kernels.Relaxed {
		t.Fatalf("%+v", w)
	}
	for _, typ := range wire.SpeedTypes {
		bits := map[string]float64{"INT8": 8, "F32": 32, "F16": 16}[typ]
		if f, ok := formats.Lookup(typ); bits == 0 && ok {
			bits = f.Info().BitsPerWeight
		}
		for _, tokens := range []int{1, 4} {
			for _, relaxed := range []bool{false, kernels.Relaxed} {
				v := ask[wire.Speed](t, &b, wire.OpSpeed, wire.SpeedArgs{Type: typ, Tokens: tokens, Relaxed: relaxed})
				if v.Seconds <= 0 || v.Weights < leastRows*cols || math.Abs(8*float64(v.Bytes)/float64(v.Weights)-bits) > 1e-9 {
					t.Errorf("%s, %d tokens: %+v", typ, tokens, v)
				}
			}
		}
	}
}

// TestMost wants room for as many bytes of each type as may be asked for.
func TestMost(t *testing.T) {
	for _, typ := range wire.SpeedTypes {
		size, err := speed.RowBytes(typ, cols)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (speed.Case{Type: typ, Tokens: 1, Rows: mostBytes / size, Cols: cols}).Bytes(); err != nil {
			t.Error(err)
		}
	}
}

func TestFaults(t *testing.T) {
	var b Bench
	for _, when := range []string{"without memory", "with memory"} {
		for name, tt := range map[string]struct {
			op   string
			args any
		}{
			"a type that is not timed": {wire.OpSpeed, wire.SpeedArgs{Type: "IQ1_S", Tokens: 1}},
			"no type":                  {wire.OpSpeed, wire.SpeedArgs{Type: "Q9", Tokens: 1}},
			"no tokens":                {wire.OpSpeed, wire.SpeedArgs{Type: "F32"}},
			"too many":                 {wire.OpSpeed, wire.SpeedArgs{Type: "F32", Tokens: 1 << 20}},
			"another operation":        {wire.OpOpen, nil},
			"what is no request":       {wire.OpSpeed, []int{1}},
		} {
			text, err := wire.Marshal(tt.args)
			if err != nil {
				t.Fatal(err)
			}
			if v, err := b.Call(tt.op, text); err == nil {
				t.Errorf("%s, %s: %+v", name, when, v)
			}
		}
		if when == "without memory" {
			if v, err := b.Call(wire.OpSpeed, []byte(`{"type":"F32","tokens":1}`)); err == nil {
				t.Errorf("a product is timed: %+v", v)
			}
			ask[wire.Bandwidth](t, &b, wire.OpSpeedOpen, wire.SpeedOpenArgs{Bytes: 1 << 19})
		}
	}
	if !kernels.Relaxed {
		if v, err := b.Call(wire.OpSpeed, []byte(`{"type":"F32","tokens":1,"relaxed":true}`)); err == nil {
			t.Errorf("relaxed SIMD in a build without: %+v", v)
		}
	}
	for _, bytes := range []int{0, 1 << 40} {
		if v, err := b.open(wire.SpeedOpenArgs{Bytes: bytes}); err == nil {
			t.Errorf("%d bytes: %+v", bytes, v)
		}
	}
}
