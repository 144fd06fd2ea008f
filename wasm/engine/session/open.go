package session

import (
	"errors"
	"fmt"
	"reflect"

	"fewbits/quant/container"
	"fewbits/wasm/wire"
)

// open opens a file, or several as one model.
func (s *Session) open(v wire.OpenArgs, a Attachment) (Reply, error) {
	files := a.files(v.Name)
	if len(files) == 0 {
		return Reply{}, fmt.Errorf("no file came with the request to open %q", v.Name)
	}
	m, err := container.Files(files)
	if errors.Is(err, container.ErrWhole) {
		return Reply{JSON: wire.FileInfo{Whole: true}}, nil
	}
	if err != nil {
		return Reply{}, err
	}
	if v.Whole && m.Lack != nil {
		return Reply{}, m.Lack
	}
	s.file, s.fileName, s.fileSize, s.plain, s.made = m.Source, v.Name, m.Size(), nil, nil
	info := wire.FileInfo{Name: v.Name, Container: m.Container(), Size: s.fileSize, Files: len(m.Files), Notes: m.Notes, Tensors: []wire.TensorRow{}}
	for _, m := range m.Metadata() {
		info.Meta = append(info.Meta, wire.MetaRow{Key: m.Key, Type: m.Type, Value: printed(m.Value)})
	}
	for _, t := range m.Tensors() {
		info.Tensors = append(info.Tensors, wire.TensorRow{Name: t.Name, Shape: shape(t.Shape), Type: t.Type,
			Values: t.Len(), Bytes: t.Bytes, Offset: t.Offset, Readable: t.Readable, Why: t.Why, Stored: t.Stored, StoredBytes: t.StoredBytes})
	}
	return Reply{JSON: info}, nil
}

// shape is s, never nil: JSON's [] is a scalar's shape.
func shape(s []int) []int {
	if s == nil {
		return []int{}
	}
	return s
}

// maxPrinted is how much of a metadata value is shown.
const maxPrinted = 200

func printed(v any) string {
	var s string
	switch l := reflect.ValueOf(v); {
	case l.Kind() == reflect.String:
		s = l.String()
	case l.Kind() == reflect.Slice && l.Type().Elem().Kind() == reflect.String:
		s = fmt.Sprintf("%d strings: %q", l.Len(), l.Slice(0, min(l.Len(), 8)))
	case l.Kind() == reflect.Slice && l.Len() > 16:
		s = fmt.Sprintf("%d values: %v …", l.Len(), l.Slice(0, 16))
	default:
		s = fmt.Sprint(v)
	}
	if len(s) > maxPrinted {
		cut := maxPrinted
		for cut > 0 && s[cut]&0xc0 == 0x80 {
			cut-- // not inside a character
		}
		s = s[:cut] + "…"
	}
	return s
}
