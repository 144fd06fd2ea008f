// Command relax repairs the relaxed-SIMD instructions of a wasm module that was
// built with -tags=relaxed:
//
//	relax [-s] FILE.wasm
//
// Go 1.27's assembler writes the opcode 0x100 + n of such an instruction as fd
// (80+n) 01 02, which is another instruction and the begin of a block, in the place
// of fd (80+n) 02. Both fit into four bytes with a nop, 01, behind. Only functions
// whose name has both relaxed and Asm in it are touched. The names are in the
// module unless it was linked with -s; -s here takes them out once they served.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

func main() {
	args := os.Args[1:]
	strip := len(args) > 0 && args[0] == "-s"
	if strip {
		args = args[1:]
	}
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: relax [-s] FILE.wasm")
		os.Exit(2)
	}
	if err := rewrite(args[0], strip); err != nil {
		fmt.Fprintln(os.Stderr, "relax:", err)
		os.Exit(1)
	}
}

func rewrite(name string, strip bool) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err = repair(b); err != nil {
		return err
	}
	if strip {
		if b, err = unnamed(b); err != nil {
			return err
		}
	}
	return os.WriteFile(name, b, 0o644)
}

// Sections of a module, and the part of its names that is about functions.
const (
	customSection, importSection, codeSection = 0, 2, 10
	functionNames                             = 1
)

var errShort = errors.New("the module is cut off")

// reader reads the format's numbers and strings. What does not fit sets err.
type reader struct {
	b   []byte
	err error
}

func (r *reader) number() int {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		if len(r.b) == 0 {
			break
		}
		c := r.b[0]
		r.b = r.b[1:]
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int(v)
		}
	}
	r.err = errShort
	return 0
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.err, r.b = errShort, nil
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// repair changes b in place. It fails where there is nothing to repair.
func repair(b []byte) error {
	if !bytes.HasPrefix(b, []byte("\x00asm\x01\x00\x00\x00")) {
		return errors.New("this is no wasm module")
	}
	r := &reader{b: b[8:]}
	var imports int
	var bodies [][]byte
	var names []int
	for len(r.b) > 0 && r.err == nil {
		id := r.take(1)
		section := &reader{b: r.take(r.number())}
		if r.err != nil {
			break
		}
		switch id[0] {
		case importSection:
			imports = functionImports(section)
		case codeSection:
			for n := section.number(); n > 0 && section.err == nil; n-- {
				bodies = append(bodies, section.take(section.number()))
			}
		case customSection:
			if string(section.take(section.number())) == "name" {
				names = relaxed(section)
			}
		}
		if section.err != nil {
			return section.err
		}
	}
	if r.err != nil {
		return r.err
	}
	changed := 0
	for _, i := range names {
		if i -= imports; i < 0 || i >= len(bodies) {
			return errors.New("a name is of no function")
		}
		changed += swap(bodies[i])
	}
	if changed == 0 {
		return errors.New("there is nothing to repair: was it built with -tags=relaxed, and without -s?")
	}
	return nil
}

// unnamed is a module without the names of its functions.
func unnamed(b []byte) ([]byte, error) {
	out := append(make([]byte, 0, len(b)), b[:8]...)
	for r := (&reader{b: b[8:]}); len(r.b) > 0; {
		from := r.b
		id := r.take(1)
		body := &reader{b: r.take(r.number())}
		if r.err != nil {
			return nil, r.err
		}
		if id[0] == customSection && string(body.take(body.number())) == "name" {
			continue
		}
		out = append(out, from[:len(from)-len(r.b)]...)
	}
	return out, nil
}

// swap repairs the body of a function, and counts.
func swap(body []byte) (n int) {
	for i := 0; i+4 <= len(body); i++ {
		if b := body[i : i+4]; b[0] == 0xfd && b[1] >= 0x80 && b[1] <= 0x93 && b[2] == 1 && b[3] == 2 {
			b[2], b[3] = 2, 1
			n++
			i += 3
		}
	}
	return n
}

// functionImports counts the imports that are functions.
func functionImports(r *reader) (n int) {
	for left := r.number(); left > 0 && r.err == nil; left-- {
		r.take(r.number())
		r.take(r.number())
		switch kind := r.take(1); {
		case r.err != nil:
		case kind[0] == 0:
			r.number()
			n++
		case kind[0] == 2: // a memory: whether it has a most, and its sizes
			if flags := r.number(); flags&1 != 0 {
				r.number()
			}
			r.number()
		default:
			r.err = fmt.Errorf("an import of the kind %d is not expected of Go", kind[0])
		}
	}
	return n
}

// relaxed are the functions whose names say that they are relaxed.
func relaxed(r *reader) (list []int) {
	for len(r.b) > 0 && r.err == nil {
		id := r.take(1)
		part := &reader{b: r.take(r.number())}
		if r.err != nil || id[0] != functionNames {
			continue
		}
		for left := part.number(); left > 0 && part.err == nil; left-- {
			i := part.number()
			if name := string(part.take(part.number())); strings.Contains(name, "relaxed") && strings.Contains(name, "Asm") {
				list = append(list, i)
			}
		}
		r.err = part.err
	}
	return list
}
