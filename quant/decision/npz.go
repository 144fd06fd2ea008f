package decision

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"strconv"

	"fewbits/quant"
)

// WriteNPZ writes all arrays of d as an npz file, stored as they are, with
// "decision.json" beside them: Describe's text. The same d gives the same bytes.
func (d *Decision) WriteNPZ(w io.Writer) error {
	z := &zipped{w: &counting{w: w}}
	err := z.add("decision.json", func(w io.Writer) error { return d.Describe(w) })
	for i := range d.Arrays {
		if err != nil {
			return err
		}
		a := &d.Arrays[i]
		err = z.add(a.Name+".npy", func(w io.Writer) error { _, err := a.WriteTo(w); return err })
	}
	if err != nil {
		return err
	}
	return z.end()
}

// Describe writes what d is about as one JSON object: format, name, shape, rows,
// cols, options, bits_per_weight, flat and table as Write has them, formula, a
// line of NumPy that gives the reconstruction again (null where codes are of a
// table that is not written, or bit patterns), and arrays: the name, NumPy
// type, shape and meaning of each.
func (d *Decision) Describe(w io.Writer) error {
	e, p, m := newEncoder(w), d.packed, d.params
	e.text("{\n")
	e.value("format", quote(p.Format))
	e.value("name", quote(p.Name))
	e.value("shape", dims(p.Shape))
	e.value("rows", strconv.Itoa(quant.Rows(p.Shape)))
	e.value("cols", strconv.Itoa(quant.Cols(p.Shape)))
	e.value("options", object(p.Options.Map()))
	e.value("bits_per_weight", strconv.FormatFloat(p.BitsPerWeight(), 'g', -1, 64))
	e.value("flat", strconv.FormatBool(m.Flat))
	e.value("table", strconv.FormatBool(m.Table))
	e.value("formula", formula(m))
	e.key("arrays")
	for i, a := range d.Arrays {
		e.text([]string{",\n  ", "[\n  "}[b2i(i == 0)])
		e.text("{\"name\": " + quote(a.Name) + ", \"type\": " + quote(a.Type) + ", \"shape\": " + dims(a.Shape) + ", \"about\": " + quote(a.About) + "}")
	}
	if len(d.Arrays) == 0 {
		e.text("[")
	}
	e.text("]\n}\n")
	return e.finish()
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// dims is a shape as JSON.
func dims(shape []int) string {
	b := []byte{'['}
	for i, d := range shape {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(d), 10)
	}
	return string(append(b, ']'))
}

// formula is the reconstruction from the arrays of an npz file z, in NumPy.
func formula(m *quant.Params) string {
	if m.Table || m.Scales == nil {
		return "null"
	}
	at := func(name string) string {
		if m.Flat {
			return "z['" + name + "'][z['group_index']]"
		}
		return "z['" + name + "'][:, z['group_index']]"
	}
	s := "z['codes'].reshape(" + []string{"rows, cols", "-1"}[b2i(m.Flat)] + ").astype('f4')"
	if m.Zeros != nil {
		s = "(" + s + " - " + at("zeros") + ")"
	}
	s += " * " + at("scales")
	if m.Mins != nil {
		s += " + " + at("mins")
	}
	if m.InputScales != nil {
		s = "(" + s + ") / z['input_scales']"
	}
	return quote("(" + s + ").reshape(shape)")
}

// zipped writes a zip archive of files stored as they are (PKWARE's APPNOTE
// 6.3.10, §4.3), with zip64 fields (§4.5.3) where 32 bits do not do.
type zipped struct {
	w       *counting
	central []byte
	files   int
}

const (
	zipDate = 1<<5 | 1  // 1 January 1980, the earliest day that zip knows: files are reproducible
	zipMost = 1<<32 - 1 // what is as much, or more, stands in a zip64 field
)

// add writes a file: write is called twice, the first time for the checksum,
// which stands before the file.
func (z *zipped) add(name string, write func(io.Writer) error) error {
	sum := crc32.NewIEEE()
	n := &counting{w: sum}
	if err := write(n); err != nil {
		return err
	}
	at := z.w.n
	head := append([]byte("PK\x03\x04"), fields(name, sum.Sum32(), n.n, nil)...)
	z.central = append(z.central, "PK\x01\x02\x2d\x00"...)
	z.central = append(z.central, fields(name, sum.Sum32(), n.n, &at)...)
	z.files++
	if _, err := z.w.Write(head); err != nil {
		return err
	}
	return write(z.w)
}

// fields are what the header before a file and that in the directory, which
// says where the file is, have in common, to the end of each.
func fields(name string, crc uint32, size int64, at *int64) []byte {
	le := binary.LittleEndian
	var wide []byte
	narrow := func(v int64) uint32 {
		if v < zipMost {
			return uint32(v)
		}
		wide = le.AppendUint64(wide, uint64(v))
		return zipMost
	}
	small := narrow(size)
	big := narrow(size)
	offset := uint32(0)
	if at != nil {
		offset = narrow(*at)
	}
	if wide != nil {
		wide = append(le.AppendUint16([]byte{1, 0}, uint16(len(wide))), wide...)
	}
	b := []byte{45, 0, 0, 0, 0, 0, 0, 0} // version, flags, method, time
	b = le.AppendUint16(b, zipDate)
	b = le.AppendUint32(b, crc)
	b = le.AppendUint32(b, small)
	b = le.AppendUint32(b, big)
	b = le.AppendUint16(b, uint16(len(name)))
	b = le.AppendUint16(b, uint16(len(wide)))
	if at != nil {
		b = append(b, make([]byte, 10)...) // comment, disk, attributes
		b = le.AppendUint32(b, offset)
	}
	return append(append(b, name...), wide...)
}

// end writes the directory.
func (z *zipped) end() error {
	le := binary.LittleEndian
	at, size := z.w.n, int64(len(z.central))
	b := z.central
	if at >= zipMost {
		b = append(b, "PK\x06\x06"...)
		b = le.AppendUint64(b, 44)
		b = append(b, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		for _, v := range []int64{int64(z.files), int64(z.files), size, at} {
			b = le.AppendUint64(b, uint64(v))
		}
		b = append(b, "PK\x06\x07\x00\x00\x00\x00"...)
		b = le.AppendUint64(b, uint64(at+size))
		b = le.AppendUint32(b, 1)
	}
	b = append(b, "PK\x05\x06\x00\x00\x00\x00"...)
	b = le.AppendUint16(b, uint16(z.files))
	b = le.AppendUint16(b, uint16(z.files))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(min(at, zipMost)))
	_, err := z.w.Write(append(b, 0, 0))
	return err
}
