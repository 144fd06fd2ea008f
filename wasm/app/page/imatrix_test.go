package page

import (
	"strings"
	"testing"

	"fewbits/wasm/wire"
)

func taleMatrix() wire.Imatrix {
	return wire.Imatrix{Name: "imatrix.dat", Chunks: 31, ChunkSize: 512, Datasets: []string{"wiki.txt"}, Entries: []wire.ImatrixEntry{
		{Name: "blk.10.w.weight", Weights: 256}, {Name: "of.another.weight", Weights: 64},
	}}
}

// weighed is a planned page with an importance matrix; next is what that asked for.
func weighed(t *testing.T) (s *State, next []Call) {
	t.Helper()
	s = planned(t)
	read := only(t, s.Update(ImatrixChosen{Ref: 9, Name: "imatrix.dat"}), wire.OpImatrix, "job")
	if read.File != 9 || !read.Remember {
		t.Fatalf("%+v", read)
	}
	return s, calls(answer(t, s, read, taleMatrix()))
}

func TestImatrix(t *testing.T) {
	s, next := weighed(t)
	if len(next) != 4 {
		t.Fatalf("%+v", next)
	}
	for i, lane := range []string{"a", "b"} {
		if c := next[i]; c.Op != wire.OpImatrix || c.Lane != lane || c.File != 9 || !c.Remember {
			t.Errorf("lane %s is told %+v", lane, c)
		}
	}
	if a := next[2].Args.(wire.PlanArgs); !a.Importance || next[2].Lane != "job" {
		t.Errorf("%+v", next[2])
	}
	if a := next[3].Args.(wire.WeightsArgs); a.Name != "blk.10.w.weight" || a.Columns != 0 { // of one matrix, whatever its width
		t.Errorf("%+v", next[3])
	}
	c, ok := s.Coverage()
	if !ok || c.Matrices != 2 || c.Covered != 1 || c.Other != 1 || len(c.Missing) != 1 || c.Missing[0] != "blk.2.w.weight" {
		t.Errorf("%+v", c)
	}
	if got, want := s.ImatrixText(), "From 31 chunks of 512 tokens of wiki.txt. It covers 1 of the model's 2 matrices; without: blk.2.w.weight."; got != want {
		t.Errorf("%q", got)
	}
	out := answer(t, s, next[3], wire.Weights{Name: "blk.10.w.weight", Rows: 1, Cols: 256})
	if len(out) != 1 || out[0] != (DrawWeights{next[3].ID}) || s.Importance.Shown.Cols != 256 {
		t.Errorf("%v", out)
	}
	answer(t, s, next[2], talePlan())
	own, llama := s.Model.Commands()
	if own != "fewbits quantize tale.gguf -to Q4_K -imatrix imatrix.dat -o tale-q4_k.gguf" || !strings.HasPrefix(llama, "llama-quantize --pure --imatrix imatrix.dat ") {
		t.Errorf("%s\n%s", own, llama)
	}
	// Without it again, and then gone.
	if c := only(t, s.Update(ImatrixUsed{false}), wire.OpPlan, "job"); c.Args.(wire.PlanArgs).Importance {
		t.Errorf("%+v", c)
	}
	if c := only(t, s.Update(ImatrixUsed{true}), wire.OpPlan, "job"); !c.Args.(wire.PlanArgs).Importance {
		t.Errorf("%+v", c)
	}
	gone := calls(s.Update(ImatrixDropped{}))
	if len(gone) != 4 || gone[0].File != 0 || gone[0].Op != wire.OpImatrix || gone[3].Args.(wire.PlanArgs).Importance || s.Importance.Info != nil {
		t.Errorf("%+v", gone)
	}
}

func TestImatrixOfAnotherModel(t *testing.T) {
	s, _ := weighed(t)
	s.Importance.Info.Entries = s.Importance.Info.Entries[1:]
	if got := s.ImatrixText(); !strings.HasSuffix(got, "It covers none of the model's 2 matrices: it is of another model, and set aside.") {
		t.Errorf("%q", got)
	}
	s.Model.File = nil
	if got := s.ImatrixText(); !strings.HasSuffix(got, "It has weights for 1 tensor.") {
		t.Errorf("%q", got)
	}
}

func TestImatrixFault(t *testing.T) {
	s := planned(t)
	read := only(t, s.Update(ImatrixChosen{Ref: 9, Name: "x.dat"}), wire.OpImatrix, "job")
	s.Update(Fault{ID: read.ID, Message: "imatrix: no"})
	if s.Model.Fault != "imatrix: no" || s.Importance.Info != nil {
		t.Errorf("%q", s.Model.Fault)
	}
	s, _, _ = converting(t, 1)
	if out := s.Update(ImatrixChosen{Ref: 9, Name: "x.dat"}); len(out) != 0 || !strings.Contains(s.Model.Fault, "still being quantized") {
		t.Errorf("%v, %q", out, s.Model.Fault)
	}
}

// TestImatrixBeforeQuantize: a plan that is about to be made anew is not
// carried out, or the answer would take away the file under way.
func TestImatrixBeforeQuantize(t *testing.T) {
	for _, fails := range []bool{false, true} {
		s := planned(t)
		read := only(t, s.Update(ImatrixChosen{Ref: 9, Name: "x.dat"}), wire.OpImatrix, "job")
		if out := s.Update(QuantizeAsked{}); len(out) != 0 || s.Model.Working() || s.Model.Ready() {
			t.Fatalf("quantized while a matrix is read: %+v", out)
		}
		if fails {
			s.Update(Fault{ID: read.ID, Message: "imatrix: no"})
		} else {
			next := calls(answer(t, s, read, taleMatrix()))
			answer(t, s, next[2], talePlan())
		}
		if !s.Model.Ready() {
			t.Errorf("fails %v: not ready afterwards", fails)
		}
	}
}

