package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"fewbits/quant"
	"fewbits/quant/decision"
	"fewbits/quant/dtype"
	"fewbits/quant/metric"
	"fewbits/quant/npy"
)

// quantized is what quantize -json prints.
type quantized struct {
	In            string            `json:"in"`
	Out           string            `json:"out"`
	Container     string            `json:"container"` // of OUT: bin, json, npy, gguf, safetensors
	Format        string            `json:"format"`
	Options       map[string]string `json:"options"` // as used, those not at their default
	Values        int64             `json:"values"`
	Bytes         int64             `json:"bytes"`         // that the tensors take, packed
	FileBytes     int64             `json:"fileBytes"`     // that OUT takes
	BitsPerWeight float64           `json:"bitsPerWeight"` // Bytes × 8 / Values
	Metrics       report            `json:"metrics"`       // of what was quantized; what was copied is not in it
	Tensors       []quantizedTensor `json:"tensors"`
}

// quantizedTensor is one tensor of OUT.
type quantizedTensor struct {
	Name    string  `json:"name"`
	Shape   []int   `json:"shape"` // outermost first
	From    string  `json:"from"`  // its type in IN
	To      string  `json:"to"`
	Bytes   int64   `json:"bytes"`
	Why     string  `json:"why,omitempty"`     // why not the format asked for
	Metrics *report `json:"metrics,omitempty"` // unless it was copied
}

func quantizeCommand(c *call) error {
	path, err := c.one()
	if err != nil {
		return err
	}
	to, err := c.need("to")
	if err != nil {
		return err
	}
	out, err := c.need("o")
	if err != nil {
		return err
	}
	if strings.Contains(to, ",") {
		return usagef("-to names one format, and %q is several; measure compares them", to)
	}
	packers, err := c.packers(to)
	if err != nil {
		return err
	}
	p := packers[0]
	kind := strings.TrimPrefix(strings.ToLower(filepath.Ext(out)), ".")
	if err := c.suits(kind, out, p.format.Info()); err != nil {
		return err
	}
	if err := checkOutput(out); err != nil {
		return err
	}
	in, err := open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	weights, err := c.importance()
	if err != nil {
		return err
	}
	if !weights.none() && p.format.Info().Importance == quant.Never {
		c.note("%s takes no importance matrix; -imatrix changes nothing", p.format.Info().Name)
	}
	q := &quantized{In: path, Out: out, Container: kind, Format: p.format.Info().Name, Options: map[string]string{}}
	bar := c.progress()
	if kind == "gguf" || kind == "safetensors" {
		err = c.quantizeModel(in, p, weights, bar, q)
	} else {
		err = c.quantizeTensor(in, p, weights, bar, q)
	}
	bar.clear()
	if err != nil {
		return named(path, err)
	}
	if st, err := os.Stat(out); err == nil {
		q.FileBytes = st.Size()
	}
	q.BitsPerWeight = float64(q.Bytes) * 8 / float64(max(1, q.Values))
	if c.json {
		return c.printJSON(q)
	}
	q.print(c.out, in)
	return nil
}

// suits fails where a kind of file has no place for a format or a flag.
func (c *call) suits(kind, out string, f quant.Info) error {
	switch kind {
	case "bin", "json", "npy":
		return nil
	case "gguf":
		if f.Family != quant.FamilyGGML && f.Name != "FP32" && f.Name != "FP16" && f.Name != "BF16" {
			return usagef("a .gguf file has ggml's types, FP32, FP16 and BF16, and no %s; one tensor of it goes into a .bin, .json or .npy file", f.Name)
		}
	case "safetensors":
		if f.Family != quant.FamilyFloat {
			return usagef("a .safetensors file takes casts to FP32, FP16, BF16, FP8_E4M3 and FP8_E5M2, and no %s; write .gguf, or one tensor as .bin, .json or .npy", f.Name)
		}
	default:
		return usagef("OUT ends in .bin, .json, .npy, .gguf or .safetensors, and %q does not", out)
	}
	if c.flags["tensor"] != "" {
		return usagef("-tensor goes with .bin, .json and .npy; a .%s file holds all tensors of IN", kind)
	}
	return nil
}

