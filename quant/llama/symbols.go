package llama

// symbol is a stretch of text in a list of such; n is 0 once it went into the
// one before it.
type symbol struct {
	prev, next int32
	at, n      int32
}

// merge is two neighbours that may become one.
type merge struct {
	score       float32 // the highest is done first; of equals the leftmost
	left, right int32
	n           int32 // bytes of both, by which a merge out of date is known
}

func (m merge) before(o merge) bool {
	return m.score > o.score || m.score == o.score && m.left < o.left
}

// merges is a heap of merges.
type merges []merge

func (h *merges) push(m merge) {
	s := append(*h, m)
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !s[i].before(s[up]) {
			break
		}
		s[i], s[up] = s[up], s[i]
		i = up
	}
	*h = s
}

func (h *merges) pop() merge {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	s = s[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && s[down+1].before(s[down]) {
			down++
		}
		if !s[down].before(s[i]) {
			break
		}
		s[i], s[down] = s[down], s[i]
		i = down
	}
	*h = s
	return top
}

// characters cuts a text into characters by their first bytes alone; the last
// may be cut short.
func characters(text string) []symbol {
	list := make([]symbol, 0, len(text))
	for at := 0; at < len(text); {
		n := min(characterLen(text[at]), len(text)-at)
		i := int32(len(list))
		list = append(list, symbol{prev: i - 1, next: i + 1, at: int32(at), n: int32(n)})
		at += n
	}
	if len(list) > 0 {
		list[len(list)-1].next = -1
	}
	return list
}

// characterLen is how many bytes a UTF-8 character has that begins so.
func characterLen(b byte) int {
	switch {
	case b < 0xc0:
		return 1
	case b < 0xe0:
		return 2
	case b < 0xf0:
		return 3
	}
	return 4
}

// join merges neighbours, the best first, until none are left. score says how
// good two neighbours are, where they may be joined.
func join(list []symbol, score func(a, b symbol) (float32, bool)) {
	var h merges
	try := func(left, right int32) {
		if left < 0 || right < 0 {
			return
		}
		if s, ok := score(list[left], list[right]); ok {
			h.push(merge{s, left, right, list[left].n + list[right].n})
		}
	}
	for i := 1; i < len(list); i++ {
		try(int32(i-1), int32(i))
	}
	for len(h) > 0 {
		m := h.pop()
		a, b := &list[m.left], &list[m.right]
		if a.n == 0 || b.n == 0 || a.n+b.n != m.n {
			continue
		}
		a.n += b.n
		b.n = 0
		a.next = b.next
		if b.next >= 0 {
			list[b.next].prev = m.left
		}
		try(a.prev, m.left)
		try(m.left, a.next)
	}
}

// encodeSymbols appends the tokens of a text as SentencePiece's BPE finds them:
// the neighbours that make the token of the highest score are joined first.
// Source: llm_tokenizer_spm_session.
func (v *Vocab) encodeSymbols(ids []int32, text string) []int32 {
	list := characters(text)
	join(list, func(a, b symbol) (float32, bool) {
		id, ok := v.ids[text[a.at:a.at+a.n+b.n]]
		if !ok {
			return 0, false
		}
		return v.tokens[id].score, true
	})
	for _, s := range list {
		if s.n == 0 {
			continue
		}
		part := text[s.at : s.at+s.n]
		if id, ok := v.ids[part]; ok {
			ids = append(ids, id)
			continue
		}
		for _, b := range []byte(part) {
			if id := v.bytes[b]; id != None {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

const (
	maxKnown = 1 << 16 // words that one call of Encode remembers
	maxWord  = 64      // bytes of such a word
)

// encodeWords appends the tokens of a text as BPE over bytes finds them: in
// each word the merge that comes first in the list is done first. Source:
// llm_tokenizer_bpe_session.
func (v *Vocab) encodeWords(ids []int32, text string, known map[string][]int32) []int32 {
	for _, w := range v.scheme.words(text) {
		if list, ok := known[w]; ok {
			ids = append(ids, list...)
			continue
		}
		from := len(ids)
		ids = v.encodeWord(ids, charsOf(w))
		if len(w) <= maxWord && len(known) < maxKnown {
			known[w] = append([]int32(nil), ids[from:]...)
		}
	}
	return ids
}

func (v *Vocab) encodeWord(ids []int32, word string) []int32 {
	if v.scheme.wholeWords {
		if id, ok := v.ids[word]; ok {
			return append(ids, id)
		}
	}
	list := characters(word)
	join(list, func(a, b symbol) (float32, bool) {
		rank, ok := v.ranks[pair{word[a.at : a.at+a.n], word[b.at : b.at+b.n]}]
		return -float32(rank), ok
	})
	for _, s := range list {
		if s.n == 0 {
			continue
		}
		part := word[s.at : s.at+s.n]
		if id, ok := v.ids[part]; ok {
			ids = append(ids, id)
			continue
		}
		for i := range len(part) {
			if id, ok := v.ids[part[i:i+1]]; ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
