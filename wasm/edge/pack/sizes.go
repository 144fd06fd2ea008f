package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
)

// group is some files of a site and what they take in bytes.
type group struct {
	name  string
	files int
	raw   int64
	wire  int64 // as brotli, where there is one
}

func (g *group) add(f *file) {
	g.files++
	g.raw += int64(len(f.data))
	if f.br != nil {
		g.wire += int64(len(f.br))
	} else {
		g.wire += int64(len(f.data))
	}
}

// sizes are the groups of a site: the two of a first visit, then one for each
// folder and one for the files at the top.
type sizes struct {
	pre, total group
	rest       []group
}

// measure adds up. A name in a list that fits no file is an error: a limit
// that watches nothing would always hold.
func measure(files []*file, c config) (sizes, error) {
	s := sizes{pre: group{name: "first visit, before wasm"}, total: group{name: "first visit, in all"}}
	for _, f := range files {
		dir, _, ok := strings.Cut(f.name, "/")
		if !ok {
			dir = "."
		}
		i := slices.IndexFunc(s.rest, func(g group) bool { return g.name == dir })
		if i < 0 {
			i = len(s.rest)
			s.rest = append(s.rest, group{name: dir})
		}
		s.rest[i].add(f)
		if !c.firstVisit(f.name) {
			continue
		}
		s.total.add(f)
		if c.prewasm.holds(f.name) && !c.first.holds(f.name) {
			s.pre.add(f)
		}
	}
	for _, l := range []list{c.prewasm, c.first, c.lazy} {
		for _, name := range l {
			if !slices.ContainsFunc(files, func(f *file) bool { return fits(name, f.name) }) {
				return s, fmt.Errorf("pack: %q names no file of stage %q: correct -prewasm, -first or -lazy", name, c.in)
			}
		}
	}
	return s, nil
}

// firstVisit says whether a first visit reads a file.
func (c config) firstVisit(name string) bool {
	return !c.lazy.holds(name) && (c.prewasm.holds(name) || c.first.holds(name))
}

func (l list) holds(name string) bool {
	return slices.ContainsFunc(l, func(pattern string) bool { return fits(pattern, name) })
}

// fits is true for the file itself, for what lies in the folder of that name,
// and for what the pattern matches as path.Match has it.
func fits(pattern, name string) bool {
	if name == pattern || strings.HasPrefix(name, pattern+"/") {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func (s sizes) print(w io.Writer, out, hash string) {
	fmt.Fprintf(w, "%s is written; its assets are under a/%s\n", out, hash)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "files\tbytes\tas brotli\t")
	for _, g := range append(slices.Clone(s.rest), s.pre, s.total) {
		fmt.Fprintf(t, "%d\t%d\t%d\t %s\n", g.files, g.raw, g.wire, g.name)
	}
	t.Flush()
}

// check holds the sizes against the limits.
func (s sizes) check(c config) error {
	return errors.Join(over(s.pre, c.maxPre), over(s.total, c.maxTotal))
}

func over(g group, limit int64) error {
	if limit == 0 || g.wire <= limit {
		return nil
	}
	return fmt.Errorf("pack: %s: %d bytes as brotli, %d over the limit of %d", g.name, g.wire, g.wire-limit, limit)
}
