package page

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"fewbits/kernels"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

func TestLayerOf(t *testing.T) {
	for name, want := range map[string]string{
		"blk.0.attn_q.weight":                          "blk 0",
		"blk.12.ffn_down_exps.weight":                  "blk 12",
		"enc.blk.3.attn_q.weight":                      "enc.blk 3",
		"model.layers.7.block_sparse_moe.experts.2.w1": "model.layers 7",
		"0.weight":                  " 0",
		"token_embd.weight":         "embedding -1",
		"token_embd_norm.weight":    "norms -1",
		"model.embed_tokens.weight": "embedding -1",
		"output.weight":             "output -1",
		"lm_head.weight":            "output -1",
		"output_norm.weight":        "norms -1",
		"rope_freqs.weight":         "others -1",
		"a":                         "others -1",
		"arr.0":                     "others -1", // nothing is in it
		"conv2d.weight":             "others -1",
		"x.99999999999.weight":      "others -1",
		"":                          "others -1",
		"..":                        "others -1",
	} {
		family, n := layerOf(name)
		if got := fmt.Sprint(family, " ", n); got != want {
			t.Errorf("%q is in %q, not %q", name, got, want)
		}
	}
}

// tower is a page with a model of so many layers, each of a matrix and a norm,
// planned: the layers in more take Q6_K, the others Q4_K.
func tower(t *testing.T, n int, more ...int) *State {
	t.Helper()
	s, _, _ := loaded(t)
	s.Update(Went{"#/model"})
	f := wire.FileInfo{Name: "tower.gguf", Container: "gguf", Size: 1 << 20, Tensors: []wire.TensorRow{
		{Name: "output.weight", Shape: []int{4, 256}, Type: "F16", Values: 1024, Bytes: 2048},
		{Name: "token_embd.weight", Shape: []int{4, 256}, Type: "F16", Values: 1024, Bytes: 2048},
		{Name: "output_norm.weight", Shape: []int{256}, Type: "F32", Values: 256, Bytes: 1024},
	}}
	for l := n - 1; l >= 0; l-- {
		f.Tensors = append(f.Tensors,
			wire.TensorRow{Name: fmt.Sprintf("blk.%d.w.weight", l), Shape: []int{2, 256}, Type: "F16", Values: 512, Bytes: 1024},
			wire.TensorRow{Name: fmt.Sprintf("blk.%d.norm.weight", l), Shape: []int{64}, Type: "F32", Values: 64, Bytes: 256})
	}
	open := only(t, s.Update(FileChosen{Ref: 7, Name: f.Name, View: "model"}), wire.OpOpen, "job")
	plan := only(t, answer(t, s, open, f), wire.OpPlan, "job")
	answer(t, s, plan, towerPlan(f, more))
	return s
}

func towerPlan(f wire.FileInfo, more []int) wire.Plan {
	p := wire.Plan{Recipe: "Q4_K", Name: "tower-q4_k.gguf", Size: 1 << 19}
	for i, tensor := range f.Tensors {
		step := wire.StepRow{Tensor: i, Name: tensor.Name, From: tensor.Type, To: "F32", Bytes: tensor.Bytes}
		if tensor.Type == "F16" {
			step.To, step.Asked, step.Bytes = "Q4_K", "Q4_K", int64(tensor.Values/256*144)
		}
		for _, l := range more {
			if tensor.Name == fmt.Sprintf("blk.%d.w.weight", l) {
				step.To, step.Bytes = "Q6_K", 420
			}
		}
		p.Steps = append(p.Steps, step)
	}
	return p
}

// lose gives each step of the plan a loss by its name; 0 for what is not named.
func lose(m *Model, lost map[string]float64) {
	m.Made = &Made{Losses: make([]Loss, len(m.Plan.Steps))}
	for i, step := range m.Plan.Steps {
		if step.From != step.To {
			e := lost[step.Name]
			m.Made.Losses[i] = Loss{RelRMSE: e, ErrSq: e * e, XSq: 1}
		}
	}
}

