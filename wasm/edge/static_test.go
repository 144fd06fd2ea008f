package edge

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"fewbits/wasm/edge/policy"
)

const assets = "/a/0123456789ab/"

// build is a small site: main.js has both encodings, style.css one, the rest none.
func build() fstest.MapFS {
	m := fstest.MapFS{}
	for name, body := range map[string]string{
		"index.html":                       "<!doctype html>index",
		"embed.html":                       "<!doctype html>embed",
		"404.html":                         "<!doctype html>not here",
		"fewbits.js":                       "export const open = 1",
		"icon.0123abcd.svg":                "<svg/>",
		"_headers":                         "secret",
		".assetsignore":                    "secret",
		"a/0123456789ab/js/main.js":        "main, plain",
		"a/0123456789ab/js/main.js.br":     "main, brotli",
		"a/0123456789ab/js/main.js.gz":     "main, gzip",
		"a/0123456789ab/css/style.css":     "css, plain",
		"a/0123456789ab/css/style.css.gz":  "css, gzip",
		"a/0123456789ab/wasm/engine.wasm":  "\x00asm",
		"a/0123456789ab/samples/alone.gz":  "a gzip file of its own",
		"a/0123456789ab/samples/.hidden/x": "secret",
		"a/0123456789ab/samples/w.npy":     "0123456789",
	} {
		m[name] = &fstest.MapFile{Data: []byte(body)}
	}
	return m
}

// ask sends one request; headers are pairs of key and value.
func ask(t *testing.T, h http.Handler, method, target string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, body)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFiles(t *testing.T) {
	h := Handler(Config{Assets: build()})
	for _, tt := range []struct {
		path        string
		status      int
		body        string
		contentType string
		cache       string
	}{
		{"/", 200, "<!doctype html>index", "text/html; charset=utf-8", "no-cache"},
		{"/index.html", 200, "<!doctype html>index", "text/html; charset=utf-8", "no-cache"},
		{"/?x=1", 200, "<!doctype html>index", "text/html; charset=utf-8", "no-cache"},
		{"/embed", 200, "<!doctype html>embed", "text/html; charset=utf-8", "no-cache"},
		{"/fewbits.js", 200, "export const open = 1", "text/javascript; charset=utf-8", "no-cache"},
		{"/icon.0123abcd.svg", 200, "<svg/>", "image/svg+xml; charset=utf-8", "public, max-age=31536000, immutable"},
		{assets + "js/main.js", 200, "main, plain", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{assets + "wasm/engine.wasm", 200, "\x00asm", "application/wasm", "public, max-age=31536000, immutable"},
		{assets + "samples/alone.gz", 200, "a gzip file of its own", "application/octet-stream", "public, max-age=31536000, immutable"},

		{"/nothing", 404, "<!doctype html>not here", "text/html; charset=utf-8", "no-cache"},
		{assets + "js/nothing.js", 404, "<!doctype html>not here", "text/html; charset=utf-8", "no-cache"},
		{assets + "js", 404, "<!doctype html>not here", "text/html; charset=utf-8", "no-cache"},
		{assets + "js/", 404, "<!doctype html>not here", "text/html; charset=utf-8", "no-cache"},
		{assets + "js/main.js.br", 404, "<!doctype html>not here", "text/html; charset=utf-8", "no-cache"},
		{"/_headers", 404, "<!doctype html>not here", "text/html; charset=utf-8", "no-cache"},
		{"/.assetsignore", 404, "<!doctype html>not here", "text/html; charset=utf-8", "no-cache"},
		{assets + "samples/.hidden/x", 404, "<!doctype html>not here", "text/html; charset=utf-8", "no-cache"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			res := ask(t, h, "GET", tt.path, nil)
			if res.StatusCode != tt.status {
				t.Errorf("status %d, want %d", res.StatusCode, tt.status)
			}
			if got := text(t, res); got != tt.body {
				t.Errorf("body %q, want %q", got, tt.body)
			}
			for key, want := range map[string]string{
				"Content-Type":   tt.contentType,
				"Cache-Control":  tt.cache,
				"Content-Length": strconv.Itoa(len(tt.body)),
			} {
				if got := res.Header.Get(key); got != want {
					t.Errorf("%s: %q, want %q", key, got, want)
				}
			}
		})
	}
}

// Every answer carries the policy of its path, whatever its status.
func TestPolicyIsSent(t *testing.T) {
	h := Handler(Config{Assets: build()})
	for _, tt := range []struct {
		method, path string
		want         []policy.Header
	}{
		{"GET", "/", policy.For("/")},
		{"HEAD", "/", policy.For("/")},
		{"GET", "/embed", policy.For("/embed")},
		{"GET", "/fewbits.js", policy.For("/fewbits.js")},
		{"GET", assets + "js/main.js", policy.For(assets + "js/main.js")},
		{"GET", assets + "js/gone.js", policy.Missing()},
		{"PUT", "/", policy.Missing()},
		{"GET", "/api/formats", policy.ForAPI()},
		{"GET", "/api/nothing", policy.ForAPI()},
		{"OPTIONS", "/api/quantize", policy.ForAPI()},
		{"POST", "/api/quantize", policy.ForAPI()},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			res := ask(t, h, tt.method, tt.path, nil)
			for _, want := range tt.want {
				if got := res.Header.Values(want.Key); len(got) != 1 || got[0] != want.Value {
					t.Errorf("%s: %q, want %q", want.Key, got, want.Value)
				}
			}
		})
	}
}

