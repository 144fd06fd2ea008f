package qat

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// vector is a case of testdata/qat_lsq_ste.json: values and gradients that
// torch's autograd gave in float64 for the published formulas.
type vector struct {
	Qn, Qp     int
	SInit      float64 `json:"s_init"`
	GradScale  float64 `json:"grad_scale"`
	Scale      float64
	ZeroPoint  int `json:"zero_point"`
	Qmin, Qmax int
	XHat       []float64
	GradX      []float64 `json:"grad_x"`
	GradS      float64   `json:"grad_s"`
}

func vectors(t *testing.T) (x, up []float64, cases map[string]vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/qat_lsq_ste.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Inputs struct {
			X  []float64 `json:"x_values"`
			Up []float64 `json:"grad_out"`
		}
		Cases map[string]vector
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Cases) != 4 || len(v.Inputs.X) != 32 {
		t.Fatalf("%d cases of %d values", len(v.Cases), len(v.Inputs.X))
	}
	return v.Inputs.X, v.Inputs.Up, v.Cases
}

func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	for i := range want {
		if math.Abs(got[i]-want[i]) > tolerance {
			t.Errorf("%s[%d] is %v, not %v", what, i, got[i], want[i])
		}
	}
}

func TestVectors(t *testing.T) {
	x, up, cases := vectors(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			y, g := make([]float64, len(x)), make([]float64, len(x))
			if strings.HasPrefix(name, "ste") {
				a := Affine{Step: c.Scale, Zero: c.ZeroPoint, Min: c.Qmin, Max: c.Qmax}
				Apply(a, y, x)
				Through(a, g, x, up)
			} else {
				q := Begin(Levels{c.Qn, c.Qp}, x)
				near(t, "first step", []float64{q.Step}, []float64{c.SInit}, 1e-12)
				near(t, "gradient scale", []float64{q.GradScale(len(x))}, []float64{c.GradScale}, 1e-12)
				Fake(q, y, x)
				near(t, "gradient of the step", []float64{Back(q, g, x, up)}, []float64{c.GradS}, 1e-9)
			}
			near(t, "x̂", y, c.XHat, 1e-9)
			near(t, "gradient of x", g, c.GradX, 1e-9)
		})
	}
}

// The gradients of a network of floats are its slopes.
func TestGradients(t *testing.T) {
	for _, folded := range []bool{false, true} {
		t.Run(fmt.Sprint("folded ", folded), func(t *testing.T) {
			n := NewNet([]int{2, 7, 5, 2}, 4)
			if folded {
				n.Fold()
			}
			d := Spirals(40, 0.02, 1)
			run := func(back bool) float64 {
				logits := n.forward(d.X, d.Rows(), true)
				l := loss(logits, d.Labels, 2)
				if back {
					n.backward(logits, d.Rows())
				}
				return l
			}
			run(true)
			params := map[string]*param{"w0": n.layers[0].w, "w1": n.layers[1].w, "w2": n.layers[2].w, "b0": n.layers[0].b, "b2": n.layers[2].b}
			if !folded {
				params["gamma"], params["beta"] = n.layers[1].norm.gamma, n.layers[0].norm.beta
			}
			for name, p := range params {
				want := append([]float32(nil), p.g...)
				for i := range p.w {
					const h = 1e-2
					was := p.w[i]
					p.w[i] = was + h
					up := run(false)
					p.w[i] = was - h
					down := run(false)
					p.w[i] = was
					if slope := (up - down) / (2 * h); math.Abs(slope-float64(want[i])) > 4e-3 {
						t.Errorf("%s[%d]: gradient %v, slope %v", name, i, want[i], slope)
					}
				}
			}
		})
	}
}

func train(t *testing.T, n *Net, d Data, p Plan) float64 {
	t.Helper()
	tr, err := NewTrainer(n, d, p)
	if err != nil {
		t.Fatal(err)
	}
	var last float64
	for range p.Steps {
		last = tr.Step()
	}
	return last
}

