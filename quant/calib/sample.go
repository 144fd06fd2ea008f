package calib

import (
	"slices"

	"fewbits/quant"
)

// Sample keeps a fair part of the tokens that go by: every one has the same
// chance to be among the at most Most that stay (Vitter 1985, "Random sampling
// with a reservoir", algorithm R). The same tokens give the same sample.
type Sample struct {
	Most  int // tokens
	Cols  int
	Seen  int64
	Data  []float32 // tokens × Cols
	state uint64
}

// Add lets tokens × Cols go by.
func (s *Sample) Add(x []float32) {
	if s.Most <= 0 || s.Cols <= 0 {
		return
	}
	for ; len(x) >= s.Cols; x = x[s.Cols:] {
		s.Seen++
		if len(s.Data) < s.Most*s.Cols {
			s.Data = append(s.Data, x[:s.Cols]...)
			continue
		}
		if k := s.below(uint64(s.Seen)); k < uint64(s.Most) {
			copy(s.Data[int(k)*s.Cols:], x[:s.Cols])
		}
	}
}

// below draws a number under n, by SplitMix64 (Steele, Lea, Flood 2014). What
// the remainder favours is under one in 2³² here.
func (s *Sample) below(n uint64) uint64 {
	s.state += 0x9E3779B97F4A7C15
	z := s.state
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return (z ^ (z >> 31)) % n
}

// Tensor is the tokens that stayed, tokens × Cols, as the methods take them.
func (s *Sample) Tensor(name string) *quant.Tensor {
	return &quant.Tensor{Name: name, Shape: []int{len(s.Data) / max(1, s.Cols), s.Cols}, Data: slices.Clip(s.Data)}
}
