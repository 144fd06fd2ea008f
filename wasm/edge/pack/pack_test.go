package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"fewbits/wasm/edge/policy"
)

// long is text that compresses.
var long = strings.Repeat("const answer = 42;\n", 200)

// noise does not compress.
func noise() string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 4000)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func stageFiles() map[string]string {
	return map[string]string{
		"index.html":         `<link href="/a/dev/css/x.css"><script src="./a/dev/js/main.js"></script><p>data/dev/ a/dev/`,
		"fewbits.js":         "const base = new URL('a/dev/', import.meta.url)\n" + long,
		"css/x.css":          "body{}",
		"js/main.js":         "import './sub/other.js'\n// see data/dev/x\n" + long,
		"js/sub/other.js":    long,
		"wasm/engine.wasm":   "\x00asm" + long,
		"wasm/noise.wasm":    noise(),
		"samples/layer.npy":  long,
		".DS_Store":          "x",
		"js/.cache/dead.txt": "x",
	}
}

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, body := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, name)
		files[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// packTree packs files and returns what came out.
func packTree(t *testing.T, files map[string]string, flags ...string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "stage"), filepath.Join(dir, "dist")
	writeTree(t, in, files)
	var stderr bytes.Buffer
	args := append([]string{"-fast", "-in", in, "-out", out}, flags...)
	if status := run(args, io.Discard, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	return readTree(t, out)
}

func hashIn(t *testing.T, dist map[string]string) string {
	t.Helper()
	for name := range dist {
		if strings.HasPrefix(name, "a/") {
			return strings.Split(name, "/")[1]
		}
	}
	t.Fatal("nothing under a/")
	return ""
}

func TestPack(t *testing.T) {
	stage := stageFiles()
	dist := packTree(t, stage)
	hash := hashIn(t, dist)
	if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(hash) {
		t.Errorf("hash %q", hash)
	}
	a := "a/" + hash + "/"
	if !policy.Immutable("/" + a + "js/main.js") {
		t.Error("the policy does not take the hash for one")
	}
	want := []string{
		".assetsignore", "_headers", "index.html", "fewbits.js", "fewbits.js.br", "fewbits.js.gz",
		a + "css/x.css",
		a + "js/main.js", a + "js/main.js.br", a + "js/main.js.gz",
		a + "js/sub/other.js", a + "js/sub/other.js.br", a + "js/sub/other.js.gz",
		a + "wasm/engine.wasm", a + "wasm/engine.wasm.br", a + "wasm/engine.wasm.gz",
		a + "wasm/noise.wasm", a + "samples/layer.npy",
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(dist)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	index := `<link href="/` + a + `css/x.css"><script src="./` + a + `js/main.js"></script><p>data/dev/ ` + a
	if dist["index.html"] != index {
		t.Errorf("index.html is %s", dist["index.html"])
	}
	if got := dist["fewbits.js"]; !strings.HasPrefix(got, "const base = new URL('"+a+"', import.meta.url)\n") {
		t.Errorf("fewbits.js starts with %.60q", got)
	}
	for _, name := range []string{"js/main.js", "wasm/engine.wasm", "samples/layer.npy"} {
		if dist[a+name] != stage[name] {
			t.Errorf("%s was changed", name)
		}
	}
	if dist["_headers"] != policy.Cloudflare(hash) {
		t.Error("_headers are not those of the policy")
	}
}

func TestRoundTrip(t *testing.T) {
	dist := packTree(t, stageFiles())
	pairs := 0
	for name, data := range dist {
		var r io.Reader
		plain, ok := strings.CutSuffix(name, ".br")
		if ok {
			r = brotli.NewReader(strings.NewReader(data))
		} else if plain, ok = strings.CutSuffix(name, ".gz"); ok {
			g, err := gzip.NewReader(strings.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if !g.ModTime.IsZero() || g.Name != "" {
				t.Errorf("%s: header holds %v %q", name, g.ModTime, g.Name)
			}
			r = g
		} else {
			continue
		}
		pairs++
		got, err := io.ReadAll(r)
		if err != nil || string(got) != dist[plain] {
			t.Errorf("%s: not %s (%v)", name, plain, err)
		}
		if len(data) >= len(dist[plain]) {
			t.Errorf("%s is no smaller than %s", name, plain)
		}
		if !strings.Contains(dist[".assetsignore"], "\n/"+name+"\n") {
			t.Errorf("%s is not in .assetsignore", name)
		}
	}
	if pairs != 8 {
		t.Errorf("%d compressed files, want 8", pairs)
	}
}

// The same stage gives the same site, with or without what a cache kept, and
// after a site that was there before.
func TestDeterministic(t *testing.T) {
	dir := t.TempDir()
	in, out, store := filepath.Join(dir, "stage"), filepath.Join(dir, "sub", "dist"), filepath.Join(dir, "cache")
	writeTree(t, in, stageFiles())
	var before map[string]string
	for _, flags := range [][]string{{}, {"-cache", store}, {"-cache", store}} {
		args := append([]string{"-fast", "-in", in, "-out", out}, flags...)
		if status := run(args, io.Discard, os.Stderr); status != 0 {
			t.Fatalf("status %d", status)
		}
		now := readTree(t, out)
		if before != nil && !maps.Equal(before, now) {
			t.Errorf("another site with %q", flags)
		}
		before = now
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "sub", ".pack-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestHash(t *testing.T) {
	hash := func(change func(map[string]string)) string {
		files := stageFiles()
		change(files)
		return hashIn(t, packTree(t, files))
	}
	base := hash(func(map[string]string) {})
	for _, tt := range []struct {
		name   string
		change func(map[string]string)
		same   bool
	}{
		{"another asset", func(f map[string]string) { f["css/x.css"] = "body{x}" }, false},
		{"another name", func(f map[string]string) { f["css/y.css"] = f["css/x.css"]; delete(f, "css/x.css") }, false},
		{"one more", func(f map[string]string) { f["css/y.css"] = "" }, false},
		{"bytes moved from file to file", func(f map[string]string) {
			f["js/main.js"] += f["js/sub/other.js"][:5]
			f["js/sub/other.js"] = f["js/sub/other.js"][5:]
		}, false},
		{"another page", func(f map[string]string) { f["index.html"] += "!" }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := hash(tt.change); (got == base) != tt.same {
				t.Errorf("hash %s, before %s", got, base)
			}
		})
	}
}

// A second run takes what the first compressed, by content and quality.
func TestCache(t *testing.T) {
	store := t.TempDir()
	files := stageFiles()
	packTree(t, files, "-cache", store)
	entries, err := filepath.Glob(filepath.Join(store, "*.br-*-q4"))
	if err != nil || len(entries) != 5 {
		t.Fatalf("%d brotli files in the cache, want 5 (%v)", len(entries), err)
	}
	// What stands in the cache is what comes out.
	for _, e := range entries {
		if err := os.WriteFile(e, []byte("from the cache"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-2 * kept)
	stale := filepath.Join(store, "stale")
	writeTree(t, store, map[string]string{"stale": "x"})
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	files["js/sub/other.js"] += "changed"
	dist := packTree(t, files, "-cache", store)
	a := "a/" + hashIn(t, dist) + "/"
	if got := dist[a+"js/main.js.br"]; got != "from the cache" {
		t.Errorf("main.js.br is %.20q", got)
	}
	if got := dist[a+"js/sub/other.js.br"]; got == "from the cache" {
		t.Error("a changed file came from the cache")
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("an old file was kept")
	}
	dist = packTree(t, files, "-cache", store, "-quality", "5")
	if got := dist[a+"js/main.js.br"]; got == "from the cache" {
		t.Error("another quality came from the cache")
	}
}

func TestSizes(t *testing.T) {
	files := map[string]string{
		"index.html":       strings.Repeat("<", 100),
		"css/x.css":        strings.Repeat("c", 20),
		"js/main.js":       strings.Repeat("j", 300),
		"js/lesson.js":     strings.Repeat("l", 5000),
		"wasm/engine.wasm": noise(), // 4000
		"wasm/wllama.wasm": strings.Repeat("w", 700),
	}
	const pre, total = 100 + 20 + 300, 100 + 20 + 300 + 4000
	lazy := []string{"-lazy", "js/lesson.js,wasm/wl*.wasm"}
	for _, tt := range []struct {
		name   string
		flags  []string
		status int
		reason string
	}{
		{"no limits", nil, 0, ""},
		{"at the limits", []string{"-max-prewasm", fmt.Sprint(pre), "-max-total", fmt.Sprint(total)}, 0, ""},
		{"one over before wasm", []string{"-max-prewasm", fmt.Sprint(pre - 1)}, 1, "before wasm: 420 bytes as brotli, 1 over the limit of 419"},
		{"what is asked for after the wasm counts in all", []string{"-first", "wasm,js/main.js", "-max-prewasm", fmt.Sprint(pre - 300), "-max-total", fmt.Sprint(total)}, 0, ""},
		{"one over in all", []string{"-max-total", fmt.Sprint(total - 1)}, 1, "in all: 4420 bytes as brotli, 1 over the limit of 4419"},
		{"a name that fits nothing", []string{"-first", "wasn"}, 1, `"wasn" names no file`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeTree(t, filepath.Join(dir, "stage"), files)
			args := append([]string{"-fast", "-in", filepath.Join(dir, "stage"), "-out", filepath.Join(dir, "dist")}, lazy...)
			var stdout, stderr bytes.Buffer
			if status := run(append(args, tt.flags...), &stdout, &stderr); status != tt.status || !strings.Contains(stderr.String(), tt.reason) {
				t.Errorf("status %d, %s", status, stderr.String())
			}
			if tt.status == 0 && !regexp.MustCompile(`4420 +4420 +first visit, in all`).MatchString(stdout.String()) {
				t.Errorf("printed:\n%s", stdout.String())
			}
		})
	}
}

// With -fast-rest the sizes of a first visit are those of a dist.
func TestFastRest(t *testing.T) {
	text := strings.Repeat("a page of words that come again, and numbers: ", 300)
	for i := range 400 {
		text += fmt.Sprint(i * i * 7919 % 10007)
	}
	sizes := func(flags ...string) (js, lazy int64) {
		dir := t.TempDir()
		writeTree(t, filepath.Join(dir, "stage"), map[string]string{"index.html": "x", "css/a.css": "a", "js/main.js": text, "js/lesson.js": text, "wasm/a.wasm": "a"})
		args := append([]string{"-in", filepath.Join(dir, "stage"), "-out", filepath.Join(dir, "dist"), "-lazy", "js/lesson.js"}, flags...)
		var stderr bytes.Buffer
		if status := run(args, io.Discard, &stderr); status != 0 {
			t.Fatalf("status %d: %s", status, stderr.String())
		}
		size := func(name string) int64 {
			found, err := filepath.Glob(filepath.Join(dir, "dist/a/*/js", name))
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			st, err := os.Stat(found[0])
			if err != nil {
				t.Fatal(err)
			}
			return st.Size()
		}
		return size("main.js.br"), size("lesson.js.br")
	}
	js, lazy := sizes()
	fast, _ := sizes("-fast")
	gotJS, gotLazy := sizes("-fast-rest")
	if js != lazy || fast <= js || gotJS != js || gotLazy != fast {
		t.Errorf("in full %d and %d, lightly %d; -fast-rest gives %d and %d", js, lazy, fast, gotJS, gotLazy)
	}
}

func TestRefusals(t *testing.T) {
	good := stageFiles()
	with := func(name, body string) map[string]string {
		files := maps.Clone(good)
		files[name] = body
		return files
	}
	for _, tt := range []struct {
		name   string
		stage  map[string]string
		dist   map[string]string // before
		flags  []string
		status int
		reason string
	}{
		{"asset by its staged address", with("js/bad.js", "x\nimport '/a/dev/js/main.js'"), nil, nil, 1, "js/bad.js:2 refers to a/dev/"},
		{"sibling in the stage", with("js/main.js.br", "x"), nil, nil, 1, "main.js.br"},
		{"someone's own folder", good, map[string]string{"thesis.tex": "x"}, nil, 1, "did not write"},
		{"too large", with("samples/x.npy", strings.Repeat("x", maxFile+1)), nil, nil, 1, "samples/x.npy has 26214401 bytes"},
		{"no stage", nil, nil, nil, 1, "stage"},
		{"quality", good, nil, []string{"-quality", "12"}, 2, "1 to 11"},
		{"argument", good, nil, []string{"more"}, 2, "too many"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			in, out := filepath.Join(dir, "stage"), filepath.Join(dir, "dist")
			writeTree(t, in, tt.stage)
			writeTree(t, out, tt.dist)
			var stderr bytes.Buffer
			args := append([]string{"-fast", "-in", in, "-out", out}, tt.flags...)
			if status := run(args, io.Discard, &stderr); status != tt.status || !strings.Contains(stderr.String(), tt.reason) {
				t.Errorf("status %d, want %d: %s", status, tt.status, stderr.String())
			}
			if len(tt.dist) > 0 && !maps.Equal(readTree(t, out), tt.dist) {
				t.Error("the folder was changed")
			}
		})
	}
	t.Run("link", func(t *testing.T) {
		dir := t.TempDir()
		writeTree(t, dir, map[string]string{"index.html": "x"})
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.txt")); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		if status := run([]string{"-in", dir, "-out", filepath.Join(t.TempDir(), "dist")}, io.Discard, &stderr); status != 1 || !strings.Contains(stderr.String(), "link.txt") {
			t.Errorf("status %d: %s", status, stderr.String())
		}
	})
}
