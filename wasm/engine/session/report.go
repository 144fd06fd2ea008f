//go:build !first

package session

import (
	"fmt"
	"math"
	"strings"

	"fewbits/quant"
	"fewbits/quant/report"
	"fewbits/wasm/wire"
)

// maxReportText is how long numbers that were pasted may be and stand in a report.
const maxReportText = 1 << 16

// reports writes down what was done.
func (s *Session) reports(op string, args []byte, a Attachment) (Reply, error) {
	if op == wire.OpHash {
		return call(args, func(v wire.HashArgs) (Reply, error) { return hashes(a.files(v.Name)) })
	}
	r := &s.last
	if r.packed == nil || r.part != nil {
		return Reply{}, fmt.Errorf("there is no exact result to report yet; wait for it")
	}
	run, err := s.ran()
	if err != nil {
		return Reply{}, err
	}
	in := s.input()
	run.Command = s.line(&run, in)
	out := report.Report{
		Report: report.Mark, Version: report.Version, What: report.OfTensor, Engine: report.ThisEngine("page"),
		Input: in, Runs: []report.Run{run},
	}
	return Reply{JSON: out}, nil
}

// hashes reads files to their ends.
func hashes(files []quant.File) (Reply, error) {
	list := []report.File{}
	for _, f := range files {
		sum, err := report.HashReader(f.R, f.Size)
		if err != nil {
			return Reply{}, fmt.Errorf("%s: %w", f.Name, err)
		}
		list = append(list, report.File{Name: f.Name, Size: f.Size, SHA256: sum})
	}
	return Reply{JSON: wire.Hashed{Engine: report.ThisEngine("page"), Files: list}}, nil
}

// input is the tensor and where it comes from.
func (s *Session) input() *report.Input {
	v, t := s.source, s.tensor
	in := &report.Input{Name: t.Name, Type: "F32", Shape: shape(t.Shape), Values: t.Len(), SHA256: report.HashValues(t.Data)}
	in.Source = report.Source{Kind: v.Kind}
	switch v.Kind {
	case "sample":
		in.Source.Name, in.Source.Rows, in.Source.Cols, in.Source.Seed = v.Name, t.Rows(), t.Cols(), v.Seed
	case "values":
		if len(v.Text) <= maxReportText {
			in.Source.Text = v.Text
		}
	case "file":
		in.Type = s.file.Tensors()[v.Index].Type
		in.File = &report.File{Name: s.fileName, Size: s.fileSize}
	}
	return in
}

// line is the command that does what a run did. What is in no file is first to
// be downloaded as one.
func (s *Session) line(r *report.Run, in *report.Input) string {
	if r.Stored {
		return ""
	}
	stem := fileName(in.Name)
	file, tensor := stem+".npy", ""
	if in.File != nil {
		file = in.File.Name
		if len(s.file.Tensors()) > 1 {
			tensor = in.Name
		}
	}
	return r.Line(file, tensor, stem+"-"+strings.ToLower(r.Format)+".bin")
}

// ran is the latest result. What it lost is measured anew: an analysis that is
// shown may be older.
func (s *Session) ran() (report.Run, error) {
	r := &s.last
	run := report.RunOf(r.format.Info(), r.packed)
	run.Stored = r.stored
	if g, ok := r.format.(guide); ok {
		run.Importance = &report.Importance{Kind: r.kind, SHA256: report.HashValues(g.weights), Count: len(g.weights)}
		if r.kind == wire.ImportanceMatrix {
			run.Importance.File = s.matrixName
		}
	}
	if r.stored {
		return run, nil
	}
	rec, err := s.reconstructed()
	if err != nil {
		return run, err
	}
	c := compare(r.tensor.Data, rec, r.packed)
	run.Metrics = report.MetricsOf(c.Report, c.nonFinite)
	m, err := r.format.Params(r.packed, false)
	if err != nil {
		return run, err
	}
	var diff []float32
	for i, y := range rec {
		diff = append(diff, y-r.tensor.Data[i])
	}
	if c.nonFinite == 0 {
		clip := min(1, clipped(m, r.packed.Options.Rounding, diff)/max(c.MSE*float64(c.Values), math.SmallestNonzeroFloat64))
		run.Metrics.Rounding, run.Metrics.Clipping = report.Finite(1-clip), report.Finite(clip)
	}
	return run, nil
}