// quantizeTensor writes one tensor: its bytes, its decisions or its values.
func (c *call) quantizeTensor(in *input, p *packer, weights *importance, bar *progress, q *quantized) error {
	i, err := in.choose(c.flags["tensor"])
	if err != nil {
		return err
	}
	info := in.Tensors()[i]
	if p.format.Info().Importance != quant.Never {
		if p.weights, err = weights.must(info.Name, info.Shape); err != nil {
			return err
		}
	}
	var sums metric.Sums
	err = create(c.ctx, q.Out, func(w io.Writer) error {
		var all whole
		visit := func(s slice) error {
			q.Options = s.packed.Options.Map()
			switch q.Container {
			case "bin":
				_, err := w.Write(s.packed.Bytes)
				return err
			case "npy":
				return writeFloats(w, s.back)
			}
			return all.add(s, info.Shape)
		}
		if q.Container == "npy" {
			if err := npy.WriteHeader(w, info.Shape); err != nil {
				return err
			}
		}
		var err error
		if sums, err = p.stream(c.ctx, in, i, bar, visit); err != nil || q.Container != "json" {
			return err
		}
		all.packed.Options.Importance = p.weights
		return decision.Write(w, p.format, all.packed)
	})
	if err != nil {
		return err
	}
	r := reportOf(sums, q.Format, info.Name)
	q.Values, q.Bytes, q.Metrics = int64(r.Values), int64(r.Bytes), r
	q.Tensors = []quantizedTensor{{
		Name: info.Name, Shape: append([]int{}, info.Shape...), From: info.Type, To: q.Format, Bytes: q.Bytes, Metrics: &r,
	}}
	return nil
}

// writeFloats writes little-endian float32 values.
func writeFloats(w io.Writer, x []float32) error {
	var buf [1 << 14]byte
	for len(x) > 0 {
		n := min(len(x), len(buf)/4)
		if err := dtype.F32.Encode(buf[:4*n], x[:n]); err != nil {
			return err
		}
		if _, err := w.Write(buf[:4*n]); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}

// print says in a few lines what was written and what it lost.
func (q *quantized) print(w io.Writer, in *input) {
	fmt.Fprintf(w, "%s: %s\n\n", clean(q.Out), bytesText(q.FileBytes))
	t := table{}
	if q.Container == "gguf" || q.Container == "safetensors" {
		t.row("from", fmt.Sprintf("%s, %s", clean(in.path), bytesText(in.size)))
		t.row("weights", fmt.Sprintf("%s in %s", count(q.Values), plural(len(q.Tensors), "tensor")))
	} else {
		t.row("tensor", fmt.Sprintf("%s, %s", clean(q.Tensors[0].Name), shapeText(q.Tensors[0].Shape)))
	}
	t.row("format", q.Format+optionsText(q.Options))
	t.row("bits a weight", bitsText(q.BitsPerWeight))
	if q.Metrics.Values > 0 {
		t.row("RMSE", fmt.Sprintf("%s, relative %.3g%%", short(float64(q.Metrics.RMSE)), 100*float64(q.Metrics.RelRMSE)))
		t.row("SQNR", decibels(float64(q.Metrics.SQNR))+" dB")
		t.row("max error", short(float64(q.Metrics.MaxAbs)))
		t.row("cosine", fmt.Sprintf("%.6f", q.Metrics.Cosine))
	}
	t.print(w)
	if len(q.Tensors) > 1 {
		fmt.Fprintln(w)
		q.printTypes(w)
	}
}

// optionsText are options as they are given: ", group=32 sym=true".
func optionsText(options map[string]string) string {
	var list []string
	for _, name := range quant.OptionNames() {
		if v, ok := options[name]; ok {
			list = append(list, name+"="+v)
		}
	}
	if list == nil {
		return ""
	}
	return ", " + strings.Join(list, " ")
}

// printTypes says how many tensors became what, and why.
func (q *quantized) printTypes(w io.Writer) {
	type group struct{ to, why string }
	type sum struct {
		tensors       int
		values, bytes int64
	}
	sums := map[group]*sum{}
	var order []group
	for _, x := range q.Tensors {
		g := group{x.To, x.Why}
		s := sums[g]
		if s == nil {
			s = &sum{}
			sums[g] = s
			order = append(order, g)
		}
		n, _ := quant.Count(x.Shape)
		s.tensors++
		s.values += int64(n)
		s.bytes += x.Bytes
	}
	t := table{right: columns(1, 2, 3, 4)}
	t.row("type", "tensors", "values", "bytes", "bits a weight")
	for _, g := range order {
		s := sums[g]
		t.row(g.to, count(int64(s.tensors)), count(s.values), count(s.bytes), bitsText(float64(s.bytes)*8/float64(max(1, s.values))), clean(g.why))
	}
	t.print(w)
}
