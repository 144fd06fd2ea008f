package llama

// The cutters follow the expressions and the scanners of src/unicode.cpp and
// src/llama-vocab.cpp in ggml-org/llama.cpp.

// cutGPT2: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func cutGPT2(t *runes, from, to int, ends []int) []int {
	for i := from; i < to; {
		if n := t.contraction(i, to, false); n > 0 {
			i += n
			ends = append(ends, i)
			continue
		}
		j := i
		if t.list[i] == ' ' && t.at(i+1, to)&^space != 0 {
			j++
		}
		switch c := t.class[j]; {
		case c == space:
			i = t.spaces(i, to)
		case c == letter || c == number:
			i = t.run(j, to, c)
		default:
			i = t.run(j, to, punctuation|other)
		}
		ends = append(ends, i)
	}
	return ends
}

// cutLlama3: (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func cutLlama3(t *runes, from, to int, ends []int) []int { return cutModern(t, from, to, ends, 3) }

// cutQwen2 is cutLlama3, but with every digit alone.
func cutQwen2(t *runes, from, to int, ends []int) []int { return cutModern(t, from, to, ends, 1) }

func cutModern(t *runes, from, to int, ends []int, digits int) []int {
	for i := from; i < to; {
		i = t.modern(i, to, digits)
		ends = append(ends, i)
	}
	return ends
}

// modern is where the piece that begins at i ends.
func (t *runes) modern(i, to, digits int) int {
	if n := t.contraction(i, to, true); n > 0 {
		return i + n
	}
	c := t.class[i]
	if c == letter {
		return t.run(i, to, letter)
	}
	if c != number && !t.newline(i, to) && t.at(i+1, to) == letter {
		return t.run(i+1, to, letter)
	}
	if c == number {
		return t.run(i, min(to, i+digits), number)
	}
	j := i
	if t.list[i] == ' ' {
		j++
	}
	if t.at(j, to)&(punctuation|other) != 0 {
		for j = t.run(j, to, punctuation|other); t.newline(j, to); j++ {
		}
		return j
	}
	last := 0 // after the last newline among the spaces
	for j = i; t.at(j, to) == space; j++ {
		if t.newline(j, to) {
			last = j + 1
		}
	}
	if last > 0 {
		return last
	}
	return t.spaces(i, to)
}

// contraction is the length of 's, 't, 'm, 'd, 're, 've or 'll at i, 0 where
// there is none.
func (t *runes) contraction(i, to int, anyCase bool) int {
	if t.list[i] != '\'' || i+1 >= to {
		return 0
	}
	lower := func(r rune) rune {
		if anyCase && r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	a := lower(t.list[i+1])
	switch a {
	case 's', 't', 'm', 'd':
		return 2
	}
	if i+2 >= to {
		return 0
	}
	switch b := lower(t.list[i+2]); {
	case (a == 'r' || a == 'v') && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}

func (t *runes) newline(i, to int) bool {
	return i < to && (t.list[i] == '\n' || t.list[i] == '\r')
}

// run is where a run of characters of certain classes ends.
func (t *runes) run(i, to int, c class) int {
	for i < to && t.class[i]&c != 0 {
		i++
	}
	return i
}

// spaces is where a piece of spaces ends: before the last of them, where more
// than one come before something else.
func (t *runes) spaces(i, to int) int {
	end := t.run(i, to, space)
	if end < to && end-i > 1 {
		return end - 1
	}
	return end
}

// apart cuts out runs of what fits; one character at a time where alone.
func apart(from, to int, ends []int, alone bool, fits func(i int) bool) []int {
	start := from
	for i := from; i < to; {
		if !fits(i) {
			i++
			continue
		}
		if i > start {
			ends = append(ends, i)
		}
		for i++; i < to && !alone && fits(i); i++ {
		}
		ends = append(ends, i)
		start = i
	}
	if start < to {
		ends = append(ends, to)
	}
	return ends
}

// cutNumbers: \p{N}
func cutNumbers(t *runes, from, to int, ends []int) []int {
	return apart(from, to, ends, true, func(i int) bool { return t.class[i] == number })
}

// cutNumberRuns: \p{N}+
func cutNumberRuns(t *runes, from, to int, ends []int) []int {
	return apart(from, to, ends, false, func(i int) bool { return t.class[i] == number })
}

// cutPunctuation: [\p{P}\$\+<=>\^~\|]+
func cutPunctuation(t *runes, from, to int, ends []int) []int {
	return apart(from, to, ends, false, func(i int) bool {
		switch t.list[i] {
		case '$', '+', '<', '=', '>', '^', '~', '|':
			return true
		}
		return t.class[i] == punctuation
	})
}

// cutTriplets: [0-9][0-9][0-9]
func cutTriplets(t *runes, from, to int, ends []int) []int {
	digit := func(i int) bool { return t.list[i] >= '0' && t.list[i] <= '9' }
	start := from
	for i := from; i+2 < to; {
		if !digit(i) || !digit(i+1) || !digit(i+2) {
			i++
			continue
		}
		if i > start {
			ends = append(ends, i)
		}
		i += 3
		ends = append(ends, i)
		start = i
	}
	if start < to {
		ends = append(ends, to)
	}
	return ends
}
