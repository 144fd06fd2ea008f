package policy

import (
	"path"
	"strings"
)

// Header is one response header.
type Header struct{ Key, Value string }

// connect is whom pages may ask. A person may name the URL of a model, which
// is then read from any server that allows it; over http only from this
// machine, for development. Nothing is sent there but the request, and none is
// made before the person presses Open.
const connect = "connect-src 'self' https: http://localhost:* http://127.0.0.1:*; "

// What pages may do. Nothing inline, nothing of a third party runs;
// WebAssembly may be compiled; wllama's worker starts from a blob. A page under
// Embed may be framed by anyone, the others by no one.
const (
	csp = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
		"img-src 'self' data: blob:; " + connect + "worker-src 'self' blob:; " +
		"font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
	cspPage  = csp + "frame-ancestors 'none'"
	cspEmbed = csp + "frame-ancestors *"
	cspAPI   = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// How long an answer is kept. An ETag still saves the body where it must be
// asked for again.
const (
	cacheAsk     = "no-cache"
	cacheForever = "public, max-age=31536000, immutable"
)

const permissions = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"

// Paths with a meaning.
const (
	// Module is the JavaScript entry that anyone's page may import.
	Module = "/fewbits.js"
	// Element is the script of the element that puts an exercise into a page.
	Element = "/fewbits-exercise.js"
	// Assets holds the rest of the build: Assets + content hash + "/js/…".
	Assets = "/a/"
	// Embed is the page that others may put in a frame.
	Embed = "/embed"
	// API holds what is computed on the server.
	API = "/api/"
)

// Names of response headers used in more than one place.
const (
	keyCSP   = "Content-Security-Policy"
	keyCache = "Cache-Control"
	keyCORP  = "Cross-Origin-Resource-Policy"
	keyACAO  = "Access-Control-Allow-Origin"
)

// For are the headers of a file that was found at a URL path.
func For(p string) []Header {
	h := page(cspPage, "same-origin")
	switch {
	case p == Embed || p == Embed+".html":
		h = page(cspEmbed, "cross-origin")
	case p == Module || p == Element || strings.HasPrefix(p, Assets):
		h = append(page(cspPage, "cross-origin"), Header{keyACAO, "*"})
	}
	if Immutable(p) {
		return append(h, Header{keyCache, cacheForever})
	}
	return append(h, Header{keyCache, cacheAsk})
}

// Missing are the headers of an answer that is not a file: 404, 405 and the
// like. They are those of a page, and nobody keeps them.
func Missing() []Header {
	return append(page(cspPage, "same-origin"), Header{keyCache, cacheAsk})
}

// ForAPI are the headers of every answer under API. Anyone's page may call it.
func ForAPI() []Header {
	return []Header{
		{keyCSP, cspAPI},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{keyCORP, "cross-origin"},
		{keyACAO, "*"},
		{"Access-Control-Expose-Headers", "Content-Disposition, X-Fewbits-Format, X-Fewbits-Shape, X-Fewbits-Bits-Per-Weight"},
		{keyCache, cacheAsk},
	}
}

func page(csp, corp string) []Header {
	return []Header{
		{keyCSP, csp},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Embedder-Policy", "require-corp"},
		{keyCORP, corp},
		{"Permissions-Policy", permissions},
	}
}

// Immutable says whether a URL path names its content: it lies under
// Assets + hash + "/", or its last element is like "app.0123abcd.js".
func Immutable(p string) bool {
	if rest, ok := strings.CutPrefix(p, Assets); ok {
		dir, _, below := strings.Cut(rest, "/")
		if below && isHash(dir) {
			return true
		}
	}
	parts := strings.Split(path.Base(p), ".")
	for i := 1; i+1 < len(parts); i++ {
		if isHash(parts[i]) {
			return true
		}
	}
	return false
}

// isHash is true for eight or more lower-case hexadecimal digits.
func isHash(s string) bool {
	return len(s) >= 8 && strings.Trim(s, "0123456789abcdef") == ""
}

// types are the media types of what a build holds, by extension.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".csv":         "text/csv; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".md":          "text/markdown; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml; charset=utf-8",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
	".xml":         "text/xml; charset=utf-8",
}

// ContentType is the media type of a file by its name.
// It does not depend on the machine's own tables.
func ContentType(name string) string {
	if t, ok := types[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	return "application/octet-stream"
}
