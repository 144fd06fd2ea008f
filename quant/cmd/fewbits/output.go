package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// checkOutput fails where path cannot become a file, before any work is done.
func checkOutput(path string) error {
	dir := filepath.Dir(path)
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return fmt.Errorf("%s: there is no folder %s; make it first", path, dir)
	}
	switch st, err := os.Stat(path); {
	case err != nil:
		return nil
	case st.IsDir():
		return fmt.Errorf("%s is a folder; name a file", path)
	case !st.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file, and only such are replaced", path)
	}
	return nil
}

// create writes a file whole or not at all: write writes to a temporary one
// beside it, which takes its name at the end. Once ctx is done writing fails.
func create(ctx context.Context, path string, write func(w io.Writer) error) error {
	if err := checkOutput(path); err != nil {
		return err
	}
	tmp, err := temporary(path)
	if err != nil {
		return fault(path, err)
	}
	defer os.Remove(tmp.Name()) // it is gone once it was renamed
	out := bufio.NewWriterSize(&contextWriter{ctx, tmp}, 1<<20)
	err = write(out)
	if err == nil {
		err = out.Flush()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	var p *fs.PathError
	if errors.As(err, &p) && p.Path == tmp.Name() {
		return fault(path, err)
	}
	return err
}

// temporary makes a new file in path's folder, with the permissions that the
// person's umask leaves.
func temporary(path string) (*os.File, error) {
	for tries := 0; ; tries++ {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".fewbits-%08x", rand.Uint32()))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) || tries == 100 {
			return f, err
		}
	}
}

// contextWriter writes until its context is done.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c *contextWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
