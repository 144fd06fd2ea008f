package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
)

// smallest is the size in bytes below which compressing is not worth a file:
// the answer fits into one packet anyway.
const smallest = 1024

// window is the base-2 logarithm of brotli's window in bytes, the largest that
// every browser takes. A Go program repeats itself over megabytes.
const window = 24

// kept is how long an unused file stays in the cache.
const kept = 30 * 24 * time.Hour

// codec is a way to compress. The name stands in the cache, so it changes
// where the output would.
type codec struct {
	name     string
	compress func(w io.Writer, data []byte) error
}

func brotliCodec(quality int) codec {
	return codec{fmt.Sprintf("br-1.2-w%d-q%d", window, quality), func(w io.Writer, data []byte) error {
		b := brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: quality, LGWin: window})
		_, err := b.Write(data)
		return errors.Join(err, b.Close())
	}}
}

// gzipCodec writes neither name nor time into the header.
func gzipCodec(level int) codec {
	return codec{fmt.Sprintf("gz-%s-l%d", runtime.Version(), level), func(w io.Writer, data []byte) error {
		g, err := gzip.NewWriterLevel(w, level)
		if err != nil {
			return err
		}
		_, err = g.Write(data)
		return errors.Join(err, g.Close())
	}}
}

// job is one file to compress in one way.
type job struct {
	data  []byte
	codec codec
	to    *[]byte
}

// compress fills br and gz of the files that gain by it, on all processors.
func compress(files []*file, c config) error {
	store := cache(c.cache)
	if err := store.open(); err != nil {
		return fmt.Errorf("pack: cache: %w", err)
	}
	var jobs []job
	for _, f := range files {
		if len(f.data) > smallest && (isText(f.name) || filepath.Ext(f.name) == ".wasm") {
			quality := c.brotli
			if c.fastRest && !c.firstVisit(f.name) {
				quality = min(quality, brotliFast)
			}
			jobs = append(jobs,
				job{f.data, brotliCodec(quality), &f.br},
				job{f.data, gzipCodec(c.gzip), &f.gz})
		}
	}
	// The longest first, or all wait for it at the end.
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(len(b.data), len(a.data)) })
	errs := make([]error, len(jobs))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				errs[i] = jobs[i].do(store)
			}
		})
	}
	for i := range jobs {
		next <- i
	}
	close(next)
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("pack: compress: %w", err)
	}
	return nil
}

func (j job) do(store cache) error {
	sum := sha256.Sum256(j.data)
	key := hex.EncodeToString(sum[:]) + "." + j.codec.name
	out, ok := store.get(key)
	if !ok {
		var b bytes.Buffer
		if err := j.codec.compress(&b, j.data); err != nil {
			return err
		}
		out = b.Bytes()
		if err := store.put(key, out); err != nil {
			return err
		}
	}
	if len(out) < len(j.data) {
		*j.to = out
	}
	return nil
}

// cache is a folder of compressed files; "" keeps none.
type cache string

// open makes the folder and drops what was not used for long.
func (c cache) open() error {
	if c == "" {
		return nil
	}
	if err := os.MkdirAll(string(c), 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(string(c))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > kept {
			err = os.Remove(filepath.Join(string(c), e.Name()))
		}
		// Another run may have dropped it first.
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (c cache) get(key string) ([]byte, bool) {
	if c == "" {
		return nil, false
	}
	name := filepath.Join(string(c), key)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, false
	}
	now := time.Now()
	// Only how long it is kept hangs on this.
	_ = os.Chtimes(name, now, now)
	return data, true
}

// put writes beside and renames, so that no run reads half a file.
func (c cache) put(key string, data []byte) error {
	if c == "" {
		return nil
	}
	f, err := os.CreateTemp(string(c), "new-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(string(c), key))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
