package main

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"

	"fewbits/quant"
)

// inspected is what inspect -json prints.
type inspected struct {
	File      string            `json:"file"`
	Container string            `json:"container"`
	Size      int64             `json:"size"`            // bytes
	Files     []string          `json:"files,omitempty"` // that hold the tensors, where FILE is a folder, an index or one of several parts
	Notes     []string          `json:"notes,omitempty"`
	Metadata  []metadatum       `json:"metadata"`
	Tensors   []inspectedTensor `json:"tensors"`
}

type metadatum struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

type inspectedTensor struct {
	Name     string `json:"name"`
	Shape    []int  `json:"shape"` // outermost first
	Type     string `json:"type"`
	Bytes    int64  `json:"bytes"`
	Offset   int64  `json:"offset"`
	Readable bool   `json:"readable"`
	Why      string `json:"why,omitempty"`  // why not
	File     string `json:"file,omitempty"` // of several, the one that it lies in
}

func inspectCommand(c *call) error {
	path, err := c.one()
	if err != nil {
		return err
	}
	if len(c.options) > 0 {
		return usagef("inspect takes no options")
	}
	in, err := c.open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	if !c.json {
		printInspected(c.out, in)
		return nil
	}
	v := inspected{File: path, Container: in.Container(), Size: in.size, Files: in.used, Notes: in.notes, Metadata: []metadatum{}, Tensors: []inspectedTensor{}}
	for _, m := range in.Metadata() {
		v.Metadata = append(v.Metadata, metadatum{m.Key, m.Type, jsonable(m.Value)})
	}
	for _, t := range asStored(in.Tensors()) {
		v.Tensors = append(v.Tensors, inspectedTensor{t.Name, append([]int{}, t.Shape...), t.Type, t.Bytes, t.Offset, t.Readable, t.Why, t.File})
	}
	return c.printJSON(v)
}

func printInspected(w io.Writer, in *input) {
	infos := asStored(in.Tensors())
	values := int64(0)
	for _, t := range infos {
		values += int64(t.Len())
	}
	fmt.Fprintf(w, "%s: %s, %s, %s, %s values\n", clean(in.path), in.Container(), bytesText(in.size), plural(len(infos), "tensor"), count(values))
	if meta := in.Metadata(); len(meta) > 0 {
		fmt.Fprintln(w)
		t := table{}
		for _, m := range meta {
			t.row(clean(m.Key), m.Type, brief(m.Value))
		}
		t.print(w)
	}
	if len(infos) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table{right: columns(3, 4)}
	head := []string{"tensor", "shape", "type", "bytes", "offset"}
	if len(in.used) > 1 {
		head = append(head, "file")
	}
	t.row(head...)
	for _, i := range infos {
		cells := []string{clean(i.Name), shapeText(i.Shape), i.Type, count(i.Bytes), count(i.Offset)}
		if len(in.used) > 1 {
			cells = append(cells, clean(i.File))
		}
		if !i.Readable {
			cells = append(cells, "not readable: "+clean(i.Why))
		}
		t.row(cells...)
	}
	t.print(w)
	printTypes(w, infos)
}

// asStored are tensors with the types and bytes of how they are stored.
func asStored(infos []quant.TensorInfo) []quant.TensorInfo {
	list := append([]quant.TensorInfo(nil), infos...)
	for i := range list {
		if t := &list[i]; t.Stored != "" {
			t.Type, t.Bytes = t.Stored, t.StoredBytes
		}
	}
	return list
}

// printTypes sums tensors up by type, where there are several.
func printTypes(w io.Writer, infos []quant.TensorInfo) {
	if len(infos) < 2 {
		return
	}
	type sum struct {
		tensors       int
		values, bytes int64
	}
	sums := map[string]*sum{}
	var order []string
	for _, i := range infos {
		s := sums[i.Type]
		if s == nil {
			s = &sum{}
			sums[i.Type] = s
			order = append(order, i.Type)
		}
		s.tensors++
		s.values += int64(i.Len())
		s.bytes += i.Bytes
	}
	fmt.Fprintln(w)
	t := table{right: columns(1, 2, 3, 4)}
	t.row("type", "tensors", "values", "bytes", "bits a weight")
	for _, typ := range order {
		s := sums[typ]
		bits := "-"
		if s.values > 0 {
			bits = bitsText(float64(s.bytes) * 8 / float64(s.values))
		}
		t.row(typ, count(int64(s.tensors)), count(s.values), count(s.bytes), bits)
	}
	t.print(w)
}

// jsonable replaces what JSON has no form for: NaN and infinities become text.
func jsonable(v any) any {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := r.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Sprint(f)
		}
	case reflect.Slice:
		out := make([]any, r.Len())
		for i := range out {
			out[i] = jsonable(r.Index(i).Interface())
		}
		return out
	}
	return v
}

const (
	maxBrief = 72 // runes of a value on a line
	maxItems = 8  // of a list
)

// brief is a value on one line, a list by its length and its first elements.
func brief(v any) string {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice {
		s := fmt.Sprint(v)
		return clip(clean(s[:min(len(s), 8*maxBrief)])) // a byte may become several
	}
	var items []string
	for i := range min(r.Len(), maxItems) {
		s := fmt.Sprint(r.Index(i).Interface())
		items = append(items, clean(s[:min(len(s), maxBrief)]))
	}
	if r.Len() > maxItems {
		items = append(items, "…")
	}
	return clip(fmt.Sprintf("%s: %s", plural(r.Len(), "element"), strings.Join(items, ", ")))
}

func clip(s string) string {
	if r := []rune(s); len(r) > maxBrief {
		return string(r[:maxBrief-2]) + " …"
	}
	return s
}
