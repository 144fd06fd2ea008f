package edge

import (
	"io/fs"
	"net/http"
	"runtime"
	"strings"

	"fewbits/wasm/edge/policy"
)

// DefaultMaxBody is the size in bytes of the largest npy file that
// /api/quantize takes where Config does not say: 16 MiB of values (2048 × 2048
// of float32) and a header.
const DefaultMaxBody = 16<<20 + HeaderRoom

// HeaderRoom is what a limit leaves for the header of an npy file, in bytes.
const HeaderRoom = 1 << 10

// Config says what a handler serves.
type Config struct {
	Assets  fs.FS // the built site; nil for the API alone
	MaxBody int64 // bytes of the largest request body; 0 is DefaultMaxBody
}

// Handler serves the site and the API. It may be called from many goroutines;
// tensors are quantized by as many as the machine has processors, and the
// requests over that wait for their turn.
func Handler(c Config) http.Handler {
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	return &handler{
		site: site{files: c.Assets, tags: map[string]tag{}},
		api:  api{maxBody: c.MaxBody, turns: make(chan struct{}, runtime.GOMAXPROCS(0))},
	}
}

type handler struct {
	site site
	api  api
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path+"/" == policy.API || strings.HasPrefix(r.URL.Path, policy.API) {
		h.api.serve(w, r)
		return
	}
	h.site.serve(w, r)
}

// set puts headers of the policy on an answer.
func set(w http.ResponseWriter, headers []policy.Header) {
	for _, h := range headers {
		w.Header().Set(h.Key, h.Value)
	}
}

// notAllowed is true where the method is none of the allowed ones, and then
// says so in the status and in Allow.
func notAllowed(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	for _, m := range allowed {
		if r.Method == m {
			return false
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return true
}
