package page

import (
	"strings"
	"testing"

	"fewbits/wasm/wire"
)

const far = "https://example.com/m/tale.gguf?download=true"

// TestModelAtAURL wants a link to ask nobody, a press to open, and the address
// to name what is open.
func TestModelAtAURL(t *testing.T) {
	s, _, _ := loaded(t)
	link := "#/model?url=" + escape(far)
	if out := calls(s.Update(Went{link})); len(out) > 0 {
		t.Fatalf("a link asked for %+v", out)
	}
	if m := &s.Model; m.Remote.Offered() != far || !strings.Contains(m.Status, "tale.gguf at example.com") || s.Address() != link {
		t.Errorf("offers %q, says %q, stands at %s", m.Remote.Offered(), m.Status, s.Address())
	}
	before := s.Model.News()
	s.Update(FilesSought{What: "Asking example.com", View: "model"})
	if s.Model.News() != "Asking example.com" {
		t.Error("nothing says that a server is asked")
	}
	if s.Update(FilesUnfound{Message: "none there", View: "model"}); s.Model.News() != before {
		t.Errorf("it answered, and still %q", s.Model.News())
	}
	open := only(t, s.Update(FileChosen{Ref: 1, Name: "tale.gguf", View: "model", URL: far}), wire.OpOpen, "job")
	if a := open.Args.(wire.OpenArgs); !a.Whole {
		t.Error("a part of a model would do")
	}
	answer(t, s, open, tale())
	if m := &s.Model; m.Remote.Offered() != "" || s.Address() != link || m.Busy != "" {
		t.Errorf("offers %q, stands at %s, busy %q", m.Remote.Offered(), s.Address(), m.Busy)
	}
	s.Update(Went{"#/learn"})
	if s.Update(Went{"#/model"}); s.Address() != link {
		t.Errorf("back at the model it stands at %s", s.Address())
	}
	out := calls(s.Update(TensorAsked{Index: 0}))
	if len(out) != 1 || out[0].File != 1 {
		t.Fatalf("asked for %+v", out)
	}
	more := calls(answer(t, s, out[0], tale()))
	if s.Update(Went{"#/tensor"}); len(more) != 2 || s.Tensor.Remote.URL != far || !strings.Contains(s.Address(), "url="+escape(far)) {
		t.Errorf("asked for %+v, stands at %s", more, s.Address())
	}
	open = only(t, s.Update(FileChosen{Ref: 2, Name: "local.gguf", View: "model"}), wire.OpOpen, "job")
	answer(t, s, open, tale())
	if s.Update(Went{"#/model"}); s.Address() != "#/model" {
		t.Errorf("a file on disk stands at %s", s.Address())
	}
}

// TestTensorAtAURL wants a link to say what it shows, and to show it once the
// person opened it.
func TestTensorAtAURL(t *testing.T) {
	s := Start()
	name := tale().Tensors[1].Name
	s.Update(Went{"#/tensor?from=file&name=" + escape(name) + "&index=1&file=tale.gguf&url=" + escape(far)})
	out := calls(s.Update(Booted{table()}))
	if len(out) != 1 || out[0].Op != wire.OpLoad || out[0].File != 0 {
		t.Fatalf("a link asked for %+v", out)
	}
	answer(t, s, out[0], wire.TensorStats{Name: "outliers", Rows: 128, Cols: 512, Values: 65536})
	if f := s.Tensor.Fault; s.Tensor.Remote.Offered() != far || !strings.Contains(f, name) || !strings.Contains(f, "tale.gguf at example.com") {
		t.Errorf("offers %q, says %q", s.Tensor.Remote.Offered(), f)
	}
	open := only(t, s.Update(FileChosen{Ref: 1, Name: "tale.gguf", View: "tensor", URL: far}), wire.OpOpen, "a")
	answer(t, s, open, tale())
	if s.Tensor.Source.Name != name || s.Tensor.Remote.Offered() != "" || !strings.Contains(s.Address(), "url="+escape(far)) {
		t.Errorf("shows %+v, stands at %s", s.Tensor.Source, s.Address())
	}
	if s.Update(SampleChosen{Name: "normal"}); strings.Contains(s.Address(), "url=") {
		t.Errorf("a sample stands at %s", s.Address())
	}
}

// TestFilesNotFound wants the reason told where the person looks, and what is
// open to stay.
func TestFilesNotFound(t *testing.T) {
	s := planned(t)
	for _, view := range []string{"tensor", "model"} {
		s.Update(FilesSought{What: "Looking", View: view})
		s.Update(FilesUnfound{Message: "no files", View: view})
	}
	if s.Model.Fault != "no files" || s.Tensor.Fault != "no files" || s.Model.Busy+s.Tensor.Busy != "" || s.Model.File == nil || s.Model.Plan == nil {
		t.Errorf("%+v", s.Model)
	}
}
