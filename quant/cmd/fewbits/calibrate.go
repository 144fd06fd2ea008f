package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"fewbits/quant"
	"fewbits/quant/calibrate"
	"fewbits/quant/convert"
	"fewbits/quant/llama"
	"fewbits/quant/metric"
)

// calibrated is what quantize -json says of a model that a method quantized.
type calibrated struct {
	Text    string `json:"text,omitempty"` // that it was calibrated on
	Context int    `json:"context"`        // tokens in a chunk
	Chunks  int    `json:"chunks"`         // that were read
	Stored  string `json:"stored"`         // type of the reconstructed weights in OUT
	// Bytes and bits a weight that the codes take, with scales and zero points.
	CodeBytes         int64             `json:"codeBytes"`
	CodeBitsPerWeight float64           `json:"codeBitsPerWeight"`
	Tensors           []calibratedError `json:"errors"`
}

// calibratedError is what one matrix loses.
type calibratedError struct {
	Name     string `json:"name"`
	Of       string `json:"of"` // output, or weights where there was no text
	Relative real   `json:"relative"`
	Rounding real   `json:"rounding"` // with plain rounding to the same bits and groups
}

// defaultChunks is how many chunks a method is calibrated on, unless -chunks
// says otherwise: 16,384 tokens.
const defaultChunks = 32

// method says whether a whole model is to be quantized by a method that
// calibrates.
func (q *quantized) method(p *packer) bool {
	return q.Container == "gguf" && p != nil && p.format.Info().Family == quant.FamilyMethod
}

// suitsMethod fails where a flag does not go with a method on a whole model.
func (c *call) suitsMethod() error {
	if c.flags["tensor"] != "" {
		return usagef("-tensor goes with .bin, .json and .npy; a .gguf file holds all tensors of IN")
	}
	if calib := c.flags["calib"]; strings.HasSuffix(strings.ToLower(calib), ".npy") {
		return usagef("a model is calibrated on a text, and %q holds the activations of one tensor; give -calib TEXT", calib)
	}
	_, err := c.storedType()
	return err
}

// onlyMethods fails where a flag is given that only a method on a whole model
// takes.
func (c *call) onlyMethods(q *quantized, p *packer) error {
	if q.method(p) {
		return nil
	}
	for _, flag := range []string{"ctx", "chunks", "store", "parallel", "plain"} {
		if c.flags[flag] != "" || c.bools[flag] {
			return usagef("-%s goes with a method that calibrates and a model as OUT", flag)
		}
	}
	return nil
}

// storedType is the type that reconstructed weights are stored in.
func (c *call) storedType() (string, error) {
	switch v := strings.ToUpper(c.flags["store"]); v {
	case "", "F16", "FP16":
		return "F16", nil
	case "F32", "FP32":
		return "F32", nil
	}
	return "", usagef("-store is f16 or f32, and %q is neither", c.flags["store"])
}

// chunks cuts the text of a flag for a model.
func (c *call) chunks(m *llama.Model, path string, chunks int) ([][]int32, error) {
	o := calibrate.Text{}
	var err error
	if o.Context, err = c.whole("ctx", 512); err != nil {
		return nil, err
	}
	if o.Chunks, err = c.whole("chunks", chunks); err != nil {
		return nil, err
	}
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	list, err := calibrate.Chunks(m, text, o)
	return list, named(path, err)
}

// calibrateModel quantizes all layers of in with a method.
func (c *call) calibrateModel(in *input, p *packer, bar *progress) (*calibrate.Result, [][]int32, error) {
	m, err := llama.Open(in.Source, llama.Options{})
	if err != nil {
		return nil, nil, err
	}
	var chunks [][]int32
	if path := c.flags["calib"]; path != "" {
		if chunks, err = c.chunks(m, path, defaultChunks); err != nil {
			return nil, nil, err
		}
	}
	info := p.format.Info()
	if len(chunks) == 0 && info.Calibration == quant.Optional {
		c.note("without -calib no column is known to see large activations, and %s keeps none", info.Name)
	}
	r, err := calibrate.Quantize(c.ctx, m, chunks, calibrate.Options{
		Method: info.Name, Quant: p.options, Plain: c.bools["plain"], Parallel: c.bools["parallel"],
		Progress: func(at calibrate.Progress) {
			bar.expect(at.Total)
			bar.show(fmt.Sprintf("layer %d of %d", min(at.Layer+1, at.Layers), at.Layers), at.Done)
		},
	})
	return r, chunks, err
}

