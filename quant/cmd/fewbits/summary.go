package main

import (
	"fmt"
	"io"
	"strings"

	"fewbits/quant"
)

// quantized is what quantize -json prints.
type quantized struct {
	In            string            `json:"in"`
	Out           string            `json:"out"`
	Container     string            `json:"container"` // of OUT: bin, json, npy, gguf, safetensors, folder
	Format        string            `json:"format"`
	Options       map[string]string `json:"options"` // as used, those not at their default
	Values        int64             `json:"values"`
	Bytes         int64             `json:"bytes"`                 // that the tensors take, packed
	FileBytes     int64             `json:"fileBytes"`             // that OUT takes
	BitsPerWeight float64           `json:"bitsPerWeight"`         // Bytes × 8 / Values
	Metrics       report            `json:"metrics"`               // of what was quantized; what was copied is not in it
	Output        *outputError      `json:"outputError,omitempty"` // with -calib
	Calibrated    *calibrated       `json:"calibrated,omitempty"`  // of a model that a method quantized
	Layout        string            `json:"layout,omitempty"`      // -as: of a folder, whose project's
	Files         []string          `json:"files,omitempty"`       // of a folder
	Loading       string            `json:"loading,omitempty"`     // lines that load the folder
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

// whole says whether OUT is a file of all tensors, and not about one.
func (q *quantized) whole() bool {
	return q.Container == "gguf" || q.Container == "safetensors" || q.Container == "folder"
}

// print says in a few lines what was written and what it lost.
func (q *quantized) print(w io.Writer, in *input) {
	fmt.Fprintf(w, "%s: %s\n\n", clean(q.Out), bytesText(q.FileBytes))
	t := table{}
	if q.whole() {
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
		if q.Output != nil {
			t.row("output error", q.Output.text())
		}
	}
	t.print(w)
	if len(q.Tensors) > 1 {
		fmt.Fprintln(w)
		q.printTypes(w)
	}
	switch {
	case q.Calibrated != nil && q.Layout != "":
		fmt.Fprintln(w)
		q.Calibrated.printErrors(w)
	case q.Calibrated != nil:
		q.Calibrated.print(w, q.Format)
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
