package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"fewbits/quant"
	"fewbits/quant/checkpoint"
	"fewbits/quant/huggingface"
	"fewbits/quant/metric"
)

// exportCommand writes a folder that other projects load.
func (c *call) exportCommand() error {
	q, t, err := c.exportArguments()
	if err != nil {
		return err
	}
	if err := checkFolder(q.Out); err != nil {
		return err
	}
	in, err := c.open(q.In)
	if err != nil {
		return err
	}
	defer in.Close()
	from, err := exportInput(in)
	if err != nil {
		return named(q.In, err)
	}
	for _, note := range from.Notes {
		c.note("%s: %s", q.In, note)
	}
	bar := c.progress()
	o := checkpoint.Options{Progress: func(name string, done, total int64) { bar.expect(total); bar.show(name, done) }}
	if o.Shard, err = c.shardSize(); err != nil {
		return err
	}
	if c.flags["calib"] != "" {
		if err := c.decide(in, &t, &o, bar, q); err != nil {
			bar.clear()
			return named(q.In, err)
		}
	}
	var r *checkpoint.Result
	err = createFolder(c.ctx, q.Out, func(dir string) error {
		o.Create = func(name string) (checkpoint.File, error) {
			return os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		}
		r, err = checkpoint.Export(c.ctx, *from, t, o)
		return err
	})
	bar.clear()
	if err != nil {
		return named(q.In, err)
	}
	q.addExport(r)
	if t.Method != nil && q.Calibrated == nil {
		c.note("without -calib %s only rounds to its grids", q.Format)
	}
	q.Loading = checkpoint.Loading(t.As, q.Out)
	if c.json {
		return c.printJSON(q)
	}
	q.print(c.out, in)
	fmt.Fprintf(c.out, "\nto load it:\n\n%s", q.Loading)
	return nil
}

// exportArguments are what is asked for, before any file is looked at.
func (c *call) exportArguments() (*quantized, checkpoint.Target, error) {
	var t checkpoint.Target
	path, err := c.one()
	if err != nil {
		return nil, t, err
	}
	to, err := c.need("to")
	if err != nil {
		return nil, t, err
	}
	out, err := c.need("o")
	if err != nil {
		return nil, t, err
	}
	for _, flag := range []string{"imatrix", "tensor", "store", "output-tensor-type", "token-embedding-type", "tensor-type-file"} {
		if c.flags[flag] != "" {
			return nil, t, usagef("-%s does not go with -as", flag)
		}
	}
	for flag, on := range c.bools {
		if on && flag != "parallel" {
			return nil, t, usagef("-%s does not go with -as", flag)
		}
	}
	if len(c.lists["tensor-type"]) > 0 {
		return nil, t, usagef("-tensor-type does not go with -as")
	}
	if t, err = checkpoint.Lookup(c.flags["as"], to); err != nil {
		return nil, t, usageError{strings.TrimPrefix(err.Error(), "checkpoint: ")}
	}
	options := t.Options
	switch {
	case c.flags["calib"] != "" && t.Method == nil:
		return nil, t, usagef("-calib goes with -to gptq and -to awq here, and not with %s as %s", to, t.As)
	case strings.HasSuffix(strings.ToLower(c.flags["calib"]), ".npy"):
		return nil, t, usagef("a model is calibrated on a text, and %q holds the activations of one tensor; give -calib TEXT", c.flags["calib"])
	case c.flags["calib"] != "":
		options = append(append([]string{}, options...), t.Method...)
	case c.flags["ctx"] != "" || c.flags["chunks"] != "" || c.bools["parallel"]:
		return nil, t, usagef("-ctx, -chunks and -parallel go with -calib")
	}
	if err := c.exportOptions(&t, options); err != nil {
		return nil, t, err
	}
	used := t.Used()
	return &quantized{In: path, Out: out, Container: "folder", Format: strings.ToUpper(to), Layout: t.As, Options: used.Map()}, t, nil
}

