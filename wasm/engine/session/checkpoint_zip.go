//go:build !first

package session

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"fewbits/quant/checkpoint"
)

// zipped is a zip archive whose files are stored as they are and may be written
// in any order: their sizes are known beforehand, so that each has its place.
// What comes before a file has a checksum of it and is written last.
//
// The layout is that of PKWARE's APPNOTE 6.3.10, §4.3; zip64 (§4.5.3) is used
// where a number does not fit in 32 bits, and nowhere else.
type zipped struct {
	write  func(at int64, b []byte) error
	folder string
	files  []*zipFile
	where  int64 // of the directory
	size   int64 // of the archive
}

// zipFile is one of its files.
type zipFile struct {
	zip    *zipped
	name   string // with the folder
	header int64  // where it begins
	size   int64
	pieces []zipPiece // by their places
	crc    uint32
	closed bool
}

// zipPiece is what was written at once.
type zipPiece struct {
	at, n int64
	crc   uint32
}

const (
	zipMax     = 1<<32 - 1 // what is as much, or more, stands in a zip64 field
	zipVersion = 20        // that it takes to read a folder's files; 45 for zip64
	zip64      = 45
	zipUTF8    = 1 << 11 // of the flags
	zipDate    = 1<<5 | 1
	zipMode    = (0o100644) << 16 // a file that its owner may change
	zipUnix    = 3 << 8
)

// newZip places files in a folder.
func newZip(folder string, files []checkpoint.Planned) *zipped {
	z := &zipped{folder: folder}
	for _, f := range files {
		x := &zipFile{zip: z, name: folder + "/" + f.Name, header: z.where, size: f.Size}
		z.files = append(z.files, x)
		z.where = x.data() + x.size
	}
	z.size = z.where
	for _, x := range z.files {
		z.size += int64(len(x.entry()))
	}
	z.size += int64(len(z.tail(z.size - z.where)))
	return z
}

// create is what checkpoint.Options asks for.
func (z *zipped) create(name string) (checkpoint.File, error) {
	for _, f := range z.files {
		if f.name == z.folder+"/"+name {
			return f, nil
		}
	}
	return nil, fmt.Errorf("the file %q was not planned", name)
}

// end writes the directory.
func (z *zipped) end() error {
	var b []byte
	for _, f := range z.files {
		if !f.closed {
			return fmt.Errorf("the file %q was planned and is not written", f.name)
		}
		b = append(b, f.entry()...)
	}
	return z.write(z.where, append(b, z.tail(int64(len(b)))...))
}

// WriteAt writes a piece of the file.
func (f *zipFile) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > f.size {
		return 0, fmt.Errorf("%s: %d bytes at byte %d, and %d were planned", f.name, len(p), off, f.size)
	}
	if len(p) == 0 {
		return 0, nil
	}
	at, _ := slices.BinarySearchFunc(f.pieces, off, func(x zipPiece, off int64) int { return int(min(1, max(-1, x.at-off))) })
	f.pieces = slices.Insert(f.pieces, at, zipPiece{off, int64(len(p)), crc32.ChecksumIEEE(p)})
	f.join(at)
	return len(p), f.zip.write(f.data()+off, p)
}

// join makes one of pieces that follow one another.
func (f *zipFile) join(at int) {
	for _, i := range []int{at, at - 1} {
		if i < 0 || i+1 >= len(f.pieces) || f.pieces[i].at+f.pieces[i].n != f.pieces[i+1].at {
			continue
		}
		next := f.pieces[i+1]
		f.pieces[i] = zipPiece{f.pieces[i].at, f.pieces[i].n + next.n, crcOf(f.pieces[i].crc, next.crc, next.n)}
		f.pieces = slices.Delete(f.pieces, i+1, i+2)
	}
}

// Close writes what comes before the file. It fails where some of it was not
// written, or twice.
func (f *zipFile) Close() error {
	whole := len(f.pieces) == 1 && f.pieces[0].at == 0 && f.pieces[0].n == f.size || f.size == 0
	if !whole {
		return fmt.Errorf("%s is not written as it was planned: %d pieces, of %d bytes", f.name, len(f.pieces), f.size)
	}
	if f.closed = true; f.size > 0 {
		f.crc = f.pieces[0].crc
	}
	return f.zip.write(f.header, f.local())
}

// data is where the file's own bytes begin.
func (f *zipFile) data() int64 { return f.header + int64(len(f.local())) }

