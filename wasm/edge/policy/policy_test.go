package policy

import (
	"maps"
	"strings"
	"testing"
)

func TestImmutable(t *testing.T) {
	for _, tt := range []struct {
		path string
		want bool
	}{
		{"/", false},
		{"/index.html", false},
		{"/fewbits.js", false},
		{"/a/0123456789ab/js/main.js", true},
		{"/a/0123456789ab/deep/er/x", true},
		{"/a/0123456789ab", false},
		{"/a/dev/js/main.js", false},
		{"/a/0123456/js/main.js", false},
		{"/a/0123456G/js/main.js", false},
		{"/b/0123456789ab/js/main.js", false},
		{"/app.0123abcd.js", true},
		{"/x/app.0123abcd.wasm", true},
		{"/app.0123abc.js", false},
		{"/app.0123ABCD.js", false},
		{"/0123abcd.js", false},
		{"/app.0123abcd", false},
	} {
		t.Run(tt.path, func(t *testing.T) {
			if got := Immutable(tt.path); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFor(t *testing.T) {
	for _, tt := range []struct {
		path, key string
		want      string // "" where the header must be missing
	}{
		{"/", "Cache-Control", "no-cache"},
		{"/", "Cross-Origin-Resource-Policy", "same-origin"},
		{"/", "Access-Control-Allow-Origin", ""},
		{"/", "Cross-Origin-Opener-Policy", "same-origin"},
		{"/", "Cross-Origin-Embedder-Policy", "require-corp"},
		{"/", "X-Content-Type-Options", "nosniff"},
		{"/", "Referrer-Policy", "no-referrer"},
		{"/fewbits.js", "Cache-Control", "no-cache"},
		{"/fewbits.js", "Cross-Origin-Resource-Policy", "cross-origin"},
		{"/fewbits.js", "Access-Control-Allow-Origin", "*"},
		{"/a/0123456789ab/wasm/engine.wasm", "Access-Control-Allow-Origin", "*"},
		{"/a/0123456789ab/wasm/engine.wasm", "Cache-Control", "public, max-age=31536000, immutable"},
		{"/a/0123456789ab/js/worker.js", "Cross-Origin-Embedder-Policy", "require-corp"},
		{"/embed", "Cross-Origin-Resource-Policy", "cross-origin"},
		{"/embed", "Access-Control-Allow-Origin", ""},
	} {
		t.Run(tt.path+" "+tt.key, func(t *testing.T) {
			if got := fold(For(tt.path))[tt.key]; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFraming(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"/", "frame-ancestors 'none'"},
		{"/404.html", "frame-ancestors 'none'"},
		{"/embedded", "frame-ancestors 'none'"},
		{"/a/0123456789ab/embed", "frame-ancestors 'none'"},
		{"/embed", "frame-ancestors *"},
		{"/embed.html", "frame-ancestors *"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			directives := strings.Split(fold(For(tt.path))["Content-Security-Policy"], "; ")
			if got := directives[len(directives)-1]; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// No policy may allow inline script, eval of JavaScript, or another origin's;
// such an origin may be read from, and nothing else.
func TestStrict(t *testing.T) {
	for _, p := range []string{"/", "/embed", "/fewbits.js", "/a/0123456789ab/js/x.js"} {
		got := fold(For(p))["Content-Security-Policy"]
		if !strings.HasPrefix(got, "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; ") {
			t.Errorf("%s: starts with %.60q", p, got)
		}
		if strings.Count(got, connect) != 1 {
			t.Errorf("%s: lacks %s: %s", p, connect, got)
		}
		got = strings.Replace(got, connect, "", 1)
		for _, bad := range []string{"'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "src *"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s: allows %s: %s", p, bad, got)
			}
		}
	}
}

// TestCloudflare applies the rules of a _headers file as Cloudflare does.
func TestCloudflare(t *testing.T) {
	const hash = "0123456789ab"
	file := Cloudflare(hash)
	for _, p := range []string{
		"/", "/404", "/sw.js", "/fewbits.js", "/embed",
		"/a/0123456789ab/js/main.js", "/a/0123456789ab/wasm/engine.wasm", "/favicon.svg",
	} {
		t.Run(p, func(t *testing.T) {
			got, want := apply(t, file, p), fold(For(p))
			if !maps.Equal(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
		})
	}
	for line := range strings.Lines(file) {
		if len(line) > 2000 {
			t.Errorf("a line of %d bytes; Cloudflare takes 2000: %.40q…", len(line), line)
		}
	}
}

// apply reads rules as the documentation of _headers describes them.
func apply(t *testing.T, file, p string) map[string]string {
	t.Helper()
	got := map[string]string{}
	matches := false
	for line := range strings.Lines(file) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "/"):
			prefix, splat := strings.CutSuffix(line, "*")
			matches = p == line || splat && strings.HasPrefix(p, prefix)
		case !matches:
		case strings.HasPrefix(line, "  ! "):
			delete(got, line[4:])
		default:
			key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if !ok {
				t.Fatalf("line %q is no header", line)
			}
			if before, ok := got[key]; ok {
				value = before + ", " + value
			}
			got[key] = value
		}
	}
	return got
}

func fold(headers []Header) map[string]string {
	m := map[string]string{}
	for _, h := range headers {
		m[h.Key] = h.Value
	}
	return m
}

func TestContentType(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"index.html", "text/html; charset=utf-8"},
		{"a/js/main.js", "text/javascript; charset=utf-8"},
		{"x.WASM", "application/wasm"},
		{"x.npy", "application/octet-stream"},
		{"LICENSE", "application/octet-stream"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ContentType(tt.name); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
