//go:build !first

package session

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/checkpoint"
	"fewbits/quant/container"
	"fewbits/wasm/wire"
)

// archived has a checkpoint written, and is the archive with what came of it.
func archived(t *testing.T, s *Session, a wire.CheckpointArgs, files ...quant.File) ([]byte, wire.CheckpointPlan, wire.CheckpointStep) {
	t.Helper()
	plan := ask[wire.CheckpointPlan](t, s, wire.OpCheckpointOpen, a, Attachment{Files: files})
	out := make([]byte, plan.Size)
	for {
		r, err := s.Call(wire.OpCheckpoint, nil, Attachment{})
		if err != nil {
			t.Fatal(err)
		}
		step := r.JSON.(wire.CheckpointStep)
		if step.Through {
			if len(r.Arrays) > 0 {
				t.Error("the last step has bytes")
			}
			return out, plan, step
		}
		copy(out[step.At:], r.Arrays["bytes"].([]byte))
	}
}

// unzipped are the files of an archive, with another reader than ours.
func unzipped(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(rc); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	return files
}

// inMemory is a file that is written to memory.
type inMemory struct{ b *[]byte }

func (m inMemory) WriteAt(p []byte, off int64) (int, error) {
	if n := int(off) + len(p); n > len(*m.b) {
		*m.b = append(*m.b, make([]byte, n-len(*m.b))...)
	}
	return copy((*m.b)[off:], p), nil
}

func (m inMemory) Close() error { return nil }

