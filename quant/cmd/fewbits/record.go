package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"path/filepath"
	"strings"
	"time"

	"fewbits/quant"
	"fewbits/quant/decision"
	runs "fewbits/quant/report"
)

// record is what becomes a report while a file is made; nil keeps nothing.
type record struct {
	runs.Report
	values *runs.ValueHash
	packed hash.Hash
	bytes  int64
	path   string   // of IN
	words  []string // of the command
}

// recorder is one where a report is asked for, by -report or by rerun.
func (c *call) recorder(q *quantized) *record {
	if c.flags["report"] == "" && c.kept == nil {
		return nil
	}
	r := &record{values: runs.NewValueHash(), packed: sha256.New(), path: q.In}
	r.Report = runs.Report{Report: runs.Mark, Version: runs.Version, Made: time.Now().UTC().Format(time.RFC3339), Engine: runs.ThisEngine("command")}
	return r
}

// reportable is wrong usage where a run cannot be reported.
func (c *call) reportable(q *quantized, p *packer) error {
	switch {
	case c.flags["report"] == "":
		return nil
	case q.method(p) || q.Container == "safetensors":
		return usagef("-report goes with one tensor (.bin, .json, .npy, .npz), or with a recipe or a type and a .gguf file")
	case !strings.HasSuffix(strings.ToLower(c.flags["report"]), ".json"):
		return usagef("-report names a .json file, and %q does not end so", c.flags["report"])
	}
	return checkOutput(c.flags["report"])
}

// add takes in a slice of a tensor.
func (r *record) add(s slice) {
	if r == nil {
		return
	}
	r.values.Add(s.tensor.Data)
	r.packed.Write(s.packed.Bytes)
	r.bytes += int64(len(s.packed.Bytes))
}

// file is one that was read, by its own name.
func file(path string, size int64) runs.File {
	return runs.File{Name: filepath.Base(path), Size: size}
}

// tensor completes a report of one tensor.
func (c *call) tensorReport(r *record, in *input, i int, p *packer, o quant.Options, q *quantized) {
	if r == nil {
		return
	}
	info, f := in.Tensors()[i], file(in.path, in.size)
	r.What = runs.OfTensor
	r.Input = &runs.Input{
		Name: info.Name, Type: info.Type, Shape: append([]int{}, info.Shape...), Values: info.Len(), SHA256: r.values.Sum(),
		Source: runs.Source{Kind: "file"}, File: &f,
	}
	run := runs.Run{
		Format: q.Format, Options: runs.Effective(p.format.Info(), o), Bytes: r.bytes, SHA256: hex.EncodeToString(r.packed.Sum(nil)),
		BitsPerWeight: float64(r.bytes) * 8 / float64(max(1, info.Len())),
		Metrics: &runs.Metrics{
			MSE: runs.Finite(float64(q.Metrics.MSE)), RMSE: runs.Finite(float64(q.Metrics.RMSE)), RelRMSE: runs.Finite(float64(q.Metrics.RelRMSE)),
			SQNR: runs.Finite(float64(q.Metrics.SQNR)), MaxAbs: runs.Finite(float64(q.Metrics.MaxAbs)), Cosine: runs.Finite(float64(q.Metrics.Cosine)),
		},
	}
	if p.weights != nil {
		run.Importance = &runs.Importance{Kind: "matrix", File: filepath.Base(c.flags["imatrix"]), SHA256: runs.HashValues(p.weights), Count: len(p.weights)}
	}
	if a := p.activations; a != nil {
		run.Activations = &runs.Activations{File: filepath.Base(c.flags["calib"]), Shape: a.Shape, SHA256: runs.HashValues(a.Data)}
	}
	tensor := ""
	if len(in.Tensors()) > 1 {
		tensor = info.Name
	}
	run.Command = run.Line(f.Name, tensor, filepath.Base(q.Out))
	r.Runs, r.Command = []runs.Run{run}, run.Command
}

// modelReport completes a report of a whole file; it reads IN and OUT to their ends.
func (c *call) modelReport(r *record, in *input, m *mixture, q *quantized) error {
	if r == nil {
		return nil
	}
	r.What = runs.OfModel
	for _, f := range in.files {
		if len(in.used) > 0 && !has(in.used, f.Name) {
			continue
		}
		sum, err := runs.HashReader(f.R, f.Size)
		if err != nil {
			return err
		}
		r.Files = append(r.Files, runs.File{Name: filepath.Base(f.Name), Size: f.Size, SHA256: sum})
	}
	out, err := hashed(q.Out)
	if err != nil {
		return err
	}
	types, err := c.types()
	if err != nil {
		return err
	}
	r.Model = &runs.ModelRun{
		Recipe: m.name, Pure: c.bools["pure"], LeaveOutput: m.options.LeaveOutput, Output: m.options.Output, Embedding: m.options.Embedding,
		Patterns: types, Made: &out, Size: out.Size, Bytes: q.Bytes, BitsPerWeight: float64(q.Bytes) * 8 / float64(max(1, q.Values)),
	}
	if path := c.flags["imatrix"]; path != "" {
		matrix, err := hashed(path)
		if err != nil {
			return err
		}
		matrix.Name = or(c.matrixName, path) // the file that is made has it
		r.Model.Matrix = &matrix
	}
	for _, t := range q.Tensors {
		x := runs.ModelTensor{Name: t.Name, Shape: t.Shape, From: t.From, To: t.To, Bytes: t.Bytes, Why: t.Why}
		if t.Metrics != nil {
			x.SQNR = runs.Finite(float64(t.Metrics.SQNR))
		}
		r.Model.Tensors = append(r.Model.Tensors, x)
	}
	r.Command = runs.Shell(modelWords(r.Model, filepath.Base(in.path), filepath.Base(q.Out)))
	return nil
}

// modelWords are the words of the command that makes a model so.
func modelWords(m *runs.ModelRun, in, out string) []string {
	words := []string{"fewbits", "quantize", in, "-to", m.Recipe}
	if m.Pure {
		words = append(words, "-pure")
	}
	if m.LeaveOutput {
		words = append(words, "-leave-output-tensor")
	}
	if m.Output != "" {
		words = append(words, "-output-tensor-type", m.Output)
	}
	if m.Embedding != "" {
		words = append(words, "-token-embedding-type", m.Embedding)
	}
	if m.Matrix != nil {
		words = append(words, "-imatrix", m.Matrix.Name)
	}
	for _, p := range m.Patterns {
		words = append(words, "-tensor-type", p)
	}
	return append(words, "-o", out)
}

// hashed is a file with its hash.
func hashed(path string) (runs.File, error) {
	f, size, err := openFile(path)
	if err != nil {
		return runs.File{}, err
	}
	defer f.Close()
	sum, err := runs.HashReader(f, size)
	return runs.File{Name: filepath.Base(path), Size: size, SHA256: sum}, named(path, err)
}

// report writes the report, or gives it to rerun.
func (c *call) report(r *record) error {
	switch {
	case r == nil:
		return nil
	case c.kept != nil:
		*c.kept = r.Report
		return nil
	}
	return create(c.ctx, c.flags["report"], func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(r.Report)
	})
}

// writeArrays writes an npz file of all that was decided.
func writeArrays(w io.Writer, p *packer, all *whole) error {
	d, err := decision.Of(p.format, all.packed, all.data, true)
	if err != nil {
		return err
	}
	return d.WriteNPZ(w)
}

// readReport reads a report, at most 64 MiB.
func readReport(path string) (*runs.Report, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return decodeReport(path, io.NewSectionReader(f, 0, min(size, 64<<20)))
}
