// Command serve puts a build of Fewbits on the network, natively.
//
//	serve [-addr 127.0.0.1:8080] [-dir dist]
//
// It prints its address once it listens, and on SIGINT or SIGTERM finishes
// what it is answering. Exit status: 0 fine, 1 it cannot serve, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fewbits/wasm/edge"
)

// Times after which the server gives up on a client. Writing includes
// quantizing, and a sample model over a slow line.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = time.Minute
	writeTimeout    = 5 * time.Minute
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 10 * time.Second
	maxHeaderBytes  = 64 << 10
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 takes a free one")
	dir := flags.String("dir", "dist", "`folder` of the built site")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "serve: %q is one argument too many\n", flags.Arg(0))
		return 2
	}
	if err := serve(ctx, *addr, *dir, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// serve answers until ctx ends.
func serve(ctx context.Context, addr, dir string, stdout io.Writer) error {
	files := folder(dir)
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return fmt.Errorf("serve: folder %q holds no built site: %w; build it first with ./build.sh dist", dir, err)
	}
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("serve: %s is taken by another program: choose another with -addr", addr)
	}
	if err != nil {
		return fmt.Errorf("serve: %w: choose another with -addr", err)
	}
	server := &http.Server{
		Handler:           edge.Handler(edge.Config{Assets: files}),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	fmt.Fprintf(stdout, "Fewbits is at %s\n", address(l.Addr()))
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("serve: some answers were cut off after %v: %w", shutdownTimeout, err)
	}
	return nil
}

// address is where a browser on this machine finds a listener.
func address(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// folder is a file system that no link leads out of. It is opened anew for
// each file, so a folder that a build replaced is seen.
type folder string

func (d folder) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := os.OpenInRoot(string(d), name)
	if err != nil {
		// A nil *os.File must not become a non-nil fs.File.
		return nil, err
	}
	return f, nil
}
