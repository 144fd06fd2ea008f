package page

import (
	"fmt"
	"strings"
)

// Remote is what a view knows of a file that lies at a URL.
type Remote struct {
	URL    string // as the address has it
	opened string // of the file that is open; "" of one from disk
}

// Offered is a URL that the address names and whose file is not open. It is
// opened when the person says so: no link makes a page ask a server.
func (r *Remote) Offered() string {
	if r.URL == r.opened {
		return ""
	}
	return r.URL
}

// at is the URL's server and file, for a sentence.
func at(url string) (host, file string) {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "?")
	host, file, _ = strings.Cut(rest, "/")
	return host, file[strings.LastIndexByte(file, '/')+1:]
}

// The events of files that are not yet at hand.
type (
	// FilesSought says that a folder is being listed or a server asked.
	FilesSought struct{ What, View string }
	// FilesUnfound says why nothing came of it.
	FilesUnfound struct{ Message, View string }
)

func (s *State) updateRemote(e Event) bool {
	switch e := e.(type) {
	case FilesSought:
		if e.View == "model" {
			if !s.Model.working { // else it is said when the files come
				s.Model.Fault, s.Model.Busy = "", e.What
			}
		} else {
			s.Tensor.Fault, s.Tensor.Busy = "", e.What
		}
	case FilesUnfound:
		if e.View == "model" {
			s.Model.Fault, s.Model.Busy = e.Message, ""
		} else {
			s.Tensor.Fault, s.Tensor.Busy = e.Message, ""
		}
	default:
		return false
	}
	return true
}

// offerTensor keeps what a link wants shown of a file that is not open, and
// says so.
func (s *State) offerTensor() {
	t := &s.Tensor
	t.Fault = fmt.Sprintf("this link was made with %q, a file that is not here; open it to see the same", t.Source.File)
	if url := t.Remote.Offered(); url != "" {
		host, file := at(url)
		t.wanted = t.Source.Name
		t.Fault = fmt.Sprintf("this link shows %q of %s at %s; press Open beside its URL to read it from there", t.Source.Name, file, host)
	}
	t.Source = defaultTensor().Source
}

// offerModel says what a link wants opened.
func (s *State) offerModel() {
	if url := s.Model.Remote.Offered(); url != "" {
		host, file := at(url)
		s.Model.Status = fmt.Sprintf("This link names %s at %s. Press Open beside its URL to read it from there", file, host)
	}
}

// Far says whether the file lies at a URL.
func (m *Model) Far() bool { return m.Remote.opened != "" }

// Named says whether the file's tensors have the names of a GGUF model: it is
// one, or is shown as one, as a Hugging Face folder is.
func (m *Model) Named() bool { return m.File.Container == "gguf" || m.File.Container == "huggingface" }
