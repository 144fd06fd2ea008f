package kernels

import (
	"os"
	"testing"
)

// longSeeds is how many seeds of each dataset TestLongTwins takes.
const longSeeds = 1000

// TestLongTwins runs every kernel and its twin on a thousand seeds of each
// dataset, of lengths that a seed gives; those of groups, whose searches take
// longer, on a thousand seeds of all datasets.
func TestLongTwins(t *testing.T) {
	if os.Getenv("FEWBITS_LONG") == "" {
		t.Skip("takes minutes: set FEWBITS_LONG")
	}
	if Active() == "portable" {
		t.Skip("here a kernel is its own twin")
	}
	for i, d := range datasets {
		t.Run(d.name, func(t *testing.T) {
			for seed := range uint64(longSeeds) {
				r := rng(1<<20 + seed)
				checkTwins(t, makeInput(d, int(r.next()%600), 1<<20+seed), d.finite)
				if d.finite && seed%11 == uint64(i)%11 {
					n, groups := []int{4, 7, 16, 32}[r.next()%4], int(1+r.next()%12)
					x := placed(d.make(n*groups, 1<<21+seed), int(r.next()%4), nan)
					w := placed(weightsLike(datasets[r.next()%11], n*groups, 1<<22+seed), int(r.next()%4), nan)
					checkGroupTwins(t, x, w, n)
				}
				if t.Failed() {
					return
				}
			}
		})
		t.Logf("%d of %d datasets", i+1, len(datasets))
	}
}
