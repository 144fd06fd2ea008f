package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"fewbits/quant"
	"fewbits/quant/npy"
	runs "fewbits/quant/report"
	"fewbits/quant/sample"
)

// decodeReport fails on what is no report, or one of a later kind.
func decodeReport(path string, r io.Reader) (*runs.Report, error) {
	var x runs.Report
	err := json.NewDecoder(r).Decode(&x)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is no report: %w", path, err)
	case x.Report != runs.Mark:
		return nil, fmt.Errorf("%s is JSON, but no report of a run; the page's Report and -report write such", path)
	case x.Version > runs.Version:
		return nil, fmt.Errorf("%s is a report of version %d, and this program reads version %d; get a newer one", path, x.Version, runs.Version)
	case x.What == runs.OfTensor && x.Input != nil && len(x.Runs) > 0:
		n, err := quant.Count(x.Input.Shape)
		if err != nil || n != x.Input.Values {
			return nil, fmt.Errorf("%s: the input's shape %v does not hold %d values", path, x.Input.Shape, x.Input.Values)
		}
	case x.What == runs.OfModel && x.Model != nil && len(x.Files) > 0:
	default:
		return nil, fmt.Errorf("%s says neither what became of a tensor nor of a model", path)
	}
	return &x, nil
}

// sameness is one thing that a report and its repetition say.
type sameness struct {
	What string `json:"what"`
	Then string `json:"then"`
	Now  string `json:"now"`
	Same bool   `json:"same"`
}

// repeated is what rerun -json prints.
type repeated struct {
	Report string     `json:"report"`
	Same   bool       `json:"same"` // input and bytes
	Checks []sameness `json:"checks"`
}

// rerunCommand does a run again and compares.
func rerunCommand(c *call) error {
	if len(c.files) < 1 || len(c.files) > 2 {
		return usagef("one report is wanted, and the file that it was made from where that lies elsewhere")
	}
	if len(c.options) > 0 {
		return usagef("options are those of the report")
	}
	old, err := readReport(c.files[0])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fewbits-rerun-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	a := &repeated{Report: c.files[0]}
	if old.What == runs.OfModel {
		err = c.rerunModel(old, dir, a)
	} else {
		err = c.rerunTensor(old, dir, a)
	}
	if err != nil {
		return err
	}
	a.Same = !slices.ContainsFunc(a.Checks, func(k sameness) bool { return !k.Same })
	if c.json {
		err = c.printJSON(a)
	} else {
		a.print(c.out)
	}
	if err == nil && !a.Same {
		err = fmt.Errorf("%s: this run is not the same as that of the report", c.files[0])
	}
	return err
}

func (a *repeated) print(w io.Writer) {
	t := table{}
	for _, k := range a.Checks {
		if k.Same {
			t.row(clean(k.What), "the same", clean(k.Now))
		} else {
			t.row(clean(k.What), "not the same", "then "+clean(k.Then)+", now "+clean(k.Now))
		}
	}
	t.print(w)
}

func (a *repeated) hash(what, then, now string) {
	a.Checks = append(a.Checks, sameness{what, then, now, then == now})
}

