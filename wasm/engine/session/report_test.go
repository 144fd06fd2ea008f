package session

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/npy"
	"fewbits/quant/report"
	"fewbits/wasm/wire"
)

// exportOf is what a download of the latest result holds.
func exportOf(s *Session, as string) (string, []byte, error) {
	r, err := s.Call(wire.OpExport, []byte(`{"as":"`+as+`"}`), Attachment{})
	if err != nil {
		return "", nil, err
	}
	return r.JSON.(wire.Export).Name, r.Arrays["bytes"].([]byte), nil
}

func TestExportArrays(t *testing.T) {
	const rows, cols = 4, 256
	x := bell(rows * cols)
	s := loaded(t, []int{rows, cols}, x)
	for _, c := range []struct {
		format string
		has    string // of codes scales zeros mins
	}{
		{"INT4", "codes scales zeros"}, {"Q4_K", "codes scales mins"}, {"Q6_K", "codes scales zeros"}, {"NF4", "codes scales"}, {"FP16", "codes"}, {"IQ4_XS", "codes scales"},
	} {
		mustAnalyze(t, s, wire.AnalyzeArgs{Format: c.format})
		name, all, err := exportOf(s, "np-all")
		if err != nil || name != "w-"+strings.ToLower(c.format)+".npz" {
			t.Fatal(name, err)
		}
		z, err := zip.NewReader(bytes.NewReader(all), int64(len(all)))
		if err != nil {
			t.Fatal(err)
		}
		var has []string
		for _, f := range z.File {
			name, ok := strings.CutSuffix(f.Name, ".npy")
			if !ok {
				continue
			}
			has = append(has, name)
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if name == "group_index" || name == "reconstruction" {
				continue
			}
			got, one, err := exportOf(s, "np-"+name)
			if err != nil || !bytes.Equal(one, body) || got != "w-"+strings.ToLower(c.format)+"-"+name+".npy" {
				t.Errorf("%s: %s alone is %s, %v", c.format, name, got, err)
			}
			if name == "zeros" || name == "mins" {
				if _, one, err = exportOf(s, "np-offsets"); err != nil || !bytes.Equal(one, body) {
					t.Errorf("%s: %v", c.format, err)
				}
			}
		}
		for _, name := range []string{"codes", "scales", "zeros", "mins"} {
			if slices.Contains(has, name) == strings.Contains(c.has, name) {
				continue
			}
			t.Errorf("%s has %v", c.format, has)
		}
		if !slices.Contains(has, "error") || !slices.Contains(has, "reconstruction") {
			t.Errorf("%s has %v", c.format, has)
		}
		for _, name := range []string{"scales", "zeros", "mins"} {
			if _, _, err := exportOf(s, "np-"+name); (err == nil) != slices.Contains(has, name) {
				t.Errorf("%s, %s: %v", c.format, name, err)
			}
		}
	}
	for _, as := range []string{"np-", "np-x", "nq-all"} {
		if _, _, err := exportOf(s, as); err == nil {
			t.Errorf("%s is downloaded", as)
		}
	}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4", Sample: cols})
	if _, _, err := exportOf(s, "np-all"); err == nil || !strings.Contains(err.Error(), "no exact result") {
		t.Errorf("of a sample: %v", err)
	}
}