// TestRecipesThatNeedOne are listed, and say so until there is one.
func TestRecipesThatNeedOne(t *testing.T) {
	s := planned(t)
	find := func() Choice {
		for _, c := range s.Recipes() {
			if c.Name == "Q2_K_S" {
				return c
			}
		}
		t.Fatal("Q2_K_S is not listed")
		return Choice{}
	}
	s.Formats = append(s.Formats, wire.FormatRow{Name: "Q2_K", Family: "ggml"})
	if c := find(); !strings.HasSuffix(c.Help, "It needs an importance matrix: add one below.") {
		t.Errorf("%q", c.Help)
	}
	m := taleMatrix()
	s.Importance.Info = &m
	if c := find(); strings.Contains(c.Help, "add one") {
		t.Errorf("%q", c.Help)
	}
}

// TestTensorImportance goes by the matrix or by none, where the format takes it.
func TestTensorImportance(t *testing.T) {
	s, _, _ := loaded(t)
	for i := range s.Formats {
		if s.Formats[i].Name == "Q4_K" {
			s.Formats[i].Importance = "optional"
		}
	}
	used := func(next []Call, lane string) string {
		t.Helper()
		for _, c := range next {
			if a, ok := c.Args.(wire.AnalyzeArgs); ok && c.Lane == lane {
				return a.Importance
			}
		}
		t.Fatalf("nothing is asked of lane %s: %+v", lane, next)
		return ""
	}
	next := calls(s.Update(ImportanceChosen{wire.ImportanceAlike}))
	if used(next, "a") != "" || used(next, "b") != wire.ImportanceAlike { // INT4 and Q4_K
		t.Errorf("%+v", next)
	}
	if !strings.Contains(s.Address(), "importance=alike") {
		t.Errorf("%s", s.Address())
	}
	if out := s.Update(ImportanceChosen{wire.ImportanceMatrix}); len(out) != 0 || s.Tensor.Importance != wire.ImportanceAlike {
		t.Errorf("a matrix that is not there: %v", out)
	}
	read := only(t, s.Update(ImatrixChosen{Ref: 9, Name: "i.dat"}), wire.OpImatrix, "job")
	m := taleMatrix()
	m.Entries = append(m.Entries, wire.ImatrixEntry{Name: "outliers", Weights: 512})
	next = calls(answer(t, s, read, m))
	if used(next, "b") != wire.ImportanceMatrix || !s.Weighed() || next[0].Op != wire.OpImatrix || s.Importance.Entry != "outliers" {
		t.Errorf("%+v", next)
	}
	if next := calls(s.Update(ImatrixDropped{})); used(next, "b") != "" || s.Weighed() {
		t.Errorf("%+v", next)
	}
	// An address may come from where there is a matrix.
	s.Update(Went{"#/tensor?importance=matrix&format=Q4_K"})
	if s.Tensor.Importance != wire.ImportanceMatrix || s.importanceOf("Q4_K") != "" {
		t.Errorf("%q, %q", s.Tensor.Importance, s.importanceOf("Q4_K"))
	}
}

// TestImatrixSetAside: a matrix of another model does not stand in the way.
func TestImatrixSetAside(t *testing.T) {
	s := planned(t)
	read := only(t, s.Update(ImatrixChosen{Ref: 9, Name: "other.dat"}), wire.OpImatrix, "job")
	other := taleMatrix()
	other.Entries = []wire.ImatrixEntry{{Name: "of.another.weight", Weights: 64}, {Name: "blk.10.w.weight", Weights: 64}} // one by name, of another width
	for _, c := range calls(answer(t, s, read, other)) {
		if a, ok := c.Args.(wire.PlanArgs); ok {
			if a.Importance || !s.Aside() {
				t.Errorf("%+v", a)
			}
			answer(t, s, c, talePlan())
		}
	}
	if own, _ := s.Model.Commands(); !s.Model.Ready() || strings.Contains(own, "-imatrix") {
		t.Errorf("%s", own)
	}
	// Its own model comes.
	open := only(t, s.Update(FileChosen{Ref: 8, Name: "other.gguf", View: "model"}), wire.OpOpen, "job")
	info := tale()
	info.Name, info.Tensors[0].Shape = "other.gguf", []int{8, 64}
	for _, c := range calls(answer(t, s, open, info)) {
		if a, ok := c.Args.(wire.PlanArgs); ok && !a.Importance {
			t.Errorf("%+v", a)
		}
	}
}

// TestImatrixOfModelInTensor: a tensor of the model is opened with the matrix
// that the model goes by.
func TestImatrixOfModelInTensor(t *testing.T) {
	for i, want := range []string{wire.ImportanceMatrix, "", ""} {
		s, _ := weighed(t)
		s.Update(TensorAsked{Index: i})
		if s.Tensor.Importance != want {
			t.Errorf("tensor %d goes by %q", i, s.Tensor.Importance)
		}
	}
	s, _ := weighed(t)
	s.Update(ImatrixUsed{false})
	if s.Update(TensorAsked{Index: 0}); s.Tensor.Importance != "" {
		t.Errorf("%q", s.Tensor.Importance)
	}
}
