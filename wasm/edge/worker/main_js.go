//go:build js && wasm

package main

import (
	"io/fs"
	"net/http"

	"github.com/syumai/workers"
	"github.com/syumai/workers/cloudflare"

	"fewbits/wasm/edge"
)

// bindingName is the assets binding of wrangler.jsonc.
const bindingName = "ASSETS"

func main() {
	var assets fs.FS
	if b := cloudflare.GetBinding(bindingName); b.Truthy() {
		assets = binding{b}
	}
	workers.Serve(headWithoutLength(edge.Handler(edge.Config{Assets: assets, MaxBody: maxBody})))
}

// headWithoutLength drops the length of answers to HEAD: the adapter would
// wait for as many bytes and end with an exception.
func headWithoutLength(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w = unmeasured{w}
		}
		next.ServeHTTP(w, r)
	})
}

type unmeasured struct{ http.ResponseWriter }

func (w unmeasured) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}
