package kernels

import (
	"fmt"
	"testing"
)

func TestSearchSplits(t *testing.T) {
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			for _, weights := range datasets[:11:11] {
				for seed := range uint64(4) {
					x, w := d.make(superValue, seed), weightsLike(weights, superValue, seed+9)
					for _, group := range []int{16, 32} {
						a, b := Splits{Group: group, Eps: 1e-12}, Splits{Group: group, Eps: 1e-12}
						SearchSplits(&a, x, w)
						searchSplitsGeneric(&b, x, w)
						got, want := fmt.Sprint(a.Down, a.Found, a.Points, floatBytes(a.Scale[:])), fmt.Sprint(b.Down, b.Found, b.Points, floatBytes(b.Scale[:]))
						if got != want {
							t.Fatalf("weights %s, groups of %d: %s gives\n%v, portable\n%v\nof %v\nweights %v", weights.name, group, Active(), got, want, x, w)
						}
					}
				}
			}
		})
	}
}

func TestSearchPositive(t *testing.T) {
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			for _, weights := range datasets[:11:11] {
				for _, n := range []int{32, 16, 5} {
					x, w := d.make(11*n, uint64(n)), weightsLike(weights, 11*n, 9)
					for i := range x {
						if i%7 != 0 {
							x[i] = magnitude(x[i])
						}
					}
					for _, top := range []int32{4, 15, 255} {
						codes, scale, want := make([]uint8, len(x)), make([]float32, 12), make([]float32, 12)
						SearchPositive(nil, scale[:11], x, w, n, top)
						searchPositiveGeneric(codes, want[:11], x, w, n, top)
						if got, want := groupsResult(nil, scale), groupsResult(nil, want); got != want {
							t.Fatalf("weights %s, groups of %d, top %d: %s gives\n%v, portable\n%v\nof %v\nweights %v", weights.name, n, top, Active(), got, want, x, w)
						}
						if SearchPositive(codes, scale[:11], x, w, n, top); groupsResult(nil, scale) != groupsResult(nil, want) {
							t.Fatal("other scales with codes than without")
						}
					}
				}
			}
		})
	}
}
