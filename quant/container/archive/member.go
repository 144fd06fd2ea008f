package archive

import (
	"bufio"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// keepBytes is how much of one inflated member is kept, so that reading it
// again, or backwards, costs nothing.
const keepBytes = 64 << 20

// File is an open archive. It is safe for use by several goroutines.
type File struct {
	Members []*Member // in the order of the directory

	r     io.ReaderAt
	names map[string]*Member
	mu    sync.Mutex
	last  *inflater // of the member inflated last; there is one at a time
}

// Find is the member of a name, or nil.
func (f *File) Find(name string) *Member { return f.names[name] }

// Member is one file of an archive. It is an io.ReaderAt over its contents.
type Member struct {
	Name   string
	Size   int64 // of the contents, in bytes
	Packed int64 // that they take in the archive

	file          *File
	flags, method uint16
	crc           uint32
	local         int64 // offset of the local header
	data          int64 // offset of the packed bytes, once it is known
}

// Stored says whether the contents are in the archive as they are.
func (m *Member) Stored() bool { return m.method == 0 }

// check refuses what cannot be read; limit is where the directory begins.
func (m *Member) check(limit int64) error {
	switch {
	case m.flags&1 != 0:
		return errors.New("is encrypted; save it without a password")
	case m.method != 0 && m.method != 8:
		return fmt.Errorf("is packed with %s; only stored and deflated members are read: pack it again", method(m.method))
	case m.local > limit-localLen || m.Packed > limit-localLen-m.local:
		return fmt.Errorf("its %d bytes at offset %d reach past the directory at %d", m.Packed, m.local, limit)
	case m.method == 0 && m.Size != m.Packed:
		return fmt.Errorf("is stored, but has %d bytes in the archive and %d outside", m.Packed, m.Size)
	case m.method == 8 && m.Size/maxRatio > m.Packed:
		return fmt.Errorf("claims %d bytes, but its %d packed bytes can hold %d at most", m.Size, m.Packed, m.Packed*maxRatio)
	}
	return nil
}

func method(m uint16) string {
	switch m {
	case 9:
		return "deflate64"
	case 12:
		return "bzip2"
	case 14:
		return "LZMA"
	case 93:
		return "zstandard"
	case 95:
		return "xz"
	}
	return fmt.Sprintf("method %d", m)
}

// Offset is where the packed bytes begin in the archive. It reads the
// member's local header the first time.
func (m *Member) Offset() (int64, error) {
	m.file.mu.Lock()
	defer m.file.mu.Unlock()
	return m.offset()
}

func (m *Member) offset() (int64, error) {
	if m.data > 0 {
		return m.data, nil
	}
	b := make([]byte, localLen)
	if err := readFull(m.file.r, b, m.local); err != nil {
		return 0, fmt.Errorf("zip: member %q: reading its header at offset %d: %w", m.Name, m.local, err)
	}
	if string(b[:4]) != localMagic {
		return 0, fmt.Errorf("zip: member %q: no header at offset %d, where the directory points", m.Name, m.local)
	}
	m.data = m.local + localLen + int64(le.Uint16(b[26:])) + int64(le.Uint16(b[28:]))
	return m.data, nil
}

// ReadAt reads contents from offset off. A deflated member is inflated up to
// off+len(p) and no further; the checksum is verified where that is its end.
// The bytes of a stored member are not verified.
func (m *Member) ReadAt(p []byte, off int64) (int, error) {
	m.file.mu.Lock()
	defer m.file.mu.Unlock()
	if off < 0 {
		return 0, fmt.Errorf("zip: member %q: negative offset %d", m.Name, off)
	}
	if off >= m.Size {
		return 0, io.EOF
	}
	var eof error
	if int64(len(p)) > m.Size-off {
		p, eof = p[:m.Size-off], io.EOF
	}
	n, err := m.readAt(p, off)
	if err != nil {
		return n, fmt.Errorf("zip: member %q: %w", m.Name, err)
	}
	return n, eof
}

func (m *Member) readAt(p []byte, off int64) (int, error) {
	at, err := m.offset()
	if err != nil {
		return 0, err
	}
	if m.Stored() {
		if err := readFull(m.file.r, p, at+off); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	z := m.file.last
	if z == nil || z.m != m || off < z.pos && !z.keeps() {
		z = &inflater{m: m, z: flate.NewReader(bufio.NewReaderSize(io.NewSectionReader(m.file.r, at, m.Packed), 1<<16))}
		m.file.last = z
	}
	if err := z.readAt(p, off); err != nil {
		m.file.last = nil
		return 0, err
	}
	return len(p), nil
}

// ReadAll reads the whole member, verifying its checksum. It fails where that
// is more than limit bytes.
func (m *Member) ReadAll(limit int64) ([]byte, error) {
	if m.Size > limit {
		return nil, fmt.Errorf("zip: member %q: has %d bytes; at most %d are read", m.Name, m.Size, limit)
	}
	b := make([]byte, m.Size)
	if n, err := m.ReadAt(b, 0); n < len(b) {
		return nil, err
	}
	if m.Stored() && crc32.ChecksumIEEE(b) != m.crc {
		return nil, fmt.Errorf("zip: member %q: its bytes do not match its checksum: the file is damaged; get it again", m.Name)
	}
	return b, nil
}

// inflater reads one deflated member forwards.
type inflater struct {
	m    *Member
	z    io.Reader
	pos  int64  // bytes inflated so far
	crc  uint32 // of them
	kept []byte // of them, where keeps
}

func (z *inflater) keeps() bool { return z.m.Size <= keepBytes }

func (z *inflater) readAt(p []byte, off int64) error {
	end := off + int64(len(p))
	if !z.keeps() {
		if err := z.skip(off); err != nil {
			return err
		}
		return z.read(p)
	}
	for z.pos < end {
		// A step at a time: what is kept never outgrows what was really there.
		n := len(z.kept)
		step := int(min(end-z.pos, 1<<20))
		z.kept = append(z.kept, make([]byte, step)...)
		if err := z.read(z.kept[n:]); err != nil {
			return err
		}
	}
	copy(p, z.kept[off:end])
	return nil
}

func (z *inflater) skip(off int64) error {
	buf := make([]byte, min(1<<16, off-z.pos))
	for z.pos < off {
		if err := z.read(buf[:min(int64(len(buf)), off-z.pos)]); err != nil {
			return err
		}
	}
	return nil
}

// read reads len(p) bytes, and checks length and checksum at the end.
func (z *inflater) read(p []byte) error {
	n, err := io.ReadFull(z.z, p)
	z.pos += int64(n)
	z.crc = crc32.Update(z.crc, crc32.IEEETable, p[:n])
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return fmt.Errorf("ends after %d of the %d bytes that the directory promises", z.pos, z.m.Size)
	case err != nil:
		return fmt.Errorf("after %d bytes: %w", z.pos, err)
	case z.pos < z.m.Size:
		return nil
	}
	if n, err := z.z.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		return fmt.Errorf("holds more than the %d bytes that the directory promises", z.m.Size)
	}
	if z.crc != z.m.crc {
		return errors.New("its bytes do not match its checksum: the file is damaged; get it again")
	}
	return nil
}
