package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fewbits/wasm/edge/policy"
)

// ignoreFile lists what Cloudflare does not take: it compresses by itself.
// It also marks a folder as one that pack wrote and may replace.
const ignoreFile = ".assetsignore"

const ignoreHead = "# Written by pack: Cloudflare compresses by itself.\n"

// write builds the site beside out and then puts it in place, so that out
// never holds half a site.
func write(files []*file, hash, out string) error {
	out = filepath.Clean(out)
	if err := replaceable(out); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(out), ".pack-")
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	err = fill(files, hash, fresh)
	if err == nil {
		err = swap(fresh, out)
	}
	if err != nil {
		return fmt.Errorf("pack: %w", errors.Join(err, os.RemoveAll(fresh)))
	}
	return nil
}

// replaceable is nil where out is not there, empty, or written by pack.
func replaceable(out string) error {
	entries, err := os.ReadDir(out)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	head, err := os.ReadFile(filepath.Join(out, ignoreFile))
	if err != nil || !strings.HasPrefix(string(head), ignoreHead) {
		return fmt.Errorf("pack: folder %q holds something that pack did not write: remove it, or choose another with -out", out)
	}
	return nil
}

func fill(files []*file, hash, dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	ignore := ignoreHead
	for _, f := range files {
		if err := put(root, f.out, f.data); err != nil {
			return err
		}
		for ext, data := range map[string][]byte{".br": f.br, ".gz": f.gz} {
			if data == nil {
				continue
			}
			if err := put(root, f.out+ext, data); err != nil {
				return err
			}
		}
		if f.br != nil {
			ignore += "/" + f.out + ".br\n"
		}
		if f.gz != nil {
			ignore += "/" + f.out + ".gz\n"
		}
	}
	if err := put(root, "_headers", []byte(policy.Cloudflare(hash))); err != nil {
		return err
	}
	return put(root, ignoreFile, []byte(ignore))
}

// put writes a new file; one that is there already is a mistake in the stage.
func put(root *os.Root, name string, data []byte) error {
	name = filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// swap puts fresh in place of out, and out back where that fails.
func swap(fresh, out string) error {
	old := fresh + ".old"
	err := os.Rename(out, old)
	had := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, out); err != nil {
		if had {
			err = errors.Join(err, os.Rename(old, out))
		}
		return err
	}
	return os.RemoveAll(old)
}