// reportOf is the report of the latest result.
func reportOf(t *testing.T, s *Session) report.Report {
	t.Helper()
	var r report.Report
	if err := request(s, wire.OpReport, struct{}{}, Attachment{}, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 1 || r.Report != report.Mark || r.What != report.OfTensor {
		t.Fatalf("%+v", r)
	}
	return r
}

func TestReport(t *testing.T) {
	const rows, cols = 4, 256
	x := bell(rows * cols)
	s := loaded(t, []int{rows, cols}, x)
	if err := request(s, wire.OpReport, struct{}{}, Attachment{}, new(report.Report)); err == nil {
		t.Error("a report of nothing")
	}
	options := map[string]string{"group": "32", "scale": "f16"}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4", Options: options})
	p, _ := plain(t, "INT4", options, []int{rows, cols}, x)
	r := reportOf(t, s)
	run := r.Runs[0]
	if r.Input.SHA256 != report.HashValues(x) || run.SHA256 != report.HashBytes(p.Bytes) || run.Bytes != int64(len(p.Bytes)) || run.Metrics == nil || *run.Metrics.SQNR < 10 {
		t.Errorf("%+v, %+v", r.Input, run)
	}
	if run.Options["group"] != "32" || run.Options["scale"] != "f16" || run.Options["sym"] != "false" || *run.Metrics.Rounding+*run.Metrics.Clipping != 1 {
		t.Errorf("%+v", run)
	}
	if !strings.HasPrefix(run.Command, "fewbits quantize w.npy -to INT4 ") || !strings.HasSuffix(run.Command, " -o w-int4.bin") {
		t.Error(run.Command)
	}

	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "IQ2_XS", Importance: wire.ImportanceAlike})
	ones := slices.Repeat([]float32{1}, cols)
	if m := reportOf(t, s).Runs[0].Importance; m == nil || m.Kind != "alike" || m.SHA256 != report.HashValues(ones) || m.File != "" {
		t.Errorf("%+v", m)
	}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4", Sample: cols})
	if err := request(s, wire.OpReport, struct{}{}, Attachment{}, new(report.Report)); err == nil || !strings.Contains(err.Error(), "no exact result") {
		t.Errorf("of a sample: %v", err)
	}

	var st wire.TensorStats
	if err := request(s, wire.OpLoad, wire.Source{Kind: "sample", Name: "outliers", Rows: 8, Cols: 64, Seed: 3}, Attachment{}, &st); err != nil {
		t.Fatal(err)
	}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "NF4"})
	if src := reportOf(t, s).Input.Source; src != (report.Source{Kind: "sample", Name: "outliers", Rows: 8, Cols: 64, Seed: 3}) {
		t.Errorf("%+v", src)
	}
}

// TestReportOfFile wants the file named, the matrix hashed, and blocks as they
// are said to be so.
func TestReportOfFile(t *testing.T) {
	model, m := twoLayers(t)
	var s Session
	var info wire.FileInfo
	if err := request(&s, wire.OpOpen, wire.OpenArgs{Name: "two.gguf"}, Attachment{File: bytes.NewReader(model), Size: int64(len(model))}, &info); err != nil {
		t.Fatal(err)
	}
	if _, err := give(&s, "m.dat", inForm(t, m, "m.dat")); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(info.Tensors, func(r wire.TensorRow) bool { return strings.HasSuffix(r.Name, "ffn_up_exps.weight") })
	var st wire.TensorStats
	if err := request(&s, wire.OpLoad, wire.Source{Kind: "file", Name: info.Tensors[i].Name, Index: i}, Attachment{}, &st); err != nil {
		t.Fatal(err)
	}
	mustAnalyze(t, &s, wire.AnalyzeArgs{Format: "Q3_K", Importance: wire.ImportanceMatrix})
	r := reportOf(t, &s)
	want := m.Weights[st.Name]
	if f := r.Input.File; f == nil || f.Name != "two.gguf" || f.Size != int64(len(model)) || r.Input.Name != st.Name {
		t.Errorf("%+v", r.Input)
	}
	if w := r.Runs[0].Importance; w == nil || w.Kind != "matrix" || w.File != "m.dat" || w.Count != len(want) {
		t.Errorf("%+v", w)
	}
	if !strings.HasPrefix(r.Runs[0].Command, "fewbits quantize two.gguf -tensor "+st.Name+" -to Q3_K -imatrix m.dat") {
		t.Error(r.Runs[0].Command)
	}
	_, b, err := exportOf(&s, "np-importance")
	if err != nil {
		t.Fatal(err)
	}
	f, err := npy.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := quant.ReadTensor(f, 0); err != nil || len(got.Data) != len(want) {
		t.Errorf("%d weights, %v", len(got.Data), err)
	}
}

func TestHash(t *testing.T) {
	b := bytes.Repeat([]byte{1, 2, 3}, 1000)
	var out struct {
		Engine report.Engine `json:"engine"`
		Files  []report.File `json:"files"`
	}
	if err := request(&Session{}, wire.OpHash, wire.HashArgs{Name: "a.bin"}, Attachment{File: bytes.NewReader(b), Size: int64(len(b))}, &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Files) != 1 || out.Files[0] != (report.File{Name: "a.bin", Size: 3000, SHA256: report.HashBytes(b)}) {
		t.Errorf("%+v", out)
	}
	if err := request(&Session{}, wire.OpHash, wire.HashArgs{}, Attachment{}, &out); err != nil || len(out.Files) != 0 || out.Engine.Version != report.EngineVersion {
		t.Errorf("of nothing: %+v, %v", out, err)
	}
	if err := request(&Session{}, wire.OpHash, wire.HashArgs{Name: "a.bin"}, Attachment{File: bytes.NewReader(b), Size: 4000}, &out); err == nil {
		t.Error("a file that ends early is hashed")
	}
}