var le = binary.LittleEndian

// common is what both headers say: version, flags, method, time, checksum,
// sizes, lengths of the name and of more.
func (f *zipFile) common(b []byte, version int, extra []byte) []byte {
	b = le.AppendUint16(b, uint16(version))
	b = le.AppendUint16(b, zipUTF8)
	b = le.AppendUint32(b, 0) // stored, at midnight
	b = le.AppendUint16(b, zipDate)
	b = le.AppendUint32(b, f.crc)
	b = le.AppendUint32(b, uint32(min(f.size, zipMax)))
	b = le.AppendUint32(b, uint32(min(f.size, zipMax)))
	b = le.AppendUint16(b, uint16(len(f.name)))
	return le.AppendUint16(b, uint16(len(extra)))
}

// local is what comes before the file.
func (f *zipFile) local() []byte {
	version, extra := zipVersion, []byte(nil)
	if f.size >= zipMax {
		version, extra = zip64, zip64Field(f.size, f.size)
	}
	b := f.common([]byte("PK\x03\x04"), version, extra)
	return append(append(b, f.name...), extra...)
}

// entry is the file's entry in the directory.
func (f *zipFile) entry() []byte {
	version, numbers := zipVersion, []int64(nil)
	if f.size >= zipMax {
		numbers = append(numbers, f.size, f.size)
	}
	if f.header >= zipMax {
		numbers = append(numbers, f.header)
	}
	var extra []byte
	if numbers != nil {
		version, extra = zip64, zip64Field(numbers...)
	}
	b := le.AppendUint16([]byte("PK\x01\x02"), uint16(zipUnix|version))
	b = f.common(b, version, extra)
	b = append(b, make([]byte, 6)...) // no comment, on the first disk, not known to be text
	b = le.AppendUint32(b, zipMode)
	b = le.AppendUint32(b, uint32(min(f.header, zipMax)))
	return append(append(b, f.name...), extra...)
}

func zip64Field(numbers ...int64) []byte {
	b := le.AppendUint16(nil, 1)
	b = le.AppendUint16(b, uint16(8*len(numbers)))
	for _, n := range numbers {
		b = le.AppendUint64(b, uint64(n))
	}
	return b
}

// tail is what comes after a directory of so many bytes.
func (z *zipped) tail(directory int64) []byte {
	var b []byte
	count, where := int64(len(z.files)), z.where
	if count >= 1<<16-1 || directory >= zipMax || where >= zipMax {
		b = append(b, "PK\x06\x06"...)
		b = le.AppendUint64(b, 44) // bytes that follow
		b = le.AppendUint16(b, zipUnix|zip64)
		b = le.AppendUint16(b, zip64)
		b = le.AppendUint64(b, 0) // disks
		for _, n := range []int64{count, count, directory, where} {
			b = le.AppendUint64(b, uint64(n))
		}
		b = append(b, "PK\x06\x07\x00\x00\x00\x00"...)
		b = le.AppendUint64(b, uint64(where+directory))
		b = le.AppendUint32(b, 1)
	}
	b = append(b, "PK\x05\x06\x00\x00\x00\x00"...)
	b = le.AppendUint16(b, uint16(min(count, 1<<16-1)))
	b = le.AppendUint16(b, uint16(min(count, 1<<16-1)))
	b = le.AppendUint32(b, uint32(min(directory, zipMax)))
	b = le.AppendUint32(b, uint32(min(where, zipMax)))
	return le.AppendUint16(b, 0)
}

// crcOf is the CRC-32 of two pieces that follow one another, of theirs; n is
// how many bytes the second has: a·x⁸ⁿ + b, over GF(2) and modulo the CRC's
// polynomial.
func crcOf(a, b uint32, n int64) uint32 {
	power, square := uint32(1)<<31, uint32(1)<<(31-8) // x⁰ and x⁸: the highest bit is that of x⁰
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			power = crcTimes(power, square)
		}
		square = crcTimes(square, square)
	}
	return crcTimes(power, a) ^ b
}

// crcTimes multiplies polynomials.
func crcTimes(a, b uint32) uint32 {
	p := uint32(0)
	for m := uint32(1) << 31; m != 0; m >>= 1 {
		if a&m != 0 {
			p ^= b
		}
		if b&1 != 0 {
			b = b>>1 ^ crc32.IEEE
		} else {
			b >>= 1
		}
	}
	return p
}
