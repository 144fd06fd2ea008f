package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	maxMembers   = 1 << 17
	maxDirectory = 32 << 20

	endLen     = 22 // of the end-of-directory record, comment not counted
	end64Len   = 56
	locatorLen = 20
	entryLen   = 46 // of a directory entry, name and extra not counted
	localLen   = 30
	maxComment = 1<<16 - 1

	// No deflate stream holds more than 1032 bytes a byte: 258 in two bits.
	maxRatio = 1032
)

var (
	endMagic     = []byte("PK\x05\x06")
	end64Magic   = "PK\x06\x06"
	locatorMagic = "PK\x06\x07"
	entryMagic   = "PK\x01\x02"
	localMagic   = "PK\x03\x04"
)

var le = binary.LittleEndian

// Open reads the directory of an archive. Folders are left out. It fails on
// archives that are damaged, that exceed the limits, and that have two members
// of one name, or encrypted ones.
func Open(r io.ReaderAt, size int64) (*File, error) {
	end, err := findEnd(r, size)
	if err != nil {
		return nil, err
	}
	switch {
	case end.count > maxMembers:
		return nil, fmt.Errorf("zip: %d members; at most %d are read", end.count, maxMembers)
	case end.size > maxDirectory:
		return nil, fmt.Errorf("zip: the directory takes %d bytes; at most %d are read", end.size, maxDirectory)
	case end.offset > end.at || end.size > end.at-end.offset:
		return nil, fmt.Errorf("zip: directory of %d bytes at offset %d does not end before its end record at %d", end.size, end.offset, end.at)
	case end.count > end.size/entryLen:
		return nil, fmt.Errorf("zip: %d members do not fit in a directory of %d bytes", end.count, end.size)
	}
	dir := make([]byte, end.size)
	if err := readFull(r, dir, int64(end.offset)); err != nil {
		return nil, fmt.Errorf("zip: reading the directory: %w", err)
	}
	f := &File{r: r, names: map[string]*Member{}}
	for i := range end.count {
		m, n, err := parseEntry(dir)
		if err != nil {
			return nil, fmt.Errorf("zip: member %d of %d: %w", i, end.count, err)
		}
		dir = dir[n:]
		if strings.HasSuffix(m.Name, "/") && m.Size == 0 {
			continue
		}
		if err := f.add(m, int64(end.offset)); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// add puts a member that lies before limit into the file.
func (f *File) add(m *Member, limit int64) error {
	if err := m.check(limit); err != nil {
		return fmt.Errorf("zip: member %q: %w", m.Name, err)
	}
	if f.names[m.Name] != nil {
		return fmt.Errorf("zip: two members have the name %q, so it is not clear which is meant", m.Name)
	}
	m.file = f
	f.names[m.Name] = m
	f.Members = append(f.Members, m)
	return nil
}

// end says where the directory is. The numbers are the file's own.
type end struct {
	at                  uint64 // offset of the record itself
	count, size, offset uint64
}

// findEnd finds the last end-of-directory record, and the zip64 one where
// that says so.
func findEnd(r io.ReaderAt, size int64) (end, error) {
	if size < endLen {
		return end{}, fmt.Errorf("zip: %d bytes are too few for an archive", size)
	}
	tail := make([]byte, min(size, endLen+maxComment))
	start := size - int64(len(tail))
	if err := readFull(r, tail, start); err != nil {
		return end{}, fmt.Errorf("zip: reading the last %d bytes: %w", len(tail), err)
	}
	i := lastIndex(tail[:len(tail)-endLen+len(endMagic)], endMagic)
	if i < 0 {
		return end{}, errors.New("zip: no directory at the end: the file is cut off or is no archive; get it again")
	}
	b := tail[i:]
	e := end{
		at:     uint64(start) + uint64(i),
		count:  uint64(le.Uint16(b[10:])),
		size:   uint64(le.Uint32(b[12:])),
		offset: uint64(le.Uint32(b[16:])),
	}
	if e.count != 0xffff && e.size != 0xffffffff && e.offset != 0xffffffff {
		return e, nil
	}
	return findEnd64(r, e)
}

// findEnd64 replaces e by the zip64 record, where there is one.
func findEnd64(r io.ReaderAt, e end) (end, error) {
	if e.at < locatorLen {
		return e, nil
	}
	loc := make([]byte, locatorLen)
	if err := readFull(r, loc, int64(e.at)-locatorLen); err != nil {
		return e, fmt.Errorf("zip: reading the zip64 locator: %w", err)
	}
	if string(loc[:4]) != locatorMagic {
		return e, nil
	}
	at := le.Uint64(loc[8:])
	if at > e.at-locatorLen || e.at-locatorLen-at < end64Len {
		return e, fmt.Errorf("zip: the zip64 record at offset %d does not end before its locator at %d", at, e.at-locatorLen)
	}
	b := make([]byte, end64Len)
	if err := readFull(r, b, int64(at)); err != nil {
		return e, fmt.Errorf("zip: reading the zip64 record: %w", err)
	}
	if string(b[:4]) != end64Magic {
		return e, fmt.Errorf("zip: no zip64 record at offset %d, where its locator points", at)
	}
	return end{at: at, count: le.Uint64(b[32:]), size: le.Uint64(b[40:]), offset: le.Uint64(b[48:])}, nil
}

func lastIndex(b, magic []byte) int {
	for i := len(b) - len(magic); i >= 0; i-- {
		if string(b[i:i+len(magic)]) == string(magic) {
			return i
		}
	}
	return -1
}

// parseEntry reads one directory entry and says how many bytes it takes.
func parseEntry(b []byte) (*Member, int, error) {
	if len(b) < entryLen || string(b[:4]) != entryMagic {
		return nil, 0, errors.New("the directory has no entry where one belongs")
	}
	name, extra, comment := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	n := entryLen + name + extra + comment
	if n > len(b) {
		return nil, 0, errors.New("its entry reaches past the end of the directory")
	}
	m := &Member{
		Name:   string(b[entryLen : entryLen+name]),
		flags:  le.Uint16(b[8:]),
		method: le.Uint16(b[10:]),
		crc:    le.Uint32(b[16:]),
	}
	packed, size, local := uint64(le.Uint32(b[20:])), uint64(le.Uint32(b[24:])), uint64(le.Uint32(b[42:]))
	// A field of all ones is in the zip64 extra field, in this order.
	for _, p := range []*uint64{&size, &packed, &local} {
		if *p != 0xffffffff {
			continue
		}
		if err := zip64(b[entryLen+name:entryLen+name+extra], &size, &packed, &local); err != nil {
			return nil, 0, fmt.Errorf("%q: %w", m.Name, err)
		}
		break
	}
	if size > 1<<62 || packed > 1<<62 || local > 1<<62 {
		return nil, 0, fmt.Errorf("%q: sizes past 2^62", m.Name)
	}
	m.Size, m.Packed, m.local = int64(size), int64(packed), int64(local)
	return m, n, nil
}

// zip64 fills in the fields that are all ones from the extra field of id 1.
func zip64(extra []byte, fields ...*uint64) error {
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			break
		}
		if id == 1 {
			v := extra[:n]
			for _, p := range fields {
				if *p != 0xffffffff {
					continue
				}
				if len(v) < 8 {
					return errors.New("its zip64 field is too short")
				}
				*p, v = le.Uint64(v), v[8:]
			}
			return nil
		}
		extra = extra[n:]
	}
	return nil
}

func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
