//go:build js && wasm

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall/js"
	"time"
)

// binding is the assets binding as a file system. It calls the binding itself:
// an http.Client would add 5 MB to the program.
type binding struct{ value js.Value }

// Open fetches a file whole. What lies beside a file compressed is not there:
// Cloudflare compresses by itself.
func (b binding) Open(name string) (fs.File, error) {
	ext := path.Ext(name)
	if !fs.ValidPath(name) || ext == ".br" || ext == ".gz" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	body, err := b.fetch(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &file{Reader: bytes.NewReader(body), name: path.Base(name)}, nil
}

func (b binding) fetch(name string) ([]byte, error) {
	// Pages have their address without the ending; the host does not matter.
	u := js.Global().Get("URL").New("https://assets.invalid/")
	u.Set("pathname", strings.TrimSuffix(name, ".html"))
	res, err := await(b.value.Call("fetch", u.Get("href")))
	if err != nil {
		return nil, err
	}
	if res.Get("status").Int() != 200 {
		return nil, fs.ErrNotExist
	}
	buffer, err := await(res.Call("arrayBuffer"))
	if err != nil {
		return nil, err
	}
	view := js.Global().Get("Uint8Array").New(buffer)
	body := make([]byte, view.Length())
	js.CopyBytesToGo(body, view)
	return body, nil
}

// await waits for a promise.
func await(promise js.Value) (js.Value, error) {
	type result struct {
		value js.Value
		err   error
	}
	done := make(chan result, 1)
	then := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- result{value: args[0]}
		return nil
	})
	defer then.Release()
	catch := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- result{err: fmt.Errorf("assets binding: %s", args[0].Call("toString").String())}
		return nil
	})
	defer catch.Release()
	promise.Call("then", then, catch)
	r := <-done
	return r.value, r.err
}

// file is a fetched file.
type file struct {
	*bytes.Reader
	name string
}

func (f *file) Stat() (fs.FileInfo, error) { return info{f.name, f.Reader.Size()}, nil }
func (f *file) Close() error               { return nil }

type info struct {
	name string
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return 0o444 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
