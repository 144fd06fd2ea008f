package edge

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"fewbits/wasm/edge/policy"
)

// site serves the files of a build.
type site struct {
	files fs.FS

	mu   sync.Mutex
	tags map[string]tag // of files that were asked for, by name
}

// tag is the hash of a file, good for as long as size and time stay.
type tag struct {
	size int64
	time time.Time
	etag string
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	if notAllowed(w, r, http.MethodGet, http.MethodHead) {
		s.fail(w, r, http.StatusMethodNotAllowed, "a file can only be read: use GET or HEAD")
		return
	}
	name, ok := s.find(r.URL.Path)
	if !ok {
		s.missing(w, r)
		return
	}
	there := s.siblings(name)
	if len(there) > 0 {
		w.Header().Set("Vary", "Accept-Encoding")
	}
	// A range is of the file itself, as whoever seeks in it expects.
	if r.Header.Get("Range") != "" {
		there = nil
	}
	e, ok := choose(r.Header, there)
	if !ok {
		s.fail(w, r, http.StatusNotAcceptable, "the file is not to be had in any of the encodings asked for: allow identity")
		return
	}
	s.send(w, r, name, e)
}

// find is the name of the file that belongs to a URL path: "/" is index.html,
// "/embed" is embed.html. Folders have no listing.
func (s *site) find(p string) (name string, ok bool) {
	name, ok = strings.CutPrefix(p, "/")
	if s.files == nil || !ok || path.Clean(p) != p || strings.ContainsAny(p, "\\\x00") {
		return "", false
	}
	if name == "" {
		name = "index.html"
	}
	if !fs.ValidPath(name) || hidden(name) {
		return "", false
	}
	if s.isFile(name) {
		return name, !s.isSibling(name)
	}
	if path.Ext(name) == "" && s.isFile(name+".html") {
		return name + ".html", true
	}
	return "", false
}

// hidden is true for what is in a build but not for visitors: dot files and
// the files that configure Cloudflare.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") ||
		name == "_headers" || name == "_redirects"
}

func (s *site) isFile(name string) bool {
	info, err := fs.Stat(s.files, name)
	return err == nil && info.Mode().IsRegular()
}

// siblings are the encodings that lie beside a file.
func (s *site) siblings(name string) []encoding {
	var there []encoding
	for _, e := range encodings() {
		if s.isFile(name + e.ext) {
			there = append(there, e)
		}
	}
	return there
}

// isSibling is true for a file that is another one's encoding: it has no
// address of its own.
func (s *site) isSibling(name string) bool {
	for _, e := range encodings() {
		if plain, ok := strings.CutSuffix(name, e.ext); ok && s.isFile(plain) {
			return true
		}
	}
	return false
}

// send answers with a file, whole, in part, or not at all where the visitor
// has it already.
func (s *site) send(w http.ResponseWriter, r *http.Request, name string, e encoding) {
	f, info, err := s.open(name + e.ext)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	defer f.Close()
	etag, err := s.etag(name+e.ext, f, info)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	h := w.Header()
	set(w, policy.For(r.URL.Path))
	h.Set("Content-Type", policy.ContentType(name))
	h.Set("Etag", etag)
	if e != identity {
		h.Set("Content-Encoding", e.name)
		// ServeContent leaves this out of what is encoded.
		h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	http.ServeContent(w, r, "", time.Time{}, f)
}

type file interface {
	fs.File
	io.Seeker
}

func (s *site) open(name string) (file, fs.FileInfo, error) {
	opened, err := s.files.Open(name)
	if err != nil {
		return nil, nil, err
	}
	f, ok := opened.(file)
	if !ok {
		opened.Close()
		return nil, nil, &fs.PathError{Op: "seek", Path: name, Err: errors.ErrUnsupported}
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// etag is a strong validator: the hash of the bytes that are sent.
func (s *site) etag(name string, f file, info fs.FileInfo) (string, error) {
	s.mu.Lock()
	t, ok := s.tags[name]
	s.mu.Unlock()
	if ok && t.size == info.Size() && t.time.Equal(info.ModTime()) {
		return t.etag, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	t = tag{info.Size(), info.ModTime(), `"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`}
	s.mu.Lock()
	s.tags[name] = t
	s.mu.Unlock()
	return t.etag, nil
}

// missing answers 404 with the build's own page where it has one.
func (s *site) missing(w http.ResponseWriter, r *http.Request) {
	if s.files != nil {
		if page, err := fs.ReadFile(s.files, "404.html"); err == nil {
			s.say(w, r, http.StatusNotFound, policy.ContentType("404.html"), page)
			return
		}
	}
	s.fail(w, r, http.StatusNotFound, "there is nothing at this address")
}

// broken answers where a file is there but cannot be read; it may also have
// gone since it was found.
func (s *site) broken(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		s.missing(w, r)
		return
	}
	s.fail(w, r, http.StatusInternalServerError, "the file cannot be read")
}

func (s *site) fail(w http.ResponseWriter, r *http.Request, status int, reason string) {
	s.say(w, r, status, policy.ContentType(".txt"), []byte(reason+"\n"))
}

func (s *site) say(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	set(w, policy.Missing())
	w.Header().Set("Content-Type", contentType)
	answer(w, r, status, body)
}

// answer writes a status and a body, or for HEAD only how long it would be.
func answer(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// An error means that the visitor has gone.
		_, _ = w.Write(body)
	}
}
