package page

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Layer is one layer of the model, or one of the parts outside of them.
type Layer struct {
	Name    string // "blk.12", or what stands outside: "embedding", "output", "norms", "others"
	Family  string // of a layer: "blk"
	Number  int    // of a layer, −1 outside
	Tensors int
	Values  int64
	Now     []Part // by type, those of the most bits first
	Next    []Part // the same of the file to be; nil while there is no plan
	Known   bool   // Error is: all of it is made
	Error   float64
	Done    float64 // how much of it is made, 0 … 1, while the file is
}

// outside are the parts that are no layers, in the order in which they are
// drawn: the first before the layers, the others after.
var outside = []string{"embedding", "output", "norms", "others"}

// partPrefix begins a word of the filter that lets the tensors of one part through.
const partPrefix = "part:"

// Filter is what lets the layer's tensors through in the table.
func (l *Layer) Filter() string {
	if l.Number < 0 || l.Family == "" {
		return partPrefix + l.Name
	}
	return l.Name + "."
}

// Bytes are those of the layer now, and next.
func (l *Layer) Bytes() (now, next int64) { return bytesIn(l.Now), bytesIn(l.Next) }

func bytesIn(parts []Part) (sum int64) {
	for _, p := range parts {
		sum += p.Bytes
	}
	return sum
}

// Bits is bits a weight: next where there is a plan, else now.
func (l *Layer) Bits() float64 {
	parts := l.Next
	if parts == nil {
		parts = l.Now
	}
	return 8 * float64(bytesIn(parts)) / float64(max(1, l.Values))
}

// layerOf finds the layer that a tensor belongs to by its name: "blk" and 12 of
// "blk.12.ffn_up.weight", "model.layers" and 3 of "model.layers.3.mlp.0.bias".
// Outside of layers it says which of the parts the tensor is in.
func layerOf(name string) (family string, number int) {
	rest := name
	for at := 0; ; {
		word, more, ok := strings.Cut(rest, ".")
		if !ok {
			return outsideOf(strings.ToLower(name)), -1
		}
		if n, err := strconv.Atoi(word); err == nil && digit(word[0]) && len(word) < 7 {
			return strings.TrimSuffix(name[:at], "."), n
		}
		at += len(word) + 1
		rest = more
	}
}

// outsideOf knows the names of GGUF and of checkpoints.
func outsideOf(name string) string {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	switch {
	case has("norm", "ln_f"):
		return "norms"
	case has("embd", "embed", "wte", "wpe"):
		return "embedding"
	case has("output", "lm_head"):
		return "output"
	}
	return "others"
}

// partOf is the Name of the Layer that a tensor belongs to.
func partOf(name string) string {
	family, n := layerOf(name)
	if n < 0 || family == "" {
		return cmp.Or(family, strconv.Itoa(n))
	}
	return family + "." + strconv.Itoa(n)
}

// Layers are the model's layers with the parts outside of them, in their order;
// nil where its tensors do not say which layers they belong to.
func (m *Model) Layers() []Layer {
	if m.File == nil {
		return nil
	}
	var list []Layer
	where, members, layers := map[string]int{}, [][]int{}, 0
	for i := range m.File.Tensors {
		name := m.File.Tensors[i].Name
		part := partOf(name)
		k, ok := where[part]
		if !ok {
			k = len(list)
			where[part] = k
			l := Layer{Name: part}
			if l.Family, l.Number = layerOf(name); l.Number >= 0 {
				layers++
			}
			list, members = append(list, l), append(members, nil)
		}
		members[k] = append(members[k], i)
	}
	if layers < 2 {
		return nil
	}
	step := m.stepOf()
	for k := range list {
		m.fillLayer(&list[k], members[k], step)
	}
	order(list, func(a, b *Layer) int {
		return cmp.Or(cmp.Compare(a.place(), b.place()), natural(a.Name, b.Name))
	})
	return list
}

// place is 0 before the layers, 1 for them, more after.
func (l *Layer) place() int {
	if l.Number >= 0 {
		return 1
	}
	i := slices.Index(outside, l.Name)
	if i > 0 {
		i++
	}
	return i
}

// stepOf is, for each tensor of the file, its step in the plan + 1.
func (m *Model) stepOf() []int {
	of := make([]int, len(m.File.Tensors))
	if m.Plan != nil {
		for i := range m.Plan.Steps {
			of[m.Plan.Steps[i].Tensor] = i + 1
		}
	}
	return of
}

// fillLayer sums up the layer's tensors. Its error is that of all that is
// quantized of it, taken as one: √(Σ(x̂ − x)² / Σx²).
func (m *Model) fillLayer(l *Layer, members, step []int) {
	l.Tensors, l.Known = len(members), m.Plan != nil
	made, errSq, xSq, broken := 0.0, 0.0, 0.0, false
	for _, i := range members {
		t := &m.File.Tensors[i]
		l.Values += int64(t.Values)
		line := ModelLine{Info: t}
		if step[i] > 0 {
			m.step(&line, step[i]-1)
		}
		made += line.Done * float64(t.Values)
		if line.Loss == nil {
			l.Known = false
			continue
		}
		errSq, xSq = errSq+line.Loss.ErrSq, xSq+line.Loss.XSq
		broken = broken || line.Loss.RelRMSE < 0
	}
	l.Done = made / float64(max(1, l.Values))
	switch {
	case broken:
		l.Error = -1
	case l.Known && xSq > 0:
		l.Error = math.Sqrt(errSq / xSq)
	}
	l.Now = byBits(partsOf(len(members), func(k int) (string, int, int64) {
		t := &m.File.Tensors[members[k]]
		return t.Now(), t.Values, t.Room()
	}))
	if m.Plan != nil {
		l.Next = byBits(partsOf(len(members), func(k int) (string, int, int64) {
			t := &m.File.Tensors[members[k]]
			if at := step[members[k]] - 1; at >= 0 {
				return m.Plan.Steps[at].To, t.Values, m.Plan.Steps[at].Bytes
			}
			return t.Type, t.Values, 0
		}))
	}
}

func byBits(parts []Part) []Part {
	order(parts, func(a, b *Part) int { return cmp.Compare(b.Bits(), a.Bits()) })
	return parts
}