// found is where a file of the report lies: at path, if that is given, beside
// the report, or here.
func (c *call) found(path, name string) (string, error) {
	if path != "" {
		return path, nil
	}
	base := filepath.Base(filepath.FromSlash(name))
	for _, p := range []string{filepath.Join(filepath.Dir(c.files[0]), base), base} {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s was made with %q, which is neither beside it nor here; name where it is", c.files[0], name)
}

// quantizes runs quantize and gives its report.
func (c *call) quantizes(words []string, matrixName string) (*runs.Report, error) {
	q, err := parse(&command{name: "quantize", flags: quantizeFlags, bools: quantizeBools}, words)
	if err != nil {
		return nil, err
	}
	var kept runs.Report
	q.ctx, q.out, q.err, q.kept, q.matrixName = c.ctx, io.Discard, c.err, &kept, matrixName
	if err := quantizeCommand(q); err != nil {
		return nil, err
	}
	return &kept, nil
}

func (c *call) rerunTensor(old *runs.Report, dir string, a *repeated) error {
	path, tensor, err := c.rerunInput(old.Input, dir)
	if err != nil {
		return err
	}
	for i := range old.Runs {
		r := &old.Runs[i]
		if r.Stored {
			c.note("%s as its file has it: nothing was quantized, and nothing is again", r.Format)
			continue
		}
		words, err := c.rerunWords(old.Input, r, path, tensor, dir)
		if err != nil {
			return err
		}
		out := filepath.Join(dir, "out.bin")
		if i == 0 && c.flags["o"] != "" {
			out = c.flags["o"]
		}
		now, err := c.quantizes(append([]string{"-o", out}, words...), "")
		if err != nil {
			return err
		}
		a.tensor(old, now, i)
	}
	if len(a.Checks) == 0 {
		return fmt.Errorf("%s: there is nothing in it to do again", c.files[0])
	}
	return nil
}

// tensor compares run i of a report with the only one of another.
func (a *repeated) tensor(old, now *runs.Report, i int) {
	then, r := &old.Runs[i], &now.Runs[0]
	if i == 0 {
		a.hash("input, SHA-256", old.Input.SHA256, now.Input.SHA256)
	}
	if then.Importance != nil && r.Importance != nil {
		a.hash(then.Format+" importance, SHA-256", then.Importance.SHA256, r.Importance.SHA256)
	}
	if then.Activations != nil && r.Activations != nil {
		a.hash(then.Format+" activations, SHA-256", then.Activations.SHA256, r.Activations.SHA256)
	}
	a.hash(then.Format+" bytes", strconv.FormatInt(then.Bytes, 10), strconv.FormatInt(r.Bytes, 10))
	a.hash(then.Format+" bytes, SHA-256", then.SHA256, r.SHA256)
}

// rerunInput is the file that holds the input, and the name of the tensor in it.
func (c *call) rerunInput(in *runs.Input, dir string) (path, tensor string, err error) {
	given := ""
	if len(c.files) == 2 {
		given = c.files[1]
	}
	switch {
	case given == "" && in.Source.Kind == "sample":
		t, err := sample.Make(in.Source.Name, in.Source.Rows, in.Source.Cols, in.Source.Seed)
		if err != nil {
			return "", "", err
		}
		return c.write(dir, t)
	case given == "" && in.Source.Kind == "values":
		t, err := pasted(in)
		if err != nil {
			return "", "", err
		}
		return c.write(dir, t)
	case in.File != nil:
		given, err = c.found(given, in.File.Name)
	}
	if err != nil {
		return "", "", err
	}
	// An npy file has one tensor and no name for it.
	src, err := open(given)
	if err != nil {
		return "", "", err
	}
	defer src.Close()
	if len(src.Tensors()) > 1 {
		tensor = in.Name
	}
	return given, tensor, nil
}

func (c *call) write(dir string, t quant.Tensor) (path, tensor string, err error) {
	path = filepath.Join(dir, "in.npy")
	return path, "", create(c.ctx, path, func(w io.Writer) error { return npy.Write(w, t) })
}

// pasted are the numbers that a report holds itself.
func pasted(in *runs.Input) (quant.Tensor, error) {
	t := quant.Tensor{Name: in.Name, Shape: in.Shape}
	if in.Source.Text == "" {
		return t, fmt.Errorf("the report does not hold its %d values; give them as an .npy file behind it", in.Values)
	}
	for _, w := range strings.FieldsFunc(in.Source.Text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;[](){}", r) }) {
		v, err := strconv.ParseFloat(strings.Replace(w, "−", "-", 1), 32)
		if err != nil && v-v == 0 {
			return t, fmt.Errorf("the report's text holds %q, which is no number", w)
		}
		t.Data = append(t.Data, float32(v))
	}
	if len(t.Data) != in.Values {
		return t, fmt.Errorf("the report's text holds %d numbers, and its input has %d", len(t.Data), in.Values)
	}
	return t, nil
}

// rerunWords are what quantize takes for a run, but for -o.
func (c *call) rerunWords(in *runs.Input, r *runs.Run, path, tensor, dir string) ([]string, error) {
	words := []string{}
	if tensor != "" {
		words = append(words, "-tensor", tensor)
	}
	words = append(words, "-to", r.Format)
	switch m := r.Importance; {
	case m == nil:
	case m.Kind == "alike":
		t := quant.Tensor{Shape: []int{quant.Cols(in.Shape)}, Data: slices.Repeat([]float32{1}, quant.Cols(in.Shape))}
		file := filepath.Join(dir, "alike.npy")
		if err := create(c.ctx, file, func(w io.Writer) error { return npy.Write(w, t) }); err != nil {
			return nil, err
		}
		words = append(words, "-imatrix", file)
	default:
		file, err := c.found(c.flags["imatrix"], m.File)
		if err != nil {
			return nil, fmt.Errorf("%w with -imatrix", err)
		}
		words = append(words, "-imatrix", file)
	}
	if r.Activations != nil {
		file, err := c.found(c.flags["calib"], r.Activations.File)
		if err != nil {
			return nil, fmt.Errorf("%w with -calib", err)
		}
		words = append(words, "-calib", file)
	}
	return append(append(words, r.Given()...), "--", path), nil
}

func (c *call) rerunModel(old *runs.Report, dir string, a *repeated) error {
	given := ""
	if len(c.files) == 2 {
		given = c.files[1]
	}
	path, err := c.found(given, old.Files[0].Name)
	if err != nil {
		return err
	}
	m := *old.Model
	m.Patterns = slices.Clone(m.Patterns)
	for _, name := range slices.Sorted(maps.Keys(m.Types)) {
		m.Patterns = append(m.Patterns, "^"+regexp.QuoteMeta(name)+"$="+m.Types[name])
	}
	name := ""
	if m.Matrix != nil {
		file := *m.Matrix
		name = file.Name
		if file.Name, err = c.found(c.flags["imatrix"], name); err != nil {
			return fmt.Errorf("%w with -imatrix", err)
		}
		m.Matrix = &file
	}
	out := filepath.Join(dir, "out.gguf")
	if c.flags["o"] != "" {
		out = c.flags["o"]
	}
	now, err := c.quantizes(modelWords(&m, path, out)[2:], name)
	if err != nil {
		return err
	}
	a.model(old, now)
	return nil
}

// model compares two models.
func (a *repeated) model(old, now *runs.Report) {
	for i, f := range old.Files {
		if f.SHA256 == "" { // it was too far away to be read whole
			continue
		}
		sum := "missing"
		if i < len(now.Files) {
			sum = now.Files[i].SHA256
		}
		a.hash(f.Name+", SHA-256", f.SHA256, sum)
	}
	then, m := old.Model, now.Model
	if then.Matrix != nil && m.Matrix != nil && then.Matrix.SHA256 != "" {
		a.hash("importance matrix, SHA-256", then.Matrix.SHA256, m.Matrix.SHA256)
	}
	a.hash("bytes", strconv.FormatInt(then.Size, 10), strconv.FormatInt(m.Size, 10))
	for i, t := range then.Tensors {
		if i < len(m.Tensors) && (t.Name != m.Tensors[i].Name || t.To != m.Tensors[i].To) {
			a.hash("tensor "+t.Name, t.To, m.Tensors[i].To)
		}
	}
	if then.Made != nil && then.Made.SHA256 != "" {
		a.hash("file made, SHA-256", then.Made.SHA256, m.Made.SHA256)
	}
}
