package huggingface

import (
	"cmp"
	"fmt"
	"slices"

	"fewbits/quant"
	"fewbits/quant/internal/json"
)

// tokenizerFile is a tokenizer.json but for its vocabulary and merges, which
// are read when they are wanted.
type tokenizerFile struct {
	file      quant.File
	added     []added
	kind      string // of the model: "BPE", "Unigram"
	vocab     int64  // where the vocabulary stands in the file; 0 for nowhere
	merges    int64
	unknown   string // the token, of BPE
	unknownID int64  // its number, of Unigram; −1 for none

	byteFallback bool
	ignoreMerges bool
	strips       bool // some added token takes the spaces behind it

	normalizer, pre, post, decoder any // trees
}

// maxAdded bounds the added tokens; the largest vocabularies have 2^18 tokens.
const maxAdded = 1 << 20

// readTokenizer reads everything but vocabulary and merges.
func readTokenizer(f quant.File) (*tokenizerFile, error) {
	t := &tokenizerFile{file: f, unknownID: -1}
	r := openJSON(f, tokenizerName, 0)
	err := r.Object(func(key string) (err error) {
		switch key {
		case "added_tokens":
			return t.readAdded(r)
		case "model":
			return t.readModel(r)
		case "normalizer":
			t.normalizer, err = r.Value()
		case "pre_tokenizer":
			t.pre, err = r.Value()
		case "post_processor":
			t.post, err = r.Value()
		case "decoder":
			t.decoder, err = r.Value()
		default:
			return r.Skip()
		}
		return err
	})
	if err == nil {
		err = r.End()
	}
	return t, err
}

// readAdded reads the list of added tokens; null is an empty one.
func (t *tokenizerFile) readAdded(r *json.Reader) error {
	if b, err := r.Peek(); err != nil || b == 'n' {
		return cmp.Or(err, r.Skip())
	}
	return r.Array(func(i int) error {
		if i == maxAdded {
			return r.Fail("there are more than %d added tokens; the file is damaged or hostile", maxAdded)
		}
		a := added{id: -1}
		err := r.Object(func(key string) (err error) {
			switch key {
			case "id":
				a.id, err = r.Int()
			case "content":
				a.content, err = r.Text()
			case "special", "rstrip":
				v, err := r.Value()
				if key == "special" {
					a.special = v == true
				} else if v == true {
					t.strips = true
				}
				return err
			default:
				return r.Skip()
			}
			return err
		})
		if err == nil && (a.id < 0 || a.content == "") {
			err = r.Fail("an added token has no id or no content; the file is damaged")
		}
		t.added = append(t.added, a)
		return err
	})
}

// readModel reads what the model says of itself, and where its lists stand.
func (t *tokenizerFile) readModel(r *json.Reader) error {
	return r.Object(func(key string) error {
		switch key {
		case "vocab", "merges":
			if _, err := r.Peek(); err != nil {
				return err
			}
			if key == "vocab" {
				t.vocab = r.Offset()
			} else {
				t.merges = r.Offset()
			}
			return r.Skip()
		case "type", "unk_token", "unk_id", "byte_fallback", "ignore_merges":
			v, err := r.Value()
			if err != nil {
				return err
			}
			switch key {
			case "type":
				t.kind, _ = v.(string)
			case "unk_token":
				t.unknown, _ = v.(string)
			case "unk_id":
				if n, ok := v.(json.Number); ok {
					t.unknownID, _ = n.Int()
				}
			case "byte_fallback":
				t.byteFallback = v == true
			case "ignore_merges":
				t.ignoreMerges = v == true
			}
			return nil
		}
		return r.Skip()
	})
}

// vocabulary reads vocabulary and merges, for an embedding of so many rows.
func (t *tokenizerFile) vocabulary(rows int) (*vocabulary, error) {
	if t.kind == "" && t.merges > 0 {
		t.kind = "BPE" // early files do not say
	}
	switch {
	case t.vocab == 0:
		return nil, fmt.Errorf("%s: model.vocab is missing; the file is damaged or of another kind", tokenizerName)
	case t.kind == "Unigram":
		return t.unigram(rows)
	case t.kind == "BPE" && t.overBytes():
		return t.bytePairs(rows)
	case t.kind == "BPE" && t.merges > 0:
		return t.ranked(rows)
	}
	return nil, fmt.Errorf("%s: a tokenizer of type %q is none that llama.cpp has; there are BPE and Unigram", tokenizerName, clip(t.kind))
}

// overBytes says whether tokens are written in letters that stand for bytes,
// as GPT-2's are.
func (t *tokenizerFile) overBytes() bool {
	for _, s := range append(steps(t.pre, "pretokenizers"), steps(t.decoder, "decoders")...) {
		if s["type"] == "ByteLevel" {
			return true
		}
	}
	return false
}

// steps are the steps of a normalizer, a pre-tokenizer, a decoder or a
// post-processor, those of a Sequence one by one.
func steps(tree any, list string) []map[string]any {
	m, ok := tree.(map[string]any)
	if !ok {
		return nil
	}
	if m["type"] != "Sequence" {
		return []map[string]any{m}
	}
	var all []map[string]any
	inner, _ := m[list].([]any)
	for _, s := range inner {
		all = append(all, steps(s, list)...)
	}
	return all
}

// readVocab reads an object of tokens and their numbers.
func (t *tokenizerFile) readVocab(v *vocabulary, typ func(token string) int32) error {
	r := openJSON(t.file, tokenizerName, t.vocab).Under("model", "vocab")
	return r.Object(func(token string) error {
		id, err := r.Int()
		if err != nil {
			return err
		}
		if err := v.set(token, id, typ(token), 0); err != nil {
			return r.Fail("%v", err)
		}
		return nil
	})
}

