package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// site writes a small build whose parent folder holds a secret.
func site(t *testing.T) string {
	t.Helper()
	parent := t.TempDir()
	dir := filepath.Join(parent, "dist")
	for name, body := range map[string]string{
		"secret.txt":      "secret",
		"dist/index.html": "<!doctype html>",
		"dist/x.js":       "x",
	} {
		file := filepath.Join(parent, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// start runs the command on a free port and returns its host:port, and a
// function that stops it and returns its exit status.
func start(t *testing.T, dir string) (addr string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"-addr", "127.0.0.1:0", "-dir", dir}, in, io.Discard)
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var rest string
	if _, err := fmt.Sscanf(line, "Fewbits is at http://%s", &rest); err != nil {
		t.Fatalf("first line %q: %v", line, err)
	}
	return strings.TrimSuffix(rest, "/"), func() int {
		cancel()
		select {
		case s := <-status:
			return s
		case <-time.After(5 * time.Second):
			t.Fatal("it does not stop")
			return -1
		}
	}
}

func TestServe(t *testing.T) {
	dir := site(t)
	addr, stop := start(t, dir)
	get := func(path string) (int, string) {
		t.Helper()
		// A raw request: a client would clean the path.
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: fewbits.test\r\nConnection: close\r\n\r\n", path)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if err := os.Symlink("../secret.txt", filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path   string
		status int
	}{
		{"/", 200},
		{"/x.js", 200},
		{"/api/formats", 200},
		{"/../secret.txt", 404},
		{"/%2e%2e/secret.txt", 404},
		{"/..%2fsecret.txt", 404},
		{"/..%5csecret.txt", 404},
		{"/x.js/../../secret.txt", 404},
		{"/x.js%00", 404},
		{"/link.txt", 404},
	} {
		t.Run(tt.path, func(t *testing.T) {
			status, body := get(tt.path)
			if status != tt.status || strings.Contains(body, "secret") {
				t.Errorf("status %d, want %d; body %.40q", status, tt.status, body)
			}
		})
	}
	t.Run("port taken", func(t *testing.T) {
		var stderr bytes.Buffer
		status := run(t.Context(), []string{"-addr", addr, "-dir", dir}, io.Discard, &stderr)
		if status != 1 || !strings.Contains(stderr.String(), "choose another with -addr") {
			t.Errorf("status %d, %q", status, stderr.String())
		}
	})
	t.Run("replaced folder", func(t *testing.T) {
		if err := os.Rename(dir, dir+".old"); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x.js"), []byte("new"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, body := get("/x.js"); body != "new" {
			t.Errorf("body %q", body)
		}
	})
	if status := stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		reason string
	}{
		{"unknown flag", []string{"-colour"}, 2, "-colour"},
		{"argument", []string{"dist"}, 2, "too many"},
		{"no build", []string{"-dir", t.TempDir()}, 1, "./build.sh dist"},
		{"no folder", []string{"-dir", filepath.Join(t.TempDir(), "none")}, 1, "./build.sh dist"},
		{"bad address", []string{"-dir", site(t), "-addr", "127.0.0.1:port"}, 1, "choose another with -addr"},
		{"help", []string{"-h"}, 0, "-addr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if status := run(t.Context(), tt.args, io.Discard, &stderr); status != tt.status || !strings.Contains(stderr.String(), tt.reason) {
				t.Errorf("status %d, want %d; %q", status, tt.status, stderr.String())
			}
		})
	}
}

func TestAddress(t *testing.T) {
	for _, tt := range []struct{ ip, want string }{
		{"127.0.0.1", "http://127.0.0.1:80/"},
		{"0.0.0.0", "http://localhost:80/"},
		{"::", "http://localhost:80/"},
		{"::1", "http://[::1]:80/"},
	} {
		t.Run(tt.ip, func(t *testing.T) {
			if got := address(&net.TCPAddr{IP: net.ParseIP(tt.ip), Port: 80}); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
