package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"fewbits/quant/convert"
)

// budgeted is what budget -json prints.
type budgeted struct {
	In            string          `json:"in"`
	Out           string          `json:"out,omitempty"`
	Limit         int64           `json:"limit"`      // bytes of the file
	Bytes         int64           `json:"bytes"`      // that the file takes
	Overhead      int64           `json:"overhead"`   // of them, what no type changes
	Calibrated    bool            `json:"calibrated"` // loss is a divergence, in nats a token; else relative squared error of outputs
	Loss          real            `json:"loss"`
	Bound         real            `json:"bound"` // no mix within the limit loses less, as losses are counted
	Base          string          `json:"base"`
	Arguments     []string        `json:"arguments"` // of llama-quantize
	Models        []budgetModel   `json:"models"`
	Tensors       []budgetTensor  `json:"tensors"`
	Frontier      []frontierPoint `json:"frontier"` // the least loss by the file's size
	BitsPerWeight float64         `json:"bitsPerWeight"`
}

// budgetModel is the mix, a recipe, or a mix of that one's size.
type budgetModel struct {
	Name          string  `json:"name"`
	Bytes         int64   `json:"bytes"` // of the file
	BitsPerWeight float64 `json:"bitsPerWeight"`
	Loss          *real   `json:"loss,omitempty"` // predicted, where the table has all of its types
	KL            *real   `json:"kl,omitempty"`   // measured, on the part of the text that losses do not come from
	KLError       *real   `json:"klError,omitempty"`
	SameTop       *real   `json:"sameTop,omitempty"`

	plan []convert.Step // how it is made
}

// budgetTensor is one tensor of the mix.
type budgetTensor struct {
	Name  string       `json:"name"`
	Shape []int        `json:"shape"`
	To    string       `json:"to"`
	Types []budgetType `json:"types"` // all that it was chosen from
}

type budgetType struct {
	Type  string `json:"type"`
	Bytes int64  `json:"bytes"`
	Error real   `json:"error"` // Σ w·(x̂ − x)²
	Loss  real   `json:"loss"`
}

type frontierPoint struct {
	Bytes int64 `json:"bytes"`
	Loss  real  `json:"loss"`
}

// print writes the choices, what they are held against, and the lines.
func (b *budgeting) print(w io.Writer) {
	fmt.Fprintf(w, "a file of %s, at most %s: %s bits a weight\n\n", bytesText(b.out.Bytes), count(b.out.Limit), bitsText(b.out.BitsPerWeight))
	choice, _ := b.table.Of(b.out.Models[0].plan)
	t := table{right: columns(2, 3)}
	t.row("tensors", "type", "bytes", "of the loss")
	for _, g := range b.table.Groups(choice) {
		t.row(clean(g.Text()), g.Type, count(g.Bytes), percent(g.Loss, float64(b.out.Loss)))
	}
	t.print(w)
	fmt.Fprintln(w)
	b.printModels(w)
	fmt.Fprintf(w, "\nthe same with llama-quantize:\n  llama-quantize %s%s %s OUT.gguf %s\n", b.matrixArgument(),
		strings.Join(quoted(b.out.Arguments), " "), clean(b.out.In), b.out.Base)
	if b.out.Out != "" {
		fmt.Fprintf(w, "\n%s is written\n", clean(b.out.Out))
	}
}

// matrixArgument is the option that gives llama-quantize the same matrix.
func (b *budgeting) matrixArgument() string {
	if b.weights.none() {
		return ""
	}
	return "--imatrix " + quoted([]string{clean(b.weights.path)})[0] + " "
}

// printModels is the table of what is held against each other.
func (b *budgeting) printModels(w io.Writer) {
	t := table{right: columns(1, 2, 3, 4, 5)}
	if !b.out.Calibrated {
		t.row("", "bytes", "bits a weight", "output error, summed")
	} else {
		t.row("", "bytes", "bits a weight", "KL predicted", "KL measured", "", "same top")
	}
	for _, m := range b.out.Models {
		loss := "-"
		if m.Loss != nil {
			loss = short(float64(*m.Loss))
		}
		row := []string{m.Name, count(m.Bytes), bitsText(m.BitsPerWeight), loss}
		if m.KL != nil {
			row = append(row, short(float64(*m.KL)), "± "+strconv.FormatFloat(float64(*m.KLError), 'g', 2, 64), strconv.FormatFloat(float64(100**m.SameTop), 'f', 2, 64)+"%")
		}
		t.row(row...)
	}
	t.print(w)
	if b.held != nil {
		fmt.Fprintf(w, "KL in nats a token from the model itself; predicted by the first half of the text, measured on %s of the second\n", plural(b.held.Scored, "token"))
	} else {
		fmt.Fprintln(w, "the squared error of each tensor relative to the tensor, summed; -text FILE measures what it does to predictions")
	}
}

func percent(part, all float64) string {
	if !(all > 0) || math.IsInf(all, 0) {
		return "-"
	}
	return strconv.FormatFloat(100*part/all, 'f', 1, 64) + "%"
}

// quoted are arguments as a shell takes them.
func quoted(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if out[i] = a; strings.ContainsAny(a, `\^$()|[]*?'" `) {
			out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return out
}
