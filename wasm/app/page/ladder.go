package page

import (
	"fewbits/quant"
	"fewbits/wasm/wire"
)

// Ladder is the formats of one kind by rising bits: what the Bits slider
// moves along.
type Ladder []Rung

// Rung is one format of a Ladder.
type Rung struct {
	Bits int
	Name string
}

// Ladder is that of a format: INT2 … INT8, or Q2_K … Q8_0, or FP8 … FP32; a
// format without brothers stands alone.
func (s *State) Ladder(format string) Ladder {
	if format == wire.AsStored {
		return s.storedLadder()
	}
	f := s.Format(format)
	if f == nil {
		return nil
	}
	var l Ladder
	for _, bits := range []int{2, 3, 4, 5, 6, 8, 16, 32} {
		// Of several with as many bits, the chosen one, then the first of its title.
		best := -1
		for i, g := range s.Formats {
			if g.Bits != bits || g.Family != f.Family {
				continue
			}
			switch {
			case g.Name == format:
				best = i
			case best >= 0 && (s.Formats[best].Name == format || s.Formats[best].Title == f.Title):
			case best < 0 || g.Title == f.Title:
				best = i
			}
		}
		if best >= 0 {
			l = append(l, Rung{bits, s.Formats[best].Name})
		}
	}
	if f.Family == quant.FamilyCodebook {
		return Ladder{{f.Bits, f.Name}}
	}
	return l
}

// nearest is the format whose bits are nearest.
func (l Ladder) nearest(bits int) string {
	name, best := "", 1<<30
	for _, r := range l {
		if d := max(bits-r.Bits, r.Bits-bits); d < best {
			name, best = r.Name, d
		}
	}
	return name
}
