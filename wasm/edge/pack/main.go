// Command pack makes a deployable site out of a staged one.
//
//	pack -in stage -out dist [-fast | -fast-rest] [-cache DIR] [-max-prewasm N] [-max-total N]
//
// A stage has pages and other files with a fixed address at its top
// (index.html, fewbits.js, …) and folders of assets (css, js, wasm, …). Assets
// refer to one another by relative paths; the files at the top refer to them
// as a/dev/…, with or without a slash or dots before it. pack
//
//   - puts the folders under a/HASH/, where HASH is of all that they hold, so
//     that a browser may keep them for ever;
//   - writes HASH for dev into the files at the top;
//   - lays a .br and a .gz beside each file that gains by it;
//   - writes _headers and .assetsignore, which Cloudflare reads;
//   - says what a first visit downloads, and fails where that is over a limit.
//
// The same stage gives the same dist, byte for byte. Exit status: 0 fine, 1
// the stage is at fault or over a limit, 2 wrong usage.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Levels of compression. The slow ones are for what is deployed.
const (
	brotliSlow, brotliFast = 11, 4
	gzipSlow, gzipFast     = 9, 5
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// config is what the flags say.
type config struct {
	in, out  string
	cache    string // folder of compressed files from earlier runs; "" for none
	brotli   int    // quality, 0 … 11
	gzip     int    // level, 1 … 9
	prewasm  list   // files and folders of the stage that are read before any wasm
	first    list   // those that the rest of a first visit reads, be they of prewasm or not
	lazy     list   // those of either that are read only when asked for
	fastRest bool   // what the limits do not look at is compressed lightly
	maxPre   int64  // bytes as brotli; 0 is no limit
	maxTotal int64  // bytes as brotli; 0 is no limit
}

// list is a flag of names between commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = nil
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			*l = append(*l, name)
		}
	}
	return nil
}

func run(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := pack(c, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (config, error) {
	c := config{prewasm: list{"index.html", "css", "js"}, first: list{"wasm"}}
	f := flag.NewFlagSet("pack", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.in, "in", "stage", "`folder` of the staged site")
	f.StringVar(&c.out, "out", "dist", "`folder` to write; an earlier dist there is replaced")
	f.StringVar(&c.cache, "cache", "", "`folder` that keeps compressed files from run to run")
	fast := f.Bool("fast", false, "compress lightly: for tests and development")
	f.BoolVar(&c.fastRest, "fast-rest", false, "compress lightly what the limits do not look at: gzip, and what a first visit does not read")
	quality := f.Int("quality", 0, "brotli `quality`, 1 to 11; 0 is 11, or 4 with -fast")
	f.Var(&c.prewasm, "prewasm", "`names` of the stage that a first visit reads before any wasm")
	f.Var(&c.first, "first", "`names` that it reads after it has asked for the wasm: they are not of -prewasm")
	f.Var(&c.lazy, "lazy", "`names` among those that it does not read")
	f.Int64Var(&c.maxPre, "max-prewasm", 0, "fail where -prewasm takes more `bytes` as brotli; 0 is no limit")
	f.Int64Var(&c.maxTotal, "max-total", 0, "fail where a first visit takes more `bytes` as brotli; 0 is no limit")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.brotli, c.gzip = brotliSlow, gzipSlow
	if *fast {
		c.brotli, c.gzip = brotliFast, gzipFast
	}
	if c.fastRest {
		c.gzip = gzipFast
	}
	if *quality != 0 {
		c.brotli = *quality
	}
	var err error
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("pack: %q is one argument too many", f.Arg(0))
	case c.brotli < 1 || c.brotli > 11:
		err = fmt.Errorf("pack: -quality %d: want a number from 1 to 11", *quality)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return c, err
}

func pack(c config, stdout io.Writer) error {
	files, err := read(c.in)
	if err != nil {
		return err
	}
	hash := hashOf(files)
	if err := place(files, hash); err != nil {
		return err
	}
	if err := compress(files, c); err != nil {
		return err
	}
	s, err := measure(files, c)
	if err != nil {
		return err
	}
	if err := write(files, hash, c.out); err != nil {
		return err
	}
	s.print(stdout, c.out, hash)
	return s.check(c)
}
