//go:build !js

// Package wasm_test holds the arrows between the parts of Fewbits:
// web → wasm → quant → kernels, and what a page must not have to download.
package wasm_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/report"
)

// pkg is a package with what it imports by itself and in the end.
type pkg struct {
	path          string
	imports, deps []string
}

// list describes packages of this module as they are built for a target.
func list(t *testing.T, goos, goarch string, patterns ...string) []pkg {
	t.Helper()
	const form = `{{.ImportPath}}|{{join .Imports ","}}|{{join .Deps ","}}`
	cmd := exec.Command("go", append([]string{"list", "-f", form}, patterns...)...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", patterns, err, stderr.String())
	}
	var all []pkg
	for line := range strings.Lines(string(out)) {
		part := strings.Split(strings.TrimSpace(line), "|")
		all = append(all, pkg{part[0], strings.Split(part[1], ","), strings.Split(part[2], ",")})
	}
	if len(all) == 0 {
		t.Fatalf("go list %v: there are no packages", patterns)
	}
	return all
}

var targets = [][2]string{{"linux", "amd64"}, {"js", "wasm"}}

// TestArrows wants each part to know only those after it.
func TestArrows(t *testing.T) {
	for _, target := range targets {
		for _, part := range []struct {
			pattern string
			knows   []string
		}{
			{"./kernels/...", []string{"fewbits/kernels"}},
			{"./quant/...", []string{"fewbits/quant", "fewbits/kernels"}},
			{"./wasm/...", []string{"fewbits/wasm", "fewbits/quant", "fewbits/kernels"}},
		} {
			for _, p := range list(t, target[0], target[1], part.pattern) {
				for _, dep := range p.deps {
					known := slices.ContainsFunc(part.knows, func(k string) bool { return dep == k || strings.HasPrefix(dep, k+"/") })
					if strings.HasPrefix(dep, "fewbits/") && !known {
						t.Errorf("%v: %s depends on %s", target, p.path, dep)
					}
				}
			}
		}
	}
}

// TestCoreKnowsNoBrowser wants the core, and what is tested natively of the
// page and the workers, to do without a browser and without a network.
func TestCoreKnowsNoBrowser(t *testing.T) {
	for _, target := range targets {
		for _, p := range list(t, target[0], target[1], "./kernels/...", "./quant/...", "./wasm/wire", "./wasm/lesson/...", "./wasm/engine/products", "./wasm/engine/session", "./wasm/app/page") {
			// Go's own packages use syscall/js on that target.
			for _, no := range []string{"syscall/js", "honnef.co/go/js/dom/v2", "github.com/syumai/workers"} {
				if slices.Contains(p.imports, no) {
					t.Errorf("%v: %s imports %s", target, p.path, no)
				}
			}
			for _, no := range []string{"net", "net/http", "net/url"} {
				if slices.Contains(p.deps, no) {
					t.Errorf("%v: %s depends on %s", target, p.path, no)
				}
			}
		}
	}
}

// TestWhatThePageLoads keeps large packages out of what is downloaded.
func TestWhatThePageLoads(t *testing.T) {
	large := []string{"encoding/json", "encoding/xml", "html", "html/template", "text/template", "regexp", "net", "net/http", "net/url", "crypto/tls", "go/token", "testing"}
	for _, p := range list(t, "js", "wasm", "./wasm/main", "./wasm/products", "./wasm/app/...", "./wasm/engine/...") {
		for _, no := range large {
			if slices.Contains(p.deps, no) {
				t.Errorf("%s depends on %s", p.path, no)
			}
		}
	}
}

// TestSmallProgram keeps what runs models out of what a first visit downloads.
func TestSmallProgram(t *testing.T) {
	t.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -tags=first"))
	for _, p := range list(t, "js", "wasm", "./wasm/main") {
		for _, no := range []string{"fewbits/quant/llama", "fewbits/quant/eval", "fewbits/quant/tales", "fewbits/quant/huggingface", "fewbits/wasm/lesson"} {
			if slices.Contains(p.deps, no) {
				t.Errorf("the small program depends on %s", no)
			}
		}
	}
}

// Reports name the version under which the engine is published.
func TestReportsNameThePackagesVersion(t *testing.T) {
	b, err := os.ReadFile("../web/npm/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ Version string }
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	if p.Version != report.EngineVersion {
		t.Errorf("web/npm/package.json has version %q, report.EngineVersion is %q", p.Version, report.EngineVersion)
	}
}