// quantizeMethod writes a model whose weights are what the codes of a method
// stand for.
func (c *call) quantizeMethod(in *input, p *packer, bar *progress, q *quantized) error {
	typ, err := c.storedType()
	if err != nil {
		return err
	}
	r, chunks, err := c.calibrateModel(in, p, bar)
	if err != nil {
		return err
	}
	src, err := r.Source(in.Source)
	if err != nil {
		return err
	}
	plan, err := r.Plan(src, typ)
	if err != nil {
		return err
	}
	m := &meter{sums: map[string]*metric.Sums{}}
	err = create(c.ctx, q.Out, func(w io.Writer) error {
		return convert.ToGGUF(c.ctx, w, src, plan, convert.Options{Formats: m.lookup, Meta: r.Meta(typ)})
	})
	if err != nil {
		return err
	}
	q.Options = r.Options.Map()
	q.Calibrated = &calibrated{Stored: typ, Tensors: []calibratedError{}, Chunks: len(chunks)}
	if len(chunks) > 0 {
		q.Calibrated.Text, q.Calibrated.Context = c.flags["calib"], len(chunks[0])
	}
	return q.addMethod(in, plan, r)
}

// addMethod takes the outcome into q.
func (q *quantized) addMethod(in *input, plan []convert.Step, r *calibrate.Result) error {
	var total metric.Sums
	made := map[string]metric.Sums{}
	values := int64(0)
	at := map[string]int{}
	for i, info := range in.Tensors() {
		at[info.Name] = i
	}
	for _, t := range r.Tensors {
		w, err := quant.ReadTensor(in, at[t.Name])
		if err != nil {
			return err
		}
		back := t.Values
		if t.InputScales != nil {
			back = make([]float32, len(t.Values))
			for i, v := range t.Values {
				back[i] = v / t.InputScales[i%len(t.InputScales)]
			}
		}
		var sums metric.Sums
		sums.Add(w.Data, back, int(t.CodeBytes))
		total.Merge(sums)
		made[t.Name] = sums
		values += int64(len(t.Values))
		q.Calibrated.CodeBytes += t.CodeBytes
		of := "weights"
		if t.Error.Output {
			of = "output"
		}
		q.Calibrated.Tensors = append(q.Calibrated.Tensors, calibratedError{t.Name, of, real(t.Error.Relative), real(t.Error.Rounding)})
	}
	q.Calibrated.CodeBitsPerWeight = float64(q.Calibrated.CodeBytes) * 8 / float64(max(1, values))
	infos := in.Tensors()
	for _, s := range plan {
		n, _ := quant.Count(s.Shape)
		q.Values += int64(n)
		q.Bytes += s.Bytes
		t := quantizedTensor{Name: s.Name, Shape: append([]int{}, s.Shape...), From: infos[at[s.Name]].Type, To: s.To, Bytes: s.Bytes}
		if sums, ok := made[s.Name]; ok {
			one := reportOf(sums, q.Format, s.Name)
			t.Metrics, t.Why = &one, "reconstructed from "+q.Format
		} else if _, ok := r.Vectors[s.Name]; ok {
			t.Why = "scales folded into it"
		}
		q.Tensors = append(q.Tensors, t)
	}
	q.Metrics = reportOf(total, q.Format, "")
	return nil
}

// print says what the method decided and what each matrix loses.
func (k *calibrated) print(w io.Writer, format string) {
	fmt.Fprintf(w, "\nweights are stored as %s: what the codes of %s stand for", k.Stored, format)
	if k.CodeBytes > 0 {
		fmt.Fprintf(w, ", which take %s bits a weight by themselves", bitsText(k.CodeBitsPerWeight))
	}
	fmt.Fprintln(w)
	k.printErrors(w)
}

// printErrors says what each matrix loses, and on what text.
func (k *calibrated) printErrors(w io.Writer) {
	if k.Text != "" {
		fmt.Fprintf(w, "calibrated on %s of %s, text %s\n", plural(k.Chunks, "chunk"), plural(k.Context, "token"), clean(filepath.Base(k.Text)))
	}
	fmt.Fprintln(w)
	t := table{right: columns(1, 2)}
	of := "output"
	if len(k.Tensors) > 0 {
		of = k.Tensors[0].Of
	}
	t.row("tensor", of+" lost, %", "rounding, %")
	for _, e := range k.Tensors {
		t.row(clean(e.Name), short(100*float64(e.Relative)), short(100*float64(e.Rounding)))
	}
	t.print(w)
}
