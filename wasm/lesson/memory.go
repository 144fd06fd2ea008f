package lesson

import (
	"fmt"
	"math"
	"slices"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// architecture is what the size of a llama-like model follows from.
type architecture struct {
	id, name               string
	layers, width, forward int  // width of a token, and of the feed-forward part
	queries                int  // width of a token's queries in a layer, where it is not width
	kv                     int  // width of a token's keys in a layer: heads × their width
	words                  int  // of the vocabulary
	tied                   bool // the last matrix is the first one
	bias                   bool // on queries, keys and values
	norms                  int  // of a layer, as wide as a token; 0 stands for 2
	headNorms              int  // numbers of a layer's norms of queries and keys
	round                  float64
}

// architectures are those of the models' own configurations.
var architectures = []architecture{
	{id: "7b", name: "LLaMA 7B, taken as 7 billion", layers: 32, width: 4096, forward: 11008, kv: 4096, words: 32000, round: 7e9},
	{id: "llama-7b", name: "LLaMA 7B, counted", layers: 32, width: 4096, forward: 11008, kv: 4096, words: 32000},
	{id: "llama-2-13b", name: "Llama 2 13B", layers: 40, width: 5120, forward: 13824, kv: 5120, words: 32000},
	{id: "llama-3.1-8b", name: "Llama 3.1 8B", layers: 32, width: 4096, forward: 14336, kv: 1024, words: 128256},
	{id: "llama-3.1-70b", name: "Llama 3.1 70B", layers: 80, width: 8192, forward: 28672, kv: 1024, words: 128256},
	{id: "llama-3.2-1b", name: "Llama 3.2 1B", layers: 16, width: 2048, forward: 8192, kv: 512, words: 128256, tied: true},
	{id: "llama-3.2-3b", name: "Llama 3.2 3B", layers: 28, width: 3072, forward: 8192, kv: 1024, words: 128256, tied: true},
	{id: "mistral-7b", name: "Mistral 7B", layers: 32, width: 4096, forward: 14336, kv: 1024, words: 32000},
	{id: "qwen2.5-7b", name: "Qwen2.5 7B", layers: 28, width: 3584, forward: 18944, kv: 512, words: 152064, bias: true},
	{id: "qwen2.5-0.5b", name: "Qwen2.5 0.5B", layers: 24, width: 896, forward: 4864, kv: 128, words: 151936, tied: true, bias: true},
	{id: "qwen3-8b", name: "Qwen3 8B", layers: 36, width: 4096, forward: 12288, kv: 1024, words: 151936, headNorms: 256},
	{id: "gemma-2-9b", name: "Gemma 2 9B", layers: 42, width: 3584, forward: 14336, queries: 4096, kv: 2048, words: 256000, tied: true, norms: 4},
	{id: "phi-3-mini", name: "Phi-3 mini", layers: 32, width: 3072, forward: 8192, kv: 3072, words: 32064},
	{id: "tinyllama", name: "TinyLlama 1.1B", layers: 22, width: 2048, forward: 5632, kv: 256, words: 32000},
}

// weights is how many there are, counted matrix by matrix.
func (a architecture) weights() float64 {
	if a.round > 0 {
		return a.round
	}
	d, f, kv, q, norms := float64(a.width), float64(a.forward), float64(a.kv), float64(a.width), 2.0
	if a.queries > 0 {
		q = float64(a.queries)
	}
	if a.norms > 0 {
		norms = float64(a.norms)
	}
	layer := 2*d*q + 2*d*kv + 3*d*f + norms*d + float64(a.headNorms)
	if a.bias {
		layer += q + 2*kv
	}
	ends := 2 * float64(a.words) * d
	if a.tied {
		ends /= 2
	}
	return float64(a.layers)*layer + ends + d
}

// way is one way to store the weights.
type way struct {
	id, name, format string
	o                quant.Options
}

var ways = []way{
	{"fp32", "FP32", "FP32", quant.Options{}},
	{"fp16", "FP16", "FP16", quant.Options{}},
	{"bf16", "BF16", "BF16", quant.Options{}},
	{"int8", "INT8", "INT8", quant.Options{Symmetric: true}},
	{"q8_0", "Q8_0", "Q8_0", quant.Options{}},
	{"q6_k", "Q6_K", "Q6_K", quant.Options{}},
	{"q5_k", "Q5_K", "Q5_K", quant.Options{}},
	{"q4_k", "Q4_K", "Q4_K", quant.Options{}},
	{"nf4", "NF4", "NF4", quant.Options{}},
	{"nf4n", "NF4, nested", "NF4", quant.Options{Nested: true}},
	{"int4g", "INT4, groups of 128", "INT4", quant.Options{Granularity: quant.PerGroup, Group: 128, ScaleType: quant.ScaleF16}},
	{"mxfp4", "MXFP4", "MXFP4", quant.Options{}},
	{"int4", "INT4", "INT4", quant.Options{Symmetric: true}},
	{"q3_k", "Q3_K", "Q3_K", quant.Options{}},
	{"q2_k", "Q2_K", "Q2_K", quant.Options{}},
	{"int2", "2-bit", "INT2", quant.Options{Symmetric: true}},
}

// cost is the bits of a weight, its share of the scales included. A whole
// tensor's one scale weighs nothing; the others are counted on a real row.
func (w way) cost() (float64, error) {
	if w.o.Granularity == "" && !w.o.Nested {
		f, ok := formats.Lookup(w.format)
		if !ok {
			return 0, fmt.Errorf("there is no format %q", w.format)
		}
		return f.Info().BitsPerWeight, nil
	}
	q, err := quantize(w.format, w.o, draw(normal, costRow), costRow)
	if err != nil {
		return 0, err
	}
	return q.packed.BitsPerWeight(), nil
}

// costRow is so long that what a tensor has once does not count.
const costRow = 1 << 16

// batch is how many tokens a prompt is read in at a time.
const batch = 512

// need is what a model takes to run, in bytes.
type need struct{ weights, kv, activations float64 }

func (n need) all() float64 { return n.weights + n.kv + n.activations }

// A token that is worked on holds about so many rows as wide as a token (what
// comes in, the query, what attention gives, what is added up) and as the
// feed-forward part (gate and up), each number in FP32. A layer at a time.
const wideRows, forwardRows, floatBytes = 4, 2, 4

// room is how many tokens of context fit into so many bytes beside the weights
// and the activations of a batch; below 0 not even those fit.
func (a architecture) room(weightBits, kvBits, bytes float64) int {
	n := a.needs(weightBits, kvBits, batch)
	return int(math.Floor((bytes - n.weights - n.activations) / (n.kv / batch)))
}

// needs of an architecture with so many bits for a weight and for a number of
// the cache of context tokens. Keys and values are 2 · layers · width a token;
// activations are those of a batch.
func (a architecture) needs(weightBits, kvBits float64, context int) need {
	return need{
		weights:     a.weights() * weightBits / 8,
		kv:          2 * float64(a.layers) * float64(a.kv) * float64(context) * kvBits / 8,
		activations: float64(min(batch, context)) * floatBytes * (wideRows*float64(a.width) + forwardRows*float64(a.forward)),
	}
}

// memoryWidget is the calculator.
var memoryWidget = Widget{ID: "memory", Controls: memoryControls(), Draw: drawMemory}

func memoryControls() []Control {
	var models, stored []string
	for _, a := range architectures {
		models = append(models, a.id, a.name)
	}
	models = append(models, "own", "Another, by its number of weights")
	for _, w := range ways {
		stored = append(stored, w.id, w.name)
	}
	return []Control{
		choice("model", "Model", models...),
		slider("billion", "Weights of another model", 0.1, 500, 0.1, 7).in("billion").only("model", "own"),
		choice("format", "Weights stored as", stored...).from("q4_k"),
		slider("context", "Context", 0, 131072, 512, 4096).in("tokens"),
		choice("kv", "Keys and values as", "FP16", "FP16", "Q8_0", "Q8_0", "Q4_0", "Q4_0"),
		slider("have", "Memory that there is", 1, 192, 1, 8).in("GB"),
	}
}

// chosen is the architecture of the controls. Of another model the number of
// weights is known alone: its cache is taken from a model of about that size,
// with its widths grown as the cube root of the weights.
func chosen(v Values) (architecture, string) {
	for _, a := range architectures {
		if a.id == v["model"] {
			return a, ""
		}
	}
	like := architectures[3]
	grow := math.Cbrt(v.Number("billion") * 1e9 / like.weights())
	a := architecture{round: v.Number("billion") * 1e9, words: like.words}
	a.layers = max(1, int(math.Round(float64(like.layers)*grow)))
	a.width = max(64, int(math.Round(float64(like.width)*grow)))
	a.forward, a.kv = max(64, int(math.Round(float64(like.forward)*grow))), max(64, int(math.Round(float64(like.kv)*grow)))
	return a, fmt.Sprintf(" Its cache is guessed after Llama 3.1 8B, grown alike: %d layers.", a.layers)
}

func drawMemory(v Values) ([]Part, error) {
	a, note := chosen(v)
	kv, err := way{format: v["kv"]}.cost()
	if err != nil {
		return nil, err
	}
	have := v.Number("have")
	grid := Grid{Columns: []string{"Bits", "Weights, GB", "In all, GB", "Fits", "Context that would"}}
	var now need
	var name, best string
	for _, w := range ways {
		bits, err := w.cost()
		if err != nil {
			return nil, err
		}
		n := a.needs(bits, kv, v.Int("context"))
		fits := n.all() <= have*1e9
		if fits && best == "" {
			best = w.name
		}
		if w.id == v["format"] {
			now, name = n, w.name
		}
		grid.Rows = append(grid.Rows, Row{Head: w.name, Now: w.id == v["format"], Cells: []Cell{
			{Text: num(bits, 4)}, {Text: gigabytes(n.weights)}, {Text: gigabytes(n.all())}, {Text: yesNo(fits), Mark: fits}, {Text: roomSay(a.room(bits, kv, have*1e9))}}})
	}
	say := fmt.Sprintf("%s weights in %s take %s GB; with the cache of %s tokens and activations it is %s GB of %s.",
		count(a.weights()), name, gigabytes(now.weights), whole(v.Int("context")), gigabytes(now.all()), num(have, 4))
	which := fmt.Sprintf("The most bits that fit into %s GB are those of %s.", num(have, 4), best)
	if best == "" {
		which = fmt.Sprintf("None of them fits into %s GB.", num(have, 4))
	}
	which += note
	return []Part{
		{Name: "What it takes", Say: say, Bars: &Bars{Unit: "GB", Digits: 2, Roof: have, RoofName: "memory that there is", Rows: []Bar{
			{"weights", now.weights / 1e9, false}, {"keys and values", now.kv / 1e9, false}, {"activations", now.activations / 1e9, false}, {"in all", now.all() / 1e9, true}}}},
		a.counted(v, now, kv),
		{Name: "Every format", Wide: true, Say: which, Grid: &grid},
	}, nil
}

// counted says how the three figures come about, each as a line with its
// numbers, and what the rows of the activations are.
func (a architecture) counted(v Values, n need, kvBits float64) Part {
	context, at := v.Int("context"), min(batch, v.Int("context"))
	weights, model := count(a.weights()), whole(a.width)
	bits := num(n.weights*8/a.weights(), 4)
	terms := slices.Concat(
		line(word("weights = "), Term{Text: weights, Role: "x"}, word(" × "), Term{Text: bits, Role: "scale"}, word(fmt.Sprintf(" bits ∕ 8 = %s GB", gigabytes(n.weights)))),
		line(word(fmt.Sprintf("keys and values = 2 × %d layers × %s numbers × ", a.layers, whole(a.kv))), Term{Text: whole(context), Role: "x"}, word(" tokens × "), Term{Text: num(kvBits, 4), Role: "scale"}, word(fmt.Sprintf(" bits ∕ 8 = %s GB", gigabytes(n.kv)))),
		line(word("activations = "), Term{Text: whole(at), Role: "x"}, word(fmt.Sprintf(" tokens × (%d × %s + %d × %s) numbers × %d bytes = %s GB", wideRows, model, forwardRows, whole(a.forward), floatBytes, gigabytes(n.activations)))),
		line(word(fmt.Sprintf("The %d: what comes into a layer, its queries, what attention gives, and their sum. The %d: the two halves of the feed-forward part. All are 32-bit floats, and each layer takes the room of the one before. Other programs may keep a row more or less.", wideRows, forwardRows))),
	)
	say := "Without a token there is nothing to work on, and nothing to keep."
	if at > 0 {
		say = fmt.Sprintf("Activations: for each of %s tokens read at once, %d rows as wide as a token and %d as wide as the feed-forward part.", whole(at), wideRows, forwardRows)
	}
	return Part{Name: "How it is counted", Wide: true, Say: say, Terms: terms}
}

func gigabytes(bytes float64) string { return num(math.Round(bytes/1e7)/100, 6) }

// roomSay is so many tokens, rounded down to what one would set.
func roomSay(tokens int) string {
	if tokens < 1 {
		return "none"
	}
	for unit := 1; ; unit *= 10 {
		if tokens < 1000*unit {
			return whole(tokens / unit * unit)
		}
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// count is a large number in words: "6.74 billion".
func count(n float64) string {
	if n >= 1e9 {
		return num(n/1e9, 3) + " billion"
	}
	return num(n/1e6, 3) + " million"
}