func TestFoldKeepsTheFunction(t *testing.T) {
	d := Spirals(200, 0.02, 1)
	n := NewNet([]int{2, 16, 16, 2}, 1)
	train(t, n, d, Plan{Steps: 100, Seed: 1})
	before := append([]float32(nil), n.forward(d.X, d.Rows(), false)...)
	n.Fold()
	for i, v := range n.forward(d.X, d.Rows(), false) {
		if math.Abs(float64(v-before[i])) > 1e-3 {
			t.Fatalf("logit %d is %v, was %v", i, v, before[i])
		}
	}
}

// At 2 bits and ternary, training with rounding in mind beats rounding after
// training, on rows that neither has seen, for every seed.
func TestFewBitsAreLearnt(t *testing.T) {
	seeds := uint64(5)
	if testing.Short() {
		seeds = 1
	}
	for _, task := range []struct {
		name  string
		floor float64 // of what the floats find
	}{{"spirals", 0.97}, {"digits", 0.93}} {
		for seed := range seeds {
			t.Run(fmt.Sprint(task.name, seed), func(t *testing.T) {
				l, err := NewLab(Setup{Task: task.name, Seed: seed, Activations: 8})
				if err != nil {
					t.Fatal(err)
				}
				for !l.Done() {
					if err := l.Step(); err != nil {
						t.Fatal(err)
					}
				}
				compare(t, l.Runs(), task.floor)
			})
		}
	}
}

func compare(t *testing.T, runs []Run, floor float64) {
	t.Helper()
	if len(runs) != 11 {
		t.Fatalf("%d runs", len(runs))
	}
	float := runs[0].Accuracy
	if float < floor {
		t.Errorf("floats find %.3f, less than %v", float, floor)
	}
	for i := 1; i < len(runs); i += 2 {
		ptq, qat := runs[i], runs[i+1]
		if ptq.Learnt || !qat.Learnt || ptq.Bits != qat.Bits {
			t.Fatalf("%q beside %q", ptq.Name, qat.Name)
		}
		t.Logf("%s: floats %.3f, PTQ %.3f, QAT %.3f", ptq.Name, float, ptq.Accuracy, qat.Accuracy)
		if ptq.Bits <= 2 && qat.Accuracy < ptq.Accuracy+0.05 {
			t.Errorf("%s %.3f is not well above PTQ %.3f", qat.Name, qat.Accuracy, ptq.Accuracy)
		}
		if ptq.Bits == 8 && math.Abs(ptq.Accuracy-float) > 0.02 {
			t.Errorf("8 bits: PTQ %.3f, floats %.3f", ptq.Accuracy, float)
		}
		for layer := range qat.Net.Layers() {
			_, used := qat.Net.Weights(layer)
			values := map[float32]bool{}
			for _, w := range used {
				values[w] = true
			}
			if most := Signed(qat.Bits).Count(); len(values) > most {
				t.Errorf("%s: layer %d has %d values, not at most %d", qat.Name, layer, len(values), most)
			}
		}
	}
}

func TestSameSeedSameNet(t *testing.T) {
	d := Digits(100, 3)
	var first float64
	for i := range 2 {
		n := NewNet([]int{64, 16, 10}, 9)
		got := train(t, n, d, Plan{Steps: 30, Seed: 2})
		if i > 0 && got != first {
			t.Errorf("loss %v, before %v", got, first)
		}
		first = got
	}
}

func TestFaults(t *testing.T) {
	n := NewNet([]int{2, 4, 2}, 1)
	d := Spirals(10, 0, 1)
	for name, err := range map[string]error{
		"not folded":     n.Round(Bits{4, 0}, d),
		"one bit":        n.Learn(Bits{1, 0}),
		"nine bits":      n.Learn(Bits{9, 0}),
		"activations":    n.Learn(Bits{4, 1}),
		"other data":     fault(NewTrainer(n, Digits(10, 1), Plan{})),
		"no data":        fault(NewTrainer(n, Data{Inputs: 2, Classes: 2}, Plan{})),
		"a map of three": fault(NewNet([]int{3, 2}, 1).Map(8, 1)),
		"a huge map":     fault(n.Map(1<<20, 1)),
		"a task":         fault(NewLab(Setup{Task: "cats"})),
		"many steps":     fault(NewLab(Setup{Steps: 1 << 30})),
		"widths":         fault(NewLab(Setup{Bits: []int{4, 1}})),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "qat: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func fault[T any](_ T, err error) error { return err }
