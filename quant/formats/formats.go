// Package formats is the one table of every format that exists. A new format
// is a file with its test, in the package of its family or in one of its own,
// and a line of the table.
package formats

import (
	"strings"

	"fewbits/quant"
	"fewbits/quant/affine"
	"fewbits/quant/codebook"
	"fewbits/quant/floats"
	"fewbits/quant/ggml"
)

// families, in the order that a person reads them.
var families = [][]quant.Format{
	affine.Formats(),
	ggml.Formats(),
	codebook.Formats(),
	floats.Formats(),
}

// All is every format, in the order that a person reads them.
func All() []quant.Format {
	var all []quant.Format
	for _, f := range families {
		all = append(all, f...)
	}
	return all
}

// Infos are the rows of the table, as they go out: Options is never nil.
func Infos() []quant.Info {
	var rows []quant.Info
	for _, f := range All() {
		i := f.Info()
		i.Options = append([]string{}, i.Options...)
		rows = append(rows, i)
	}
	return rows
}

// aliases are the names that other projects use for the same bytes.
var aliases = map[string]string{"F32": "FP32", "F16": "FP16", "F8_E4M3": "FP8_E4M3", "F8_E5M2": "FP8_E5M2"}

// Lookup finds a format by name, in any case; ok is false where there is none.
func Lookup(name string) (f quant.Format, ok bool) {
	name = strings.ToUpper(strings.TrimSpace(name))
	if a := aliases[name]; a != "" {
		name = a
	}
	for _, f := range All() {
		if f.Info().Name == name {
			return f, true
		}
	}
	return nil, false
}

// Nearest is the name of a format that a mistyped one may mean: the one with
// the fewest letters changed.
func Nearest(name string) string {
	name = strings.ToUpper(strings.TrimSpace(name))
	best, at := 1<<30, ""
	for _, f := range All() {
		if d := distance(name, f.Info().Name); d < best {
			best, at = d, f.Info().Name
		}
	}
	return at
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, last+cost)
		}
	}
	return row[len(b)]
}