func TestEncodings(t *testing.T) {
	h := Handler(Config{Assets: build()})
	js, css, wasm := assets+"js/main.js", assets+"css/style.css", assets+"wasm/engine.wasm"
	for _, tt := range []struct {
		path, accept   string
		encoding, body string
	}{
		{js, "gzip, deflate, br, zstd", "br", "main, brotli"},
		{js, "gzip, deflate", "gzip", "main, gzip"},
		{js, "x-gzip", "gzip", "main, gzip"},
		{js, "BR", "br", "main, brotli"},
		{js, "deflate", "", "main, plain"},
		{js, "", "", "main, plain"},
		{js, "*", "br", "main, brotli"},
		{js, "br;q=0, *", "gzip", "main, gzip"},
		{js, "br;q=0.2, gzip;q=0.8", "gzip", "main, gzip"},
		{js, "br;q=0.5, gzip ; q=0.5", "br", "main, brotli"},
		{js, "br;q=0.5, identity", "", "main, plain"},
		{js, "br;q=0.5, identity;q=0.5", "br", "main, brotli"},
		{js, "br;q=0, gzip;q=0", "", "main, plain"},
		{js, "identity;q=0, gzip;q=0.001", "gzip", "main, gzip"},
		{js, "br;q=much", "", "main, plain"},
		{css, "gzip, br", "gzip", "css, gzip"},
		{css, "br", "", "css, plain"},
		{wasm, "gzip, br", "", "\x00asm"},
	} {
		t.Run(tt.path+" "+tt.accept, func(t *testing.T) {
			res := ask(t, h, "GET", tt.path, nil, "Accept-Encoding", tt.accept)
			if got := res.Header.Get("Content-Encoding"); got != tt.encoding {
				t.Errorf("Content-Encoding %q, want %q", got, tt.encoding)
			}
			if got := text(t, res); got != tt.body {
				t.Errorf("body %q, want %q", got, tt.body)
			}
			if got, want := res.Header.Get("Content-Length"), strconv.Itoa(len(tt.body)); got != want {
				t.Errorf("Content-Length %q, want %q", got, want)
			}
			if got, want := res.Header.Get("Vary") != "", tt.path != wasm; got != want {
				t.Errorf("Vary %q", res.Header.Get("Vary"))
			}
			if got, want := res.Header.Get("Content-Type"), policy.ContentType(tt.path); got != want {
				t.Errorf("Content-Type %q, want %q", got, want)
			}
		})
	}
	t.Run("nothing acceptable", func(t *testing.T) {
		if res := ask(t, h, "GET", js, nil, "Accept-Encoding", "*;q=0"); res.StatusCode != 406 {
			t.Errorf("status %d, want 406", res.StatusCode)
		}
	})
	t.Run("two header lines", func(t *testing.T) {
		res := ask(t, h, "GET", js, nil, "Accept-Encoding", "gzip;q=0.5", "Accept-Encoding", "br")
		if got := res.Header.Get("Content-Encoding"); got != "br" {
			t.Errorf("Content-Encoding %q, want br", got)
		}
	})
}

func TestConditional(t *testing.T) {
	files := build()
	h := Handler(Config{Assets: files})
	js := assets + "js/main.js"
	plain := ask(t, h, "GET", js, nil).Header.Get("Etag")
	brotli := ask(t, h, "GET", js, nil, "Accept-Encoding", "br").Header.Get("Etag")
	if plain == brotli || !strings.HasPrefix(plain, `"`) || !strings.HasPrefix(brotli, `"`) {
		t.Fatalf("ETags %s and %s: want two different strong ones", plain, brotli)
	}
	for _, tt := range []struct {
		name, match, accept string
		status              int
	}{
		{"same", plain, "", 304},
		{"same, weak", "W/" + plain, "", 304},
		{"any", "*", "", 304},
		{"in a list", `"x", ` + plain, "", 304},
		{"other", `"x"`, "", 200},
		{"of another encoding", plain, "br", 200},
		{"encoded", brotli, "br", 304},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := ask(t, h, "GET", js, nil, "If-None-Match", tt.match, "Accept-Encoding", tt.accept)
			if res.StatusCode != tt.status {
				t.Fatalf("status %d, want %d", res.StatusCode, tt.status)
			}
			if tt.status != 304 {
				return
			}
			if body := text(t, res); body != "" {
				t.Errorf("body %q", body)
			}
			// RFC 9110 §15.4.5: what a 200 would have said about caching.
			for _, key := range []string{"Etag", "Vary", "Cache-Control"} {
				if res.Header.Get(key) == "" {
					t.Errorf("no %s", key)
				}
			}
		})
	}
	t.Run("changed file", func(t *testing.T) {
		before := ask(t, h, "GET", "/", nil).Header.Get("Etag")
		files["index.html"] = &fstest.MapFile{Data: []byte("<!doctype html>other")}
		files["index.html"].ModTime = files["index.html"].ModTime.Add(1)
		if after := ask(t, h, "GET", "/", nil).Header.Get("Etag"); after == before {
			t.Error("the ETag stayed")
		}
	})
}

