package checkpoint

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/internal/json"
)

const (
	configName = "config.json"
	gptqName   = "quantize_config.json"
	// maxConfig bounds a file of configuration.
	maxConfig = 16 << 20
)

// field is a key of an object of JSON, and its value: string, bool, int,
// float64, nil, raw, object or a list of strings.
type field struct {
	key   string
	value any
}

// object is an object of JSON in the order that it is written.
type object []field

// raw is a value as it is written.
type raw string

// appendJSON writes a value with the indent of its line.
func appendJSON(b []byte, v any, indent string) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.AppendFloat(b, v, 'f', 1, 64)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case string:
		return appendText(b, v)
	case raw:
		return append(b, v...)
	case object:
		return appendItems(b, '{', '}', len(v), indent, func(b []byte, i int) []byte {
			b = append(appendText(b, v[i].key), ": "...)
			return appendJSON(b, v[i].value, indent+"  ")
		})
	case []string:
		return appendItems(b, '[', ']', len(v), indent, func(b []byte, i int) []byte { return appendText(b, v[i]) })
	case []any:
		return appendItems(b, '[', ']', len(v), indent, func(b []byte, i int) []byte { return appendJSON(b, v[i], indent+"  ") })
	}
	return append(b, "null"...)
}

// appendItems writes n items, a line each.
func appendItems(b []byte, open, end byte, n int, indent string, item func(b []byte, i int) []byte) []byte {
	b = append(b, open)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(append(append(b, '\n'), indent+"  "...), i)
	}
	if n > 0 {
		b = append(append(b, '\n'), indent...)
	}
	return append(b, end)
}

// appendText writes a string.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r < 0x20:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

// set puts a value under a key, in its place where there is one.
func (o *object) set(key string, value any) {
	for i := range *o {
		if (*o)[i].key == key {
			(*o)[i].value = value
			return
		}
	}
	*o = append(*o, field{key, value})
}

// drop takes keys out.
func (o *object) drop(keys ...string) {
	var kept object
	for _, f := range *o {
		out := false
		for _, k := range keys {
			out = out || f.key == k
		}
		if !out {
			kept = append(kept, f)
		}
	}
	*o = kept
}

// get is the value under a key, nil where there is none.
func (o object) get(key string) any {
	for _, f := range o {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// listOrNull is a list, or null where it is empty.
func listOrNull(list []string) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

// quoteRegexp is a name as a regular expression that matches it.
func quoteRegexp(name string) string { return strings.ReplaceAll(name, ".", `\.`) }

// topLevel reads a file that is one object, with its values as they are written.
func topLevel(name string, b []byte) (object, error) {
	var o object
	r := json.New(name, bytes.NewReader(b), 0, int64(len(b)))
	err := r.Object(func(key string) error {
		if _, err := r.Peek(); err != nil {
			return err
		}
		from := r.Offset()
		if err := r.Skip(); err != nil {
			return err
		}
		o = append(o, field{key, raw(strings.TrimSpace(string(b[from:r.Offset()])))})
		return nil
	})
	if err == nil {
		err = r.End()
	}
	return o, err
}

// find is the file of a name in the highest folder that has one; nil where
// there is none.
func find(files []quant.File, name string) *quant.File {
	best := -1
	for i, f := range files {
		full := strings.ReplaceAll(f.Name, "\\", "/")
		if path.Base(full) == name && (best < 0 || strings.Count(full, "/") < strings.Count(files[best].Name, "/")) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return &files[best]
}

// read reads a file of configuration.
func read(f *quant.File) ([]byte, error) {
	if f.Size > maxConfig {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that are read of such a file", f.Name, f.Size, maxConfig)
	}
	b := make([]byte, f.Size)
	if n, err := f.R.ReadAt(b, 0); n < len(b) {
		if err == nil || err == io.EOF {
			return nil, fmt.Errorf("%s: the file ends at byte %d, though it was longer when it was opened", f.Name, n)
		}
		return nil, fmt.Errorf("%s: reading byte %d: %w", f.Name, n, err)
	}
	return b, nil
}

// hints are what the configuration says of how a model is quantized.
type hints struct {
	method string // "" where it says nothing
	known  bool   // that is of a layout here, so that what does not fit it is at fault
	v2     bool   // of GPTQ's layout
	Scheme
}

// readHints reads config.json and, where that says nothing, quantize_config.json.
func readHints(files []quant.File) (hints, error) {
	var h hints
	for _, name := range []string{configName, gptqName} {
		f := find(files, name)
		if f == nil {
			continue
		}
		b, err := read(f)
		if err != nil {
			return h, err
		}
		r := json.New(name, bytes.NewReader(b), 0, int64(len(b)))
		v, err := r.Value()
		if err != nil {
			return h, err
		}
		m, _ := v.(map[string]any)
		if name == configName {
			if m, h.method = configured(m); m == nil {
				continue
			}
		} else if h.method = "gptq"; m == nil {
			continue
		}
		h.take(m)
		return h, nil
	}
	return h, nil
}

// configured is the object that tells of the quantization, and its method.
func configured(m map[string]any) (map[string]any, string) {
	for _, key := range []string{"quantization_config", "compression_config", "quantization"} {
		q, _ := m[key].(map[string]any)
		if q == nil {
			continue
		}
		method, _ := q["quant_method"].(string)
		if method == "" && m["quantization"] != nil {
			method = "mlx"
		}
		if method != "" {
			return q, method
		}
	}
	return nil, ""
}

// take takes what is said of codes and groups.
func (h *hints) take(m map[string]any) {
	switch h.method {
	case "gptq", "awq", "bitsandbytes", "hqq", "mlx":
		h.known = true
	case "compressed-tensors":
		format, _ := m["format"].(string)
		h.known = slices.Contains([]string{"pack-quantized", "int-quantized", "float-quantized", "naive-quantized", "nvfp4-pack-quantized"}, format)
	}
	if groups, ok := m["config_groups"].(map[string]any); ok {
		for _, g := range groups {
			group, _ := g.(map[string]any)
			if w, ok := group["weights"].(map[string]any); ok {
				m = w
				h.known = h.known && w["strategy"] != "block"
			}
		}
	}
	for _, key := range []string{"bits", "w_bit", "num_bits"} {
		if n := wholeOf(m[key]); n > 0 {
			h.Bits = n
		}
	}
	for _, key := range []string{"group_size", "q_group_size"} {
		if n := wholeOf(m[key]); n > 0 {
			h.Group = n
		}
	}
	for _, key := range []string{"checkpoint_format", "format"} {
		if m[key] == "gptq_v2" {
			h.v2 = true
		}
	}
	h.Symmetric, _ = m["sym"].(bool)
}
