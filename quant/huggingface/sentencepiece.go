package huggingface

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// sentencePieces reads the vocabulary of a tokenizer.model: a protocol buffer
// whose field 1 is each piece, with its text, its score and its type. The
// types have llama.cpp's numbers; as the converter has it, user-defined pieces
// are plain here, and the lists of added tokens say so where it matters.
// Source: src/sentencepiece_model.proto of google/sentencepiece.
func sentencePieces(b []byte, rows int) (*vocabulary, error) {
	v := newVocabulary(rows)
	v.model, v.pre, v.scores = "llama", "default", make([]float32, rows)
	n, outside := 0, 0
	err := fields(b, 0, func(number int, _ uint64, inner []byte, at int) error {
		if number != 1 || inner == nil {
			return nil
		}
		text, score, typ, err := piece(inner, at)
		if err != nil {
			return err
		}
		if n++; n > rows {
			outside++
			return nil
		}
		return v.set(text, int64(n-1), typ, score)
	})
	if err == nil && n == 0 {
		err = errors.New("there are no pieces in it; the file is of another kind")
	}
	if outside > 0 {
		v.note("%d tokens of %s are left out, since the embedding has no rows for them", outside, sentenceName)
	}
	return v, err
}

// piece reads one piece.
func piece(b []byte, at int) (text string, score float32, typ int32, err error) {
	typ = typeNormal
	err = fields(b, at, func(number int, value uint64, inner []byte, at int) error {
		switch {
		case number == 1 && inner != nil:
			text = string(inner)
		case number == 2:
			score = math.Float32frombits(uint32(value))
		case number == 3:
			typ = typeNormal
			if value >= typeUnknown && value <= typeByte && value != typeUserDefined {
				typ = int32(value)
			}
		}
		return nil
	})
	if err == nil && !utf8.ValidString(text) {
		err = fmt.Errorf("byte %d: a piece is not UTF-8; the file is damaged", at)
	}
	if err == nil && math.IsNaN(float64(score)) {
		err = fmt.Errorf("byte %d: the score of %q is not a number; the file is damaged", at, clip(text))
	}
	return text, score, typ, err
}

// fields calls f with each field of a message that begins at byte base of the
// file: the number and either its value or, where it has a length, its bytes.
func fields(b []byte, base int, f func(number int, value uint64, inner []byte, at int) error) error {
	for at := 0; at < len(b); {
		fail := func(what string) error {
			return fmt.Errorf("byte %d: %s; the file is damaged or of another kind", base+at, what)
		}
		key, n := binary.Uvarint(b[at:])
		if n <= 0 || key>>3 == 0 || key>>3 > 1<<29-1 {
			return fail("no field begins here")
		}
		start := at + n
		rest := b[start:]
		var value uint64
		var inner []byte
		size := 0
		switch key & 7 {
		case 0:
			if value, size = binary.Uvarint(rest); size <= 0 {
				return fail("a number does not end")
			}
		case 1:
			size = 8
		case 2:
			length, n := binary.Uvarint(rest)
			if n <= 0 || length > uint64(len(rest)-n) {
				return fail("a field is longer than what holds it")
			}
			start += n
			size = int(length)
			inner = b[start : start+size : start+size]
		case 5:
			size = 4
		default:
			return fail("a field has a type that there is not")
		}
		if size > len(b)-start {
			return fail("a field is longer than what holds it")
		}
		switch key & 7 {
		case 1:
			value = binary.LittleEndian.Uint64(b[start:])
		case 5:
			value = uint64(binary.LittleEndian.Uint32(b[start:]))
		}
		if err := f(int(key>>3), value, inner, base+start); err != nil {
			return err
		}
		at = start + size
	}
	return nil
}
