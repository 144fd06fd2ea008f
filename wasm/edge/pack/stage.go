package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"fewbits/wasm/edge/policy"
)

// marker is how files at the top refer to the folders of assets.
const marker = "a/dev/"

// maxFile is the size in bytes of the largest file that Cloudflare serves.
const maxFile = 25 << 20

// file is one file of the site.
type file struct {
	name   string // in the stage, with slashes
	out    string // in dist
	data   []byte
	br, gz []byte // nil where they gain nothing
}

// asset is true for a file in a folder: it moves under a/HASH/.
func (f *file) asset() bool { return strings.Contains(f.name, "/") }

// read takes in a stage in order of names. Dot files stay behind.
func read(dir string) ([]*file, error) {
	var files []*file
	stage := os.DirFS(dir)
	err := fs.WalkDir(stage, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is not a regular file: a stage holds no links", name)
		}
		data, err := fs.ReadFile(stage, name)
		if err != nil {
			return err
		}
		if len(data) > maxFile {
			return fmt.Errorf("%s has %d bytes; Cloudflare serves no file over %d: split it", name, len(data), maxFile)
		}
		files = append(files, &file{name: name, data: data})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("pack: stage %q: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("pack: stage %q is empty", dir)
	}
	return files, nil
}

// hashOf is 12 hexadecimal digits that change where any asset does.
func hashOf(files []*file) string {
	sum := sha256.New()
	for _, f := range files {
		if f.asset() {
			fmt.Fprintf(sum, "%q %d\n", f.name, len(f.data))
			sum.Write(f.data)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// place says where each file goes and rewrites those at the top.
func place(files []*file, hash string) error {
	for _, f := range files {
		text := isText(f.name)
		if !f.asset() {
			f.out = f.name
			if text {
				f.data = rewrite(f.data, "a/"+hash+"/")
			}
			continue
		}
		f.out = path.Join("a", hash, f.name)
		if at := find(f.data, 0); text && at >= 0 {
			line := 1 + bytes.Count(f.data[:at], []byte("\n"))
			return fmt.Errorf("pack: %s:%d refers to %s: use a path relative to the file, as its folder moves with it", f.name, line, marker)
		}
	}
	return nil
}

// isText is true for what may refer to other files or compress well as text.
func isText(name string) bool {
	t := policy.ContentType(name)
	return strings.HasPrefix(t, "text/") || strings.Contains(t, "json") || strings.Contains(t, "svg")
}

// rewrite puts to in place of each marker.
func rewrite(data []byte, to string) []byte {
	var out []byte
	from := 0
	for at := find(data, from); at >= 0; at = find(data, from) {
		out = append(append(out, data[from:at]...), to...)
		from = at + len(marker)
	}
	return append(out, data[from:]...)
}

// find is the next marker that is not the end of a longer name ("data/dev/"),
// −1 where there is none.
func find(data []byte, from int) int {
	for {
		at := bytes.Index(data[from:], []byte(marker))
		if at < 0 {
			return -1
		}
		at += from
		if at == 0 || !isName(data[at-1]) {
			return at
		}
		from = at + 1
	}
}

// isName is true for bytes that a name in a path is made of.
func isName(c byte) bool {
	return c == '-' || c == '_' || c >= 0x80 ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