// exportOptions takes the options given into the target's scheme.
func (c *call) exportOptions(t *checkpoint.Target, options []string) error {
	var o quant.Options
	for _, kv := range c.options {
		if !has(options, kv[0]) {
			return usagef("%s as %s has no option %q; it has %s", c.flags["to"], t.As, kv[0], or(strings.Join(options, ", "), "none"))
		}
		if err := o.Set(kv[0], kv[1]); err != nil {
			return usageError{err.Error()}
		}
	}
	given := func(name string) bool {
		for _, kv := range c.options {
			if kv[0] == name {
				return true
			}
		}
		return false
	}
	if err := t.Set(o, given); err != nil {
		return usageError{strings.TrimPrefix(err.Error(), "checkpoint: ")}
	}
	return nil
}

// shardSize is -shard in bytes, with K, M or G behind it.
func (c *call) shardSize() (int64, error) {
	v := c.flags["shard"]
	if v == "" {
		return 0, nil
	}
	n, err := sizeOf(v)
	if err != nil || n < 1 {
		return 0, usagef("-shard is the bytes of a file of weights, as 5GB or 500MB, and %q is not", v)
	}
	return n, nil
}

// exportInput is the model under the names that transformers gives it.
func exportInput(in *input) (*checkpoint.Input, error) {
	if m, ok := in.Source.(*huggingface.Model); ok {
		return &checkpoint.Input{Weights: m.Weights(), Files: in.all}, nil
	}
	if in.Container() == "gguf" {
		return checkpoint.FromGGUF(in.Source, filepath.Base(in.path))
	}
	return &checkpoint.Input{Weights: in.Source, Files: in.all}, nil
}

// addExport takes the outcome into q.
func (q *quantized) addExport(r *checkpoint.Result) {
	var total metric.Sums
	for _, w := range r.Tensors {
		n, _ := quant.Count(w.Shape)
		q.Values += int64(n)
		q.Bytes += w.Bytes
		t := quantizedTensor{Name: w.Name, Shape: append([]int{}, w.Shape...), From: w.From, To: w.To, Bytes: w.Bytes, Why: w.Why}
		if w.Sums != nil {
			one := reportOf(*w.Sums, q.Format, w.Name)
			t.Metrics = &one
			total.Merge(*w.Sums)
		}
		q.Tensors = append(q.Tensors, t)
	}
	q.Files, q.FileBytes = r.Files, 0
	for _, name := range r.Files {
		if st, err := os.Stat(filepath.Join(q.Out, name)); err == nil {
			q.FileBytes += st.Size()
		}
	}
	q.BitsPerWeight = float64(q.Bytes) * 8 / float64(max(1, q.Values))
	q.Metrics = reportOf(total, q.Format, "")
}

// checkFolder fails where path cannot become a new folder.
func checkFolder(path string) error {
	parent := filepath.Dir(filepath.Clean(path))
	if st, err := os.Stat(parent); err != nil || !st.IsDir() {
		return fmt.Errorf("%s: there is no folder %s; make it first", path, parent)
	}
	list, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s is no folder, and -as writes one; name another", path)
	case len(list) > 0:
		return fmt.Errorf("%s is a folder with files in it, and they are not replaced; name another", path)
	}
	return nil
}

// createFolder writes a folder whole or not at all: write fills one beside it,
// which takes its name at the end.
func createFolder(ctx context.Context, path string, write func(dir string) error) error {
	path = filepath.Clean(path)
	tmp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".fewbits-%08x", rand.Uint32()))
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return fault(path, err)
	}
	defer os.RemoveAll(tmp) // it is gone once it was renamed
	if err := write(tmp); err != nil {
		var p *fs.PathError
		if errors.As(err, &p) && strings.HasPrefix(p.Path, tmp) {
			return fault(filepath.Join(path, filepath.Base(p.Path)), p.Err)
		}
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty one
		return fault(path, err)
	}
	return os.Rename(tmp, path)
}