func TestLayersAreSummedUpInTheirOrder(t *testing.T) {
	m := &tower(t, 12, 1, 2, 10).Model
	list := m.Layers()
	var names []string
	for _, l := range list {
		names = append(names, l.Name)
	}
	if got := strings.Join(names, " "); got != "embedding blk.0 blk.1 blk.2 blk.3 blk.4 blk.5 blk.6 blk.7 blk.8 blk.9 blk.10 blk.11 output norms" {
		t.Fatal(got)
	}
	l := list[2]
	if now, next := l.Bytes(); now != 1280 || next != 420+256 || l.Tensors != 2 || l.Values != 576 || l.Known {
		t.Errorf("%d → %d bytes of %d tensors, %d values, known %v", now, next, l.Tensors, l.Values, l.Known)
	}
	if got, want := fmt.Sprint(l.Now, l.Next), "[{F32 1 64 256} {F16 1 512 1024}] [{F32 1 64 256} {Q6_K 1 512 420}]"; got != want {
		t.Errorf("parts %s, want %s", got, want)
	}
	if got, want := l.Say(1, false), "layer 1 · 1.3 KiB → 676 B · 9.39 bits"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := list[0].Say(1, false), "embedding · 2 KiB → 576 B · 4.50 bits"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	l.Now[1].Bytes = 600
	if got, want := l.Say(1, false), "layer 1 · 856 → 676 B · 9.39 bits"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	l.Now[1].Bytes = 1024
	if got, want := l.Say(2, true), "blk.1 · 2 tensors · 1.3 KiB → 676 B (F32 256 B, Q6_K 420 B) · 9.39 bits"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The error of a layer is that of its quantized tensors taken as one; norms,
// which are copied, do not make it smaller.
func TestALayersErrorIsOfAllItsTensorsTakenAsOne(t *testing.T) {
	m := &tower(t, 2).Model
	m.File.Tensors = append(m.File.Tensors, wire.TensorRow{Name: "blk.1.v.weight", Shape: []int{1, 256}, Type: "F16", Values: 256, Bytes: 512})
	m.Plan.Steps = append(m.Plan.Steps, wire.StepRow{Tensor: len(m.File.Tensors) - 1, Name: "blk.1.v.weight", From: "F16", To: "Q4_K", Asked: "Q4_K", Bytes: 144})
	lose(m, map[string]float64{"blk.0.w.weight": 0.1, "blk.1.w.weight": 0.3})
	m.Made.Losses[len(m.Plan.Steps)-1] = Loss{RelRMSE: 0.1, ErrSq: 0.03, XSq: 3}
	m.renewed()
	list := m.Layers()
	if got, want := list[2].Error, math.Sqrt((0.09+0.03)/4); math.Abs(got-want) > 1e-12 || !list[2].Known {
		t.Errorf("layer 1 lost %v, want %v, known %v", got, want, list[2].Known)
	}
	if got := list[4]; got.Name != "norms" || !got.Known || got.Error != 0 {
		t.Errorf("the norms lost %+v", got)
	}
	m.Made.Losses[1].RelRMSE, m.Made.Losses[1].ErrSq = -1, math.NaN()
	if list = m.Layers(); list[0].Error != -1 || !strings.Contains(LayersSay(list), "the error is largest in layer 1, 17.32 %") {
		t.Errorf("a NaN is %v: %s", list[0].Error, LayersSay(list))
	}
}

func TestTheSentenceOnLayers(t *testing.T) {
	some := map[string]float64{"blk.0.w.weight": 0.02, "blk.9.w.weight": 0.08, "token_embd.weight": 0.01}
	for name, c := range map[string]struct {
		layers int
		more   []int
		lost   map[string]float64
		want   string
	}{
		"alike":            {12, nil, nil, "All 12 layers take 7.56 bits a weight."},
		"one more":         {12, []int{4}, nil, "Layer 4 takes 9.39 bits a weight, the rest 7.56."},
		"runs":             {12, []int{0, 1, 2, 5, 11}, nil, "Layers 0–2, 5 and 11 take 9.39 bits a weight, the rest 7.56."},
		"many runs":        {30, []int{0, 1, 4, 7, 10, 13, 14, 16}, nil, "Layers 0–1, 4, 7, 10 and 3 more take 9.39 bits a weight, the rest 7.56."},
		"most have more":   {4, []int{0, 2, 3}, nil, "Layer 1 takes only 7.56 bits a weight, the rest 9.39."},
		"half":             {4, []int{0, 2}, nil, "Layers 0 and 2 take 9.39 bits a weight, the rest 7.56."},
		"error":            {12, []int{4}, some, "Layer 4 takes 9.39 bits a weight, the rest 7.56; the error is largest in layer 9, 8.00 %."},
		"error outside":    {12, nil, map[string]float64{"token_embd.weight": 0.5}, "All 12 layers take 7.56 bits a weight; the error is largest in the embedding, 50.00 %."},
		"nothing was lost": {12, nil, map[string]float64{}, "All 12 layers take 7.56 bits a weight; nothing is lost."},
	} {
		t.Run(name, func(t *testing.T) {
			m := &tower(t, c.layers, c.more...).Model
			if c.lost != nil {
				lose(m, c.lost)
			}
			if got := LayersSay(m.Layers()); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	m := &tower(t, 3).Model
	m.Plan = nil
	if got, want := LayersSay(m.Layers()), "All 3 layers take 17.78 bits a weight now."; got != want {
		t.Errorf("without a plan %q, want %q", got, want)
	}
}

func TestErrorsByLayerComeAsTheyAreMade(t *testing.T) {
	s := tower(t, 3)
	m := &s.Model
	m.job = newJob(m.Plan, m.args(), m.File.Tensors, 1, 0)
	for i, step := range m.Plan.Steps {
		if step.Name == "blk.2.w.weight" || step.Name == "blk.2.norm.weight" {
			m.job.steps[i] = making{lost: []metric.Sums{{Values: 512, Sums: kernels.Sums{ErrSq: 0.04, XSq: 1}}}, made: step.Bytes}
		}
	}
	list := m.Layers()
	if l := list[3]; l.Name != "blk.2" || !l.Known || l.Done != 1 || math.Abs(l.Error-0.2) > 1e-12 {
		t.Errorf("%+v", l)
	}
	if l := list[1]; l.Known || l.Done != 0 {
		t.Errorf("what is not made yet: %+v", l)
	}
	if got := LayersSay(list); !strings.HasSuffix(got, "; the error so far is largest in layer 2, 20.00 %.") {
		t.Error(got)
	}
}

func TestLayersOfTwoKindsAreNamedInFull(t *testing.T) {
	m := &tower(t, 4, 1, 2).Model
	for i := range m.File.Tensors {
		tensor := &m.File.Tensors[i]
		for _, l := range []string{"0", "1"} {
			tensor.Name = strings.Replace(tensor.Name, "blk."+l, "enc.blk."+l, 1)
		}
		for _, l := range []string{"2", "3"} {
			tensor.Name = strings.Replace(tensor.Name, "blk."+l, "dec.blk."+l, 1)
		}
	}
	list := m.Layers()
	if LayerKinds(list) != 2 {
		t.Fatal(LayerKinds(list))
	}
	if got, want := LayersSay(list), "Layers dec.blk.2 and enc.blk.1 take 9.39 bits a weight, the rest 7.56."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAModelWithoutLayersHasNone(t *testing.T) {
	m := &tower(t, 1).Model
	if list := m.Layers(); list != nil {
		t.Errorf("%d of one layer", len(list))
	}
	m.File.Tensors = []wire.TensorRow{{Name: "a", Values: 1}, {Name: "b.weight", Values: 1}}
	m.Plan = nil
	if list := m.Layers(); list != nil {
		t.Errorf("%d of a box", len(list))
	}
	m.File = nil
	if list := m.Layers(); list != nil {
		t.Errorf("%d of nothing", len(list))
	}
}

func TestALayerFiltersTheTable(t *testing.T) {
	s := tower(t, 12, 1)
	m := &s.Model
	for _, l := range m.Layers() {
		s.Update(Filtered{Text: l.Filter()})
		lines := m.Lines()
		if len(lines) != l.Tensors {
			t.Errorf("%q lets %d tensors through, not %d", l.Filter(), len(lines), l.Tensors)
		}
		for i := range lines {
			if partOf(lines[i].Info.Name) != l.Name {
				t.Errorf("%q lets %s through", l.Filter(), lines[i].Info.Name)
			}
		}
	}
}
