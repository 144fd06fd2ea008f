//go:build !first

package session

import "fewbits/wasm/wire"

// runTokens is how many tokens in a row make a place known: two texts of one
// kind share few such runs, and a text that repeats itself shares most.
const runTokens = 8

// tellText says what methods have to go by, and how much of the text that
// quality is measured on, ids, they saw. What goes into the first layer depends
// on the token alone, or on its place as well where places are learnt; what
// goes into the others on all that stands before in the chunk.
func (f *flow) tellText(out *wire.Flow, ids []int32) {
	c := f.model.Config()
	learnt := c.Architecture == "gpt2"
	first, contexts, runs := map[int64]bool{}, map[uint64]bool{}, map[uint64]bool{}
	for _, chunk := range f.chunks {
		h := uint64(hashStart)
		for i, id := range chunk {
			key := int64(id)
			if learnt {
				key |= int64(i) << 32
			}
			first[key] = true
			h = hashed(h, id)
			contexts[h] = true
			if i >= runTokens {
				runs[runOf(chunk[i+1-runTokens:i+1])] = true
			}
		}
	}
	all, seen := 0, 0
	for at := f.from * out.Context; at < f.to*out.Context; at++ {
		if at%out.Context < runTokens {
			continue // a chunk begins anew
		}
		all++
		if runs[runOf(ids[at+1-runTokens:at+1])] {
			seen++
		}
	}
	out.First, out.Contexts = len(first), len(contexts)
	out.Width, out.Widest = c.Width, max(c.Width, c.Hidden, c.Heads*c.ValueDim)
	if all > 0 {
		out.Seen = float64(seen) / float64(all)
	}
}

// The constants of FNV-1a in 64 bits.
const hashStart, hashPrime = 14695981039346656037, 1099511628211

func hashed(h uint64, id int32) uint64 { return (h ^ uint64(uint32(id))) * hashPrime }

func runOf(ids []int32) uint64 {
	h := uint64(hashStart)
	for _, id := range ids {
		h = hashed(h, id)
	}
	return h
}
