package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printJSON prints v for machines.
func (c *call) printJSON(v any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table is rows of cells that are printed in columns.
type table struct {
	right map[int]bool // columns of numbers
	rows  [][]string
}

func columns(n ...int) map[int]bool {
	m := map[int]bool{}
	for _, i := range n {
		m[i] = true
	}
	return m
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	var width []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// count is a whole number with its thousands apart: 1,185,376.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytesText is a size as a person says it, and exactly: 1.13 MiB (1,185,376 bytes).
func bytesText(n int64) string {
	exact := count(n) + " bytes"
	if n == 1 {
		exact = "1 byte"
	}
	if n < 1<<10 {
		return exact
	}
	v, unit := float64(n), ""
	for _, unit = range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v /= 1024; v < 1000 {
			break
		}
	}
	return fmt.Sprintf("%.3g %s (%s)", v, unit, exact)
}

// short is a number in four digits.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// bitsText is bits a weight to four places: 6.5625.
func bitsText(v float64) string { return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'g', -1, 64) }

// decibels is a ratio that is infinite where nothing was lost.
func decibels(v float64) string {
	if math.IsInf(v, 1) {
		return "∞"
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// shapeText is a shape as 768 × 3072.
func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	var dims []string
	for _, d := range shape {
		dims = append(dims, strconv.Itoa(d))
	}
	return strings.Join(dims, " × ")
}

// plural is "1 tensor" or "2 tensors".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(int64(n)) + " " + what + "s"
}

// clean is text out of a file or about it on one line, with nothing in it that
// a terminal obeys.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}