func TestHead(t *testing.T) {
	h := Handler(Config{Assets: build()})
	for _, tt := range []struct {
		path, accept string
	}{{"/", ""}, {assets + "js/main.js", "br"}, {"/nothing", ""}, {"/api/formats", ""}} {
		t.Run(tt.path, func(t *testing.T) {
			get := ask(t, h, "GET", tt.path, nil, "Accept-Encoding", tt.accept)
			head := ask(t, h, "HEAD", tt.path, nil, "Accept-Encoding", tt.accept)
			if body := text(t, head); body != "" {
				t.Errorf("body %q", body)
			}
			if g, w := fmt.Sprint(head.StatusCode, head.Header), fmt.Sprint(get.StatusCode, get.Header); g != w {
				t.Errorf("HEAD %s\nGET  %s", g, w)
			}
		})
	}
}

func TestRanges(t *testing.T) {
	h := Handler(Config{Assets: build()})
	npy, js := assets+"samples/w.npy", assets+"js/main.js"
	etag := ask(t, h, "GET", npy, nil).Header.Get("Etag")
	for _, tt := range []struct {
		name, path, span, ifRange string
		status                    int
		body, contentRange        string
	}{
		{"middle", npy, "bytes=2-4", "", 206, "234", "bytes 2-4/10"},
		{"end", npy, "bytes=-3", "", 206, "789", "bytes 7-9/10"},
		{"past the end", npy, "bytes=8-99", "", 206, "89", "bytes 8-9/10"},
		{"outside", npy, "bytes=10-", "", 416, "", "bytes */10"},
		{"same file", npy, "bytes=0-0", etag, 206, "0", "bytes 0-0/10"},
		{"another file", npy, "bytes=0-0", `"x"`, 200, "0123456789", ""},
		{"of the plain file though brotli is there", js, "bytes=0-5", "", 206, "main, ", "bytes 0-5/11"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{"Range", tt.span, "Accept-Encoding", "br"}
			if tt.ifRange != "" {
				headers = append(headers, "If-Range", tt.ifRange)
			}
			res := ask(t, h, "GET", tt.path, nil, headers...)
			if res.StatusCode != tt.status || res.Header.Get("Content-Range") != tt.contentRange {
				t.Errorf("status %d, Content-Range %q; want %d, %q", res.StatusCode, res.Header.Get("Content-Range"), tt.status, tt.contentRange)
			}
			if got := text(t, res); tt.status != 416 && got != tt.body {
				t.Errorf("body %q, want %q", got, tt.body)
			}
			if e := res.Header.Get("Content-Encoding"); e != "" {
				t.Errorf("Content-Encoding %q", e)
			}
		})
	}
}

func TestMethods(t *testing.T) {
	h := Handler(Config{Assets: build()})
	for _, tt := range []struct{ method, path, allow string }{
		{"POST", "/", "GET, HEAD"},
		{"DELETE", "/nothing", "GET, HEAD"},
		{"OPTIONS", "/fewbits.js", "GET, HEAD"},
		{"POST", "/api/formats", "GET, HEAD, OPTIONS"},
		{"GET", "/api/quantize", "POST, OPTIONS"},
		{"HEAD", "/api/quantize", "POST, OPTIONS"},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			res := ask(t, h, tt.method, tt.path, nil)
			if res.StatusCode != 405 || res.Header.Get("Allow") != tt.allow {
				t.Errorf("status %d, Allow %q; want 405, %q", res.StatusCode, res.Header.Get("Allow"), tt.allow)
			}
		})
	}
}

// Paths are given as they are once decoded: a raw request line may hold any.
func TestTraversal(t *testing.T) {
	h := Handler(Config{Assets: build()})
	for _, p := range []string{
		"", "index.html", "/../static_test.go", "/..", "/a/../index.html", "/..\\static_test.go", "/a\\..\\index.html",
		"//", "//index.html", "/./index.html", "/index.html/", "/index.html\x00", "/index.html\x00.js", "/a//x",
		"//etc/passwd", "/./_headers", "/\xff",
	} {
		t.Run(p, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL.Path = p
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 404 {
				t.Errorf("status %d, want 404", w.Code)
			}
		})
	}
}

func TestNoAssets(t *testing.T) {
	res := ask(t, Handler(Config{}), "GET", "/", nil)
	if got := text(t, res); res.StatusCode != 404 || got != "there is nothing at this address\n" {
		t.Errorf("status %d, body %q", res.StatusCode, got)
	}
}
