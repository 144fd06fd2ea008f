package page

import (
	"fmt"
	"strings"

	"fewbits/wasm/wire"
)

// Speeds is how fast products of matrices are on this device.
type Speeds struct {
	Running bool
	Fault   string
	Read    float64 // bytes a second, of memory; 0 before it is measured
	Kernel  string  // what products run on
	Relaxed bool    // and with relaxed SIMD, a second time

	done map[speedKey]wire.Speed
	todo []speedKey
	want int
}

type speedKey struct {
	typ     string
	tokens  int
	relaxed bool
}

// speedBytes is how much memory weights take: more than caches hold.
const speedBytes = 64 << 20

// BatchTokens is how many tokens a product of matrices has.
const BatchTokens = 32

// speedLane is the worker of the timings.
const speedLane = "speed"

// The events of the speeds.
type (
	// SpeedAsked measures, anew where there are numbers.
	SpeedAsked struct{}
	// SpeedStopped stops; what is known stays.
	SpeedStopped struct{}
)

func (s *State) updateSpeed(e Event) ([]Effect, bool) {
	v := &s.Compare.Speeds
	switch e.(type) {
	case SpeedAsked:
		if v.Running || !s.Ready {
			return nil, true
		}
		*v = Speeds{Running: true, done: map[speedKey]wire.Speed{}}
		return s.speedCall("open", Call{Op: wire.OpSpeedOpen, Args: wire.SpeedOpenArgs{Bytes: speedBytes}}), true
	case SpeedStopped:
		return s.speedEnd(""), true
	}
	return nil, false
}

func (s *State) speedCall(side string, c Call) []Effect {
	c.Lane = speedLane
	c = s.call("speed", side, c)
	s.Compare.Speeds.want = c.ID
	return []Effect{c}
}

func (s *State) speedEnd(fault string) []Effect {
	v := &s.Compare.Speeds
	if !v.Running {
		return nil
	}
	v.Running, v.Fault, v.todo, v.want = false, fault, nil, 0
	return []Effect{End{speedLane}}
}

func (s *State) speedReply(side string, e Reply) []Effect {
	v := &s.Compare.Speeds
	if e.ID != v.want {
		return nil
	}
	var err error
	if side == "open" {
		var b wire.Bandwidth
		err = wire.Unmarshal(e.JSON, &b)
		v.Read, v.Kernel, v.Relaxed = b.Read, b.Kernel, b.Relaxed
		v.todo = v.keys()
	} else {
		var r wire.Speed
		err = wire.Unmarshal(e.JSON, &r)
		v.done[v.todo[0]] = r
		v.todo = v.todo[1:]
	}
	if err != nil {
		return s.speedEnd("the answer of the worker cannot be read: " + err.Error())
	}
	if len(v.todo) == 0 {
		return s.speedEnd("")
	}
	next := v.todo[0]
	return s.speedCall("product", Call{Op: wire.OpSpeed, Args: wire.SpeedArgs{Type: next.typ, Tokens: next.tokens, Relaxed: next.relaxed}})
}

// keys are the products in the order that they are timed in. Both ways of a type come one after the
// other, so that what slows the device for a while slows both.
func (v *Speeds) keys() (keys []speedKey) {
	for _, tokens := range []int{1, BatchTokens} {
		keys = append(keys, v.of(tokens)...)
	}
	return keys
}

// of are those with so many tokens.
func (v *Speeds) of(tokens int) (keys []speedKey) {
	for _, typ := range wire.SpeedTypes {
		keys = append(keys, speedKey{typ, tokens, false})
		if v.Relaxed {
			keys = append(keys, speedKey{typ, tokens, true})
		}
	}
	return keys
}

// Ran says on what products ran; "" before it is known.
func (v *Speeds) Ran() string {
	switch {
	case v.Kernel == "":
		return ""
	case v.Relaxed:
		return "Kernels: SIMD128, and relaxed SIMD beside it."
	case v.Kernel == "simd128":
		return "Kernels: SIMD128. This browser has no relaxed SIMD."
	}
	return "Kernels: " + v.Kernel + ". This browser has no SIMD128."
}

