//go:build !js

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fewbits/wasm/edge"
)

// config runs the worker alone, without assets.
const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "ADDRESS", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.mjs", esModule = embed "worker.mjs"),
    (name = "wasm_exec.js", esModule = embed "wasm_exec.js"),
    (name = "runtime.mjs", esModule = embed "runtime.mjs"),
    (name = "app.wasm", wasm = embed "app.wasm"),
  ],
  compatibilityDate = "2026-11-01",
);
`

// workerd finds Cloudflare's runtime: npm's workerd package, or the program
// that FEWBITS_WORKERD names.
func workerd(t *testing.T) string {
	t.Helper()
	names := []string{os.Getenv("FEWBITS_WORKERD")}
	found, err := filepath.Glob("../../../web/node_modules/@cloudflare/workerd-*/bin/workerd")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, found...) {
		if name == "" {
			continue
		}
		// exec wants more than "workerd" for a program in a relative folder.
		if abs, err := filepath.Abs(name); err == nil {
			if _, err := os.Stat(abs); err == nil {
				return abs
			}
		}
	}
	t.Skip("no workerd: npm install it under web, or name it in FEWBITS_WORKERD")
	return ""
}

// start builds the worker, runs it, and returns where it answers.
func start(t *testing.T, runtime string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "worker")
	command(t, nil, "run", "github.com/syumai/workers/cmd/workers-assets-gen", "-mode=go", "-o", dir)
	command(t, []string{"GOOS=js", "GOARCH=wasm"}, "build", "-o", filepath.Join(dir, "app.wasm"), ".")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	file := filepath.Join(dir, "config.capnp")
	if err := os.WriteFile(file, []byte(strings.Replace(config, "ADDRESS", addr, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := exec.CommandContext(t.Context(), runtime, "serve", file)
	c.Stdout, c.Stderr = &log, &log
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// t.Context has ended and with it the runtime.
		_ = c.Wait()
		if strings.Contains(log.String(), "exception") {
			t.Errorf("workerd says: %s", log.String())
		}
	})
	for range 100 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return "http://" + addr
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("workerd does not listen")
	return ""
}

func command(t *testing.T, env []string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", args...)
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// npyFile is a 4 × 256 array of float32 in version 1.0 of the npy format.
func npyFile() []byte {
	const dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 256), }"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(dict)+1), 0)
	b = append(append(b, dict...), '\n')
	for i := range 4 * 256 {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(math.Sin(float64(i*i)))))
	}
	return b
}

// TestSameAsNative asks the worker in Cloudflare's runtime and the native
// handler the same, and wants the same answers.
func TestSameAsNative(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program of 8 MB")
	}
	base := start(t, workerd(t))
	native := edge.Handler(edge.Config{MaxBody: maxBody})
	file := npyFile()
	for _, tt := range []struct {
		method, path string
		body         []byte
		accept       string
		status       int
	}{
		{"GET", "/api/formats", nil, "", 200},
		{"HEAD", "/api/formats", nil, "", 200},
		{"OPTIONS", "/api/quantize?format=INT8", nil, "", 204},
		{"GET", "/api/quantize?format=INT8", nil, "", 405},
		{"POST", "/api/quantize?format=INT8", file, "", 200},
		{"POST", "/api/quantize?format=INT8&sym=true&granularity=channel", file, "", 200},
		{"POST", "/api/quantize?format=Q4_K", file, "", 200},
		{"POST", "/api/quantize?format=q4_k", file, "application/json", 200},
		{"POST", "/api/quantize?format=NF4", file, "", 200},
		{"POST", "/api/quantize?format=Q4_K", file[:99], "", 400},
		{"POST", "/api/quantize?format=none", file, "", 404},
		{"POST", "/api/quantize?format=Q4_K", make([]byte, maxBody+1), "", 413},
		{"POST", "/api/quantize?format=Q4_K", []byte("PK\x03\x04"), "", 415},
		{"GET", "/nothing", nil, "", 404},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, tt.method, base+tt.path, bytes.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.accept != "" {
				r.Header.Set("Accept", tt.accept)
			}
			got, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			w := httptest.NewRecorder()
			n := httptest.NewRequest(tt.method, tt.path, bytes.NewReader(tt.body))
			n.Header = r.Header
			native.ServeHTTP(w, n)
			compare(t, got, w.Result(), tt.status)
		})
	}
}

func compare(t *testing.T, got, want *http.Response, status int) {
	t.Helper()
	if got.StatusCode != status || want.StatusCode != status {
		t.Errorf("status %d, natively %d, want %d", got.StatusCode, want.StatusCode, status)
	}
	for key, values := range want.Header {
		if key == "Content-Length" && got.Request.Method == http.MethodHead {
			continue
		}
		if g, w := strings.Join(got.Header.Values(key), ", "), strings.Join(values, ", "); g != w {
			t.Errorf("%s: %q, natively %q", key, g, w)
		}
	}
	gotBody, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	wantBody, err := io.ReadAll(want.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(gotBody, wantBody) {
		t.Errorf("%d bytes, natively %d other ones: %.200q, %.200q", len(gotBody), len(wantBody), gotBody, wantBody)
	}
}