// bytePairs reads BPE over bytes.
func (t *tokenizerFile) bytePairs(rows int) (*vocabulary, error) {
	v := newVocabulary(rows)
	v.model = "gpt2"
	if err := t.readVocab(v, func(string) int32 { return typeNormal }); err != nil {
		return nil, err
	}
	v.merges = []string{}
	err := t.readMerges(func(left, right []byte) error {
		line := make([]byte, 0, len(left)+1+len(right))
		line = append(append(append(line, left...), ' '), right...)
		v.merges = append(v.merges, string(line))
		return nil
	})
	t.preTokenizer(v)
	return v, err
}

// ranked reads the BPE of a SentencePiece model: a token's score is the
// negative rank of the first merge that makes it, as SentencePiece has it.
// Tokens that no merge makes follow, in order; bytes have 0.
func (t *tokenizerFile) ranked(rows int) (*vocabulary, error) {
	v := newVocabulary(rows)
	v.model, v.pre, v.scores = "llama", "default", make([]float32, rows)
	if err := t.readVocab(v, t.pieceType); err != nil {
		return nil, err
	}
	made, rank := make([]bool, rows), 0
	var product []byte
	err := t.readMerges(func(left, right []byte) error {
		product = append(append(product[:0], left...), right...)
		id, ok := v.ids[string(product)]
		if !ok {
			return fmt.Errorf("the merge of %q and %q makes no token of the vocabulary; the file is damaged", clip(string(left)), clip(string(right)))
		}
		if !made[id] {
			made[id], v.scores[id] = true, float32(-rank)
			rank++
		}
		return nil
	})
	for id, typ := range v.types {
		if typ == typeNormal && !made[id] {
			v.scores[id] = float32(-rank)
			rank++
		}
	}
	return v, err
}

// pieceType is the type of a token of SentencePiece by its text.
func (t *tokenizerFile) pieceType(token string) int32 {
	switch {
	case isByte(token):
		return typeByte
	case token == t.unknown && token != "":
		return typeUnknown
	}
	return typeNormal
}

// readMerges reads merges, written as "left right" or as ["left", "right"].
func (t *tokenizerFile) readMerges(merge func(left, right []byte) error) error {
	if t.merges == 0 {
		return fmt.Errorf("%s: model.merges is missing; the file is damaged or of another kind", tokenizerName)
	}
	r := openJSON(t.file, tokenizerName, t.merges).Under("model", "merges")
	var left []byte
	return r.Array(func(int) error {
		b, err := r.Peek()
		if err != nil {
			return err
		}
		var right []byte
		if b == '[' {
			left, right, err = mergePair(r, left[:0])
		} else if right, err = r.Bytes(); err == nil {
			// The first letter may be the space that is merged.
			at := slices.Index(right[min(1, len(right)):], ' ') + 1
			if at == 0 || at == len(right)-1 {
				return r.Fail("a merge is two tokens with a space between; the file is damaged")
			}
			left, right = right[:at:at], right[at+1:]
		}
		if err != nil {
			return err
		}
		if err := merge(left, right); err != nil {
			return r.Fail("%v", err)
		}
		return nil
	})
}

// mergePair reads a merge that is a list of two. A space in a token, which
// would end it in a line of GGUF, becomes the letter that stands for the byte.
func mergePair(r *json.Reader, left []byte) (l, right []byte, err error) {
	n := 0
	err = r.Array(func(i int) error {
		b, err := r.Bytes()
		if err != nil {
			return err
		}
		if n++; i == 0 {
			left = appendSpaced(left, b)
		} else {
			right = appendSpaced(right, b)
		}
		return nil
	})
	if err == nil && n != 2 {
		err = r.Fail("a merge is two tokens, and here are %d; the file is damaged", n)
	}
	return left, right, err
}

func appendSpaced(dst, b []byte) []byte {
	for _, c := range b {
		if c == ' ' {
			dst = append(dst, "Ġ"...)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// unigram reads a list of pieces and scores.
func (t *tokenizerFile) unigram(rows int) (*vocabulary, error) {
	v := newVocabulary(rows)
	v.model, v.pre, v.scores = "llama", "default", make([]float32, rows)
	v.note("the tokenizer looks for the likeliest way to split a text (Unigram); llama.cpp joins the likeliest pairs, so that some texts are split otherwise")
	r := openJSON(t.file, tokenizerName, t.vocab).Under("model", "vocab")
	return v, r.Array(func(id int) error {
		var piece string
		var score float64
		n := 0
		err := r.Array(func(i int) (err error) {
			switch n++; i {
			case 0:
				piece, err = r.Text()
			case 1:
				score, err = r.Float()
			default:
				return r.Skip()
			}
			return err
		})
		if err == nil && n != 2 {
			err = r.Fail("a piece is a text and its score; the file is damaged")
		}
		if err != nil {
			return err
		}
		typ := t.pieceType(piece)
		if int64(id) == t.unknownID {
			typ = typeUnknown
		}
		if err := v.set(piece, int64(id), typ, float32(score)); err != nil {
			return r.Fail("%v", err)
		}
		return nil
	})
}

// spaceBefore says whether a text gets a space before it, which SentencePiece
// writes as ▁.
func (t *tokenizerFile) spaceBefore() bool {
	for _, s := range steps(t.normalizer, "normalizers") {
		if s["type"] == "Prepend" {
			return true
		}
	}
	for _, s := range append(steps(t.pre, "pretokenizers"), steps(t.normalizer, "normalizers")...) {
		if s["type"] != "Metaspace" {
			continue
		}
		if scheme, ok := s["prepend_scheme"].(string); ok {
			return scheme != "never"
		}
		return s["add_prefix_space"] != false
	}
	return false
}