func (s *State) speedFault(e Fault) []Effect {
	if e.ID != s.Compare.Speeds.want {
		return nil
	}
	return s.speedEnd(e.Message)
}

// ProductBar is a type's speed: 10⁹ weights a second, times the tokens that
// they are multiplied with, and where memory ends it.
type ProductBar struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"` // nil where not known
	Roof  *float64 `json:"roof,omitempty"`
}

// Products are the bars for so many tokens.
func (v *Speeds) Products(tokens int) []ProductBar {
	bars := []ProductBar{}
	for _, k := range v.of(tokens) {
		b := ProductBar{Name: k.typ}
		if k.relaxed {
			b.Name += " relaxed"
		}
		if r, ok := v.done[k]; ok {
			x := rate(r, tokens) / 1e9
			b.Value = &x
			if tokens == 1 && v.Read > 0 {
				roof := v.Read * float64(r.Weights) / float64(r.Bytes) / 1e9
				b.Roof = &roof
			}
		}
		bars = append(bars, b)
	}
	return bars
}

// rate is multiplications and additions a second.
func rate(r wire.Speed, tokens int) float64 { return float64(r.Weights) * float64(tokens) / r.Seconds }

// Progress is how many products are timed, of how many.
func (v *Speeds) Progress() (done, all int) { return len(v.done), len(v.keys()) }

// speedClaims are what is commonly said of the speed over FP16.
var speedClaims = []struct {
	what   string
	types  []string
	lo, hi float64
}{{"INT8", []string{"INT8", "Q8_0"}, 1.5, 2}, {"INT4", []string{"Q4_0", "Q4_K"}, 2, 4}}

// Says holds the common claims against what was measured, SIMD128 against SIMD128, and says
// what relaxed SIMD adds; nothing before that.
func (v *Speeds) Says() (lines []string) {
	for _, c := range speedClaims {
		for _, tokens := range []int{1, BatchTokens} {
			base, ok := v.done[speedKey{"F16", tokens, false}]
			if !ok {
				continue
			}
			var parts []string
			var best float64
			for _, typ := range c.types {
				if r, ok := v.done[speedKey{typ, tokens, false}]; ok {
					x := rate(r, tokens) / rate(base, tokens)
					parts = append(parts, fmt.Sprintf("%s %s×", typ, decimals(x, 1)))
					best = max(best, x)
				}
			}
			if len(parts) == 0 {
				continue
			}
			verdict := "as claimed"
			switch {
			case best < c.lo:
				verdict = "less than claimed"
			case best > c.hi:
				verdict = "more than claimed"
			}
			lines = append(lines, fmt.Sprintf("%s over FP16, %s: %s; claimed %s–%s×: %s.", c.what, withTokens(tokens), strings.Join(parts, ", "), decimal(c.lo), decimal(c.hi), verdict))
		}
	}
	return append(lines, v.saysRelaxed()...)
}

// saysRelaxed is how much relaxed SIMD adds to the types that both ways are measured of.
func (v *Speeds) saysRelaxed() (lines []string) {
	for _, tokens := range []int{1, BatchTokens} {
		var parts []string
		for _, typ := range wire.SpeedTypes {
			plain, ok := v.done[speedKey{typ, tokens, false}]
			r, both := v.done[speedKey{typ, tokens, true}]
			if ok && both {
				parts = append(parts, fmt.Sprintf("%s %s×", typ, decimals(rate(r, tokens)/rate(plain, tokens), 1)))
			}
		}
		if len(parts) > 0 {
			lines = append(lines, fmt.Sprintf("Relaxed SIMD over SIMD128, %s: %s.", withTokens(tokens), strings.Join(parts, ", ")))
		}
	}
	return lines
}

func withTokens(n int) string {
	if n == 1 {
		return "one token"
	}
	return fmt.Sprintf("%d tokens", n)
}

func decimal(v float64) string { return strings.TrimSuffix(decimals(v, 1), ".0") }