// smallModel is the smaller demo model.
func smallModel(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../../../web/samples/tale-small.gguf")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCheckpoint holds the files of an archive against those that the core
// writes to a folder, and reads them back.
func TestCheckpoint(t *testing.T) {
	file := smallModel(t)
	for _, c := range []struct {
		as, format string
		options    map[string]string
		says       string
	}{
		{"gptq", "INT4", map[string]string{"group": "32"}, "GPTQ 4-bit g32"},
		{"awq", "AWQ", map[string]string{"group": "64"}, "AWQ 4-bit g64"},
		{"bitsandbytes", "NF4", map[string]string{"nested": "true"}, "NF4"},
		{"compressed-tensors", "FP8_E4M3", nil, "FP8"},
		{"mlx", "INT3", nil, "MLX 3-bit g64"},
		{"hqq", "HQQ", nil, "HQQ 4-bit g64"},
	} {
		t.Run(c.as+" "+c.format, func(t *testing.T) {
			b, plan, end := archived(t, &Session{}, wire.CheckpointArgs{Name: "tale-small.gguf", Folder: "tale", As: c.as, Format: c.format, Options: c.options}, fileOf("", file))
			target, err := checkpointTarget(wire.CheckpointArgs{As: c.as, Format: c.format, Options: c.options})
			if err != nil {
				t.Fatal(err)
			}
			in, err := exportInput([]quant.File{fileOf("x.gguf", file)}, "x.gguf")
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]*[]byte{}
			r, err := checkpoint.Export(t.Context(), *in, target, checkpoint.Options{Create: func(name string) (checkpoint.File, error) {
				want[name] = new([]byte)
				return inMemory{want[name]}, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			got := unzipped(t, b)
			if len(got) != len(want) || len(plan.Files) != len(want) {
				t.Errorf("%d files, %d planned, want %d", len(got), len(plan.Files), len(want))
			}
			for name, bytesOf := range want {
				if !bytes.Equal(got["tale/"+name], *bytesOf) {
					t.Errorf("%s is not what the core writes", name)
				}
			}
			if !strings.Contains(end.As, c.says) || end.Quantized == 0 || end.Bytes != r.Bytes || !(end.Lost.ErrSq > 0) || !strings.Contains(plan.Load, "tale") {
				t.Errorf("%+v, want %s", end, c.says)
			}
			reopened(t, b, end)
		})
	}
}

// reopened wants the archive to open as the model that it is.
func reopened(t *testing.T, b []byte, end wire.CheckpointStep) {
	t.Helper()
	m, err := container.Files([]quant.File{{Name: "tale.zip", R: bytes.NewReader(b), Size: int64(len(b))}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Container() != "huggingface" {
		t.Errorf("it opens as %s: %v", m.Container(), m.Notes)
	}
	stored := 0
	for _, info := range m.Tensors() {
		if info.Stored != "" {
			stored++
		}
	}
	if stored != end.Quantized {
		t.Errorf("%d matrices are quantized, want %d", stored, end.Quantized)
	}
}

// TestCheckpointDecided wants what GPTQ decided in an archive, and not what
// rounding gives.
func TestCheckpointDecided(t *testing.T) {
	s, _, file := flowOf(t, "", 1024)
	args := wire.CheckpointArgs{Name: "tale-small.gguf", Folder: "tale", As: "gptq_v2", Format: "GPTQ", Decided: true}
	if _, err := s.checkpointOpen(args, Attachment{}); err == nil || !strings.Contains(err.Error(), "run it again") {
		t.Errorf("before any method has run: %v", err)
	}
	job(t, s, wire.FlowRunArgs{Kind: wire.FlowMethod, Format: "gptq", Options: map[string]string{"bits": "4", "group": "32"}})
	b, _, end := archived(t, s, args)
	rounded, _, other := archived(t, &Session{}, wire.CheckpointArgs{Name: "tale-small.gguf", Folder: "tale", As: "gptq_v2", Format: "GPTQ",
		Options: map[string]string{"bits": "4", "group": "32", "sym": "false"}}, fileOf("", file))
	if end.As != other.As || len(b) != len(rounded) || bytes.Equal(b, rounded) {
		t.Errorf("%s in %d bytes, rounded %s in %d", end.As, len(b), other.As, len(rounded))
	}
	if d, r := end.Lost.ErrSq, other.Lost.ErrSq; !(d > r && d < 4*r) {
		t.Errorf("the weights lost %g, and %g with rounding", d, r)
	}
	args.As, args.Format = "awq", "AWQ"
	if _, err := s.checkpointOpen(args, Attachment{}); err == nil || !strings.Contains(err.Error(), "no place") {
		t.Errorf("GPTQ's codes as AWQ's: %v", err)
	}
}

// TestCheckpointLeft wants one that is left to end, and wrong requests to be
// refused.
func TestCheckpointLeft(t *testing.T) {
	s, file := &Session{}, smallModel(t)
	if _, err := s.Call(wire.OpCheckpoint, nil, Attachment{}); err == nil {
		t.Error("there is nothing to go on with, and it goes on")
	}
	args := wire.CheckpointArgs{Name: "a.gguf", Folder: "a", As: "mlx", Format: "INT4"}
	ask[wire.CheckpointPlan](t, s, wire.OpCheckpointOpen, args, Attachment{Files: []quant.File{fileOf("", file)}})
	if _, err := s.Call(wire.OpCheckpoint, nil, Attachment{}); err != nil {
		t.Fatal(err)
	}
	b, plan, _ := archived(t, s, args, fileOf("", file))
	if len(unzipped(t, b)) != len(plan.Files) {
		t.Error("a second one is not whole")
	}
	for want, a := range map[string]wire.CheckpointArgs{
		"no layout":      {As: "exl2", Format: "INT4"},
		"no place for":   {As: "awq", Format: "INT8"},
		"divide":         {As: "awq", Format: "INT4", Options: map[string]string{"group": "48"}},
		"option group":   {As: "awq", Format: "INT4", Options: map[string]string{"group": "0x"}},
		"no option":      {As: "awq", Format: "INT4", Options: map[string]string{"colour": "3"}},
		"2, 3, 4 and 8 ": {As: "gptq", Format: "GPTQ", Options: map[string]string{"bits": "5"}},
	} {
		a.Name, a.Folder = "a.gguf", "a"
		if _, err := s.checkpointOpen(a, Attachment{Files: []quant.File{fileOf("", file)}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", a, err, want)
		}
	}
}

// TestCheckpointStored looks at matrices of a checkpoint as they are stored:
// queries, whose rows the folder has in another order, and down, whole and as a
// sample.
func TestCheckpointStored(t *testing.T) {
	b, _, _ := archived(t, &Session{}, wire.CheckpointArgs{Name: "tale-small.gguf", Folder: "tale", As: "gptq", Format: "INT4", Options: map[string]string{"group": "32", "sym": "false"}}, fileOf("", smallModel(t)))
	s := &Session{}
	info := ask[wire.FileInfo](t, s, wire.OpOpen, wire.OpenArgs{Name: "tale.zip"}, Attachment{Files: []quant.File{fileOf("tale.zip", b)}})
	if in := ask[wire.Inside](t, s, wire.OpInside, struct{}{}, Attachment{}); len(in.Tensors) != 7 || in.Tensors[0].Type != "GPTQ 4-bit g32" || in.Tensors[0].Bits != 4 {
		t.Errorf("%+v", in)
	}
	for i, row := range info.Tensors {
		if row.Stored == "" {
			continue
		}
		stats := ask[wire.TensorStats](t, s, wire.OpLoad, wire.Source{Kind: "file", Name: row.Name, Index: i}, Attachment{})
		if stats.Type != "GPTQ 4-bit g32" || stats.Inside == nil || stats.Inside.Group != 32 || stats.Inside.Cost != 8*float64(row.StoredBytes)/float64(row.Values) {
			t.Fatalf("%s: %+v", row.Name, stats)
		}
		for _, sample := range []int{0, 2000} {
			a := ask[wire.Analysis](t, s, wire.OpAnalyze, wire.AnalyzeArgs{Format: wire.AsStored, Row: 5, Col: 40, Sample: sample}, Attachment{})
			x := s.tensor.Data[5*s.tensor.Cols()+40]
			if a.Stored != "GPTQ 4-bit g32" || a.From != a.Stored || a.Sampled != (sample > 0) || a.Opened.XHat != float64(x) || a.Opened.Lo != 32 || a.Opened.Hi != 64 || a.Metrics.MSE != 0 {
				t.Errorf("%s: %+v, want %v", row.Name, a, x)
			}
			if d := a.Metrics.BitsPerWeight - stats.Inside.Cost; d > 0.01 || d < -0.01 {
				t.Errorf("%s, sample %d: %g bits a weight, want %g", row.Name, sample, a.Metrics.BitsPerWeight, stats.Inside.Cost)
			}
		}
		if _, err := s.Call(wire.OpExport, []byte(`{"as":"original"}`), Attachment{}); err == nil {
			t.Errorf("%s: the original is offered", row.Name)
		}
	}
	// A tensor that is not quantized is shown as any.
	if _, err := s.Call(wire.OpLoad, []byte(`{"kind":"sample","name":"normal","rows":4,"cols":64}`), Attachment{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Call(wire.OpAnalyze, []byte(`{"format":"stored"}`), Attachment{}); err == nil {
		t.Error("a sample is shown as stored")
	}
}

// TestMethodsOnAFolder runs a method on a Hugging Face folder, and wants what it
// decided in another one: with the folder's own names and files.
func TestMethodsOnAFolder(t *testing.T) {
	b, _, _ := archived(t, &Session{}, wire.CheckpointArgs{Name: "tale-small.gguf", Folder: "tale", As: "compressed-tensors", Format: "INT8"}, fileOf("", smallModel(t)))
	s, folder := &Session{}, Attachment{Files: []quant.File{fileOf("tale.zip", b)}}
	ask[wire.Flow](t, s, wire.OpFlowOpen, wire.FlowOpenArgs{Name: "tale.zip", Tokens: 1024}, folder)
	steps, arrays := job(t, s, wire.FlowRunArgs{Kind: wire.FlowMethod, Format: "gptq", Options: map[string]string{"bits": "3", "group": "32"}})
	end := steps[len(steps)-1]
	if own, plain := end.Own.Strayed().KL.Value, end.Plain.Strayed().KL.Value; !(own > 0 && own < 0.9*plain) {
		t.Errorf("KL %g with GPTQ, %g with rounding", own, plain)
	}
	made := arrays["bytes"].([]byte)
	m, err := container.Files([]quant.File{fileOf("a.gguf", made)})
	if err != nil || m.Container() != "gguf" || len(m.Tensors()) == 0 || m.Tensors()[0].Name == "model.embed_tokens.weight" {
		t.Errorf("what it made is no GGUF file: %v", err)
	}
	again, _, second := archived(t, s, wire.CheckpointArgs{Name: "tale.zip", Folder: "tale", As: "gptq_v2", Format: "GPTQ", Decided: true})
	if !strings.Contains(second.As, "GPTQ v2 3-bit g32") {
		t.Errorf("%+v", second)
	}
	reopened(t, again, second)

	if trial := ask[wire.Trial](t, s, wire.OpTrialOpen, wire.TrialOpenArgs{Name: "tale.zip", Tokens: 256}, folder); trial.Chunks == 0 {
		t.Errorf("%+v", trial)
	}
}
