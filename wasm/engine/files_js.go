package engine

import (
	"fmt"
	"strconv"
	"strings"
	"syscall/js"

	"fewbits/quant"
	"fewbits/wasm/engine/remote"
)

// filesOf takes the files of a message: a list of {name, file}, a Blob each, or
// {name, url, size, tag} of one that lies on a server.
func filesOf(list js.Value) []quant.File {
	files := make([]quant.File, list.Length())
	for i := range files {
		v := list.Index(i)
		f := &files[i]
		f.Name = v.Get("name").String()
		if blob := v.Get("file"); blob.Truthy() {
			b := newBlob(blob)
			f.R, f.Size = b, b.size
			continue
		}
		f.Size = int64(v.Get("size").Float())
		there := &address{url: v.Get("url").String(), tag: v.Get("tag").String(), size: f.Size}
		f.R = remote.New(f.Size, there.fetch)
	}
	return files
}

// address is a file on a server that answers requests for ranges.
type address struct {
	url  string
	tag  string // ETag or Last-Modified as it was first; "" where the server keeps it to itself
	size int64
}

// attempts is how often a request is made that the network loses.
const attempts = 3

const instead = "; download the file and open it from disk, or try again"

// fetch fills p from offset off on.
func (a *address) fetch(p []byte, off int64) (err error) {
	for range attempts {
		x, lost := a.get(off, off+int64(len(p))-1)
		if lost != nil {
			err = lost
			continue
		}
		return a.take(x, p, off)
	}
	return err
}

// get asks for bytes first to last. Synchronous requests, which only workers
// have for this, let the core read as it reads a file.
func (a *address) get(first, last int64) (x js.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("bytes %d to %d of %s were not answered%s", first, last, a.url, instead)
		}
	}()
	x = js.Global().Get("XMLHttpRequest").New()
	x.Call("open", "GET", a.url, false)
	x.Set("responseType", "arraybuffer")
	x.Call("setRequestHeader", "Range", "bytes="+strconv.FormatInt(first, 10)+"-"+strconv.FormatInt(last, 10))
	x.Call("send")
	return x, nil
}

// take copies what was answered, if it is what was asked for.
func (a *address) take(x js.Value, p []byte, off int64) error {
	headers := headersOf(x.Call("getAllResponseHeaders").String())
	tag := headers["etag"]
	if tag == "" {
		tag = headers["last-modified"]
	}
	total := a.size
	if _, after, ok := strings.Cut(headers["content-range"], "/"); ok {
		if n, err := strconv.ParseInt(after, 10, 64); err == nil {
			total = n
		}
	}
	switch status := x.Get("status").Int(); {
	case status == 416 || status == 206 && total != a.size || a.tag != "" && tag != "" && tag != a.tag:
		return fmt.Errorf("%s changed while it was read; open it again", a.url)
	case status == 200:
		return fmt.Errorf("the server of %s no longer answers with a part of the file%s", a.url, instead)
	case status != 206:
		return fmt.Errorf("the server of %s answers %d to a request for bytes %d to %d%s", a.url, status, off, off+int64(len(p))-1, instead)
	}
	response := x.Get("response")
	n := js.CopyBytesToGo(p, js.Global().Get("Uint8Array").New(response))
	js.Global().Call("fewbitsFree", response)
	if n < len(p) {
		return fmt.Errorf("the server of %s sent %d of %d bytes from byte %d on%s", a.url, n, len(p), off, instead)
	}
	return nil
}

// headersOf are headers by their names in small letters.
func headersOf(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok {
			m[strings.ToLower(k)] = strings.TrimSpace(v)
		}
	}
	return m
}
