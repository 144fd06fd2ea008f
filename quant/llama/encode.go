package llama

import "strings"

// Encode is the tokens of a text. Where around is true, the tokens that begin
// and end a text are put around it, as far as AddBOS and AddEOS ask for them.
// Where parse is true, the names of control tokens in the text become those
// tokens; else only tokens that the file calls user-defined are found so.
//
// Text that is not UTF-8 is taken as llama.cpp takes it: byte by byte with
// SentencePiece, and else with U+FFFD for each byte that makes no sense.
func (v *Vocab) Encode(text string, around, parse bool) []int32 {
	var ids []int32
	if around && v.AddBOS {
		ids = append(ids, v.BOS)
	}
	afterSpecial := true
	known := map[string][]int32{}
	for _, f := range v.fragments(text, parse) {
		switch {
		case f.id != None:
			ids, afterSpecial = append(ids, f.id), true
		case v.scheme != nil:
			ids = v.encodeWords(ids, f.text, known)
		default:
			if v.spacePrefix && afterSpecial {
				f.text = " " + f.text
			}
			ids, afterSpecial = v.encodeSymbols(ids, strings.ReplaceAll(f.text, " ", lowerBlock)), false
		}
	}
	if around && v.AddEOS {
		ids = append(ids, v.EOS)
	}
	return ids
}

// lowerBlock (U+2581) stands for a space in SentencePiece.
const lowerBlock = "\u2581"

// fragment is a piece of text, or a special token in it.
type fragment struct {
	text string
	id   int32 // None for text
}

// fragments finds the special tokens in a text: each in turn, the longest
// first, in what the ones before it left. Source: tokenizer_st_partition.
func (v *Vocab) fragments(text string, parse bool) []fragment {
	if text == "" {
		return nil
	}
	list := []fragment{{text, None}}
	for _, id := range v.special {
		t := v.tokens[id]
		if !parse && t.attr&(control|unknown) != 0 || !strings.Contains(text, t.text) {
			continue
		}
		var next []fragment
		for _, f := range list {
			if f.id != None {
				next = append(next, f)
				continue
			}
			next = cut(next, f.text, t, id)
		}
		list = next
	}
	return list
}

// cut appends what of a text lies around the occurrences of one token.
func cut(list []fragment, text string, t token, id int32) []fragment {
	for text != "" {
		before, after, found := strings.Cut(text, t.text)
		if before != "" {
			list = append(list, fragment{before, None})
		}
		if !found {
			break
		}
		if t.attr&stripRight != 0 {
			after = strings.TrimLeft(after, " \t\n\v\f\r")
		}
		list = append(list, fragment{"", id})
		text = after
	}
	return list
}

// Piece is the text that a token stands for. It may be part of a character.
func (v *Vocab) Piece(id int32) string {
	if id < 0 || int(id) >= len(v.tokens) {
		return ""
	}
	switch t := v.tokens[id]; {
	case t.attr&(unknown|control|userDefined) != 0:
		return t.text
	case t.attr&normal != 0 && v.scheme != nil:
		return bytesOf(t.text)
	case t.attr&normal != 0:
		return strings.ReplaceAll(t.text, lowerBlock, " ")
	case t.attr&byteValue != 0 && v.scheme == nil:
		return hexByte(t.text)
	}
	return ""
}

// hexByte is the byte that a token "<0xAB>" stands for; 0 where it is no such.
func hexByte(text string) string {
	var b byte
	if len(text) >= 5 {
		for _, c := range []byte(text[3:5]) {
			switch {
			case c >= '0' && c <= '9':
				b = b<<4 | (c - '0')
			case c >= 'A' && c <= 'F':
				b = b<<4 | (c - 'A' + 10)
			case c >= 'a' && c <= 'f':
				b = b<<4 | (c - 'a' + 10)
			}
		}
	}
	return string([]byte{b})
}

// Decode is the text of tokens, without those that begin and end a text and
// without the space that Encode may have put before it.
func (v *Vocab) Decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		if id == v.BOS || id == v.EOS {
			continue
		}
		b.WriteString(v.Piece(id))
	}
	if v.spacePrefix {
		return strings.TrimPrefix(b.String(), " ")
	}
	return b.String()
}
