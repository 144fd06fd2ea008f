package checkpoint

import (
	"os"
	"path/filepath"
	"testing"

	"fewbits/quant/dtype"
)

// TestPlan wants what is planned to be what is written, in one file of weights
// and in several.
func TestPlan(t *testing.T) {
	m := model(t, dtype.BF16)
	for name, target := range cases(t) {
		t.Run(name, func(t *testing.T) {
			for _, shard := range []int64{0, 4000} {
				list, err := Plan(Input{Weights: m, Files: files()}, target, Options{Shard: shard})
				if err != nil {
					t.Fatal(err)
				}
				dir, r := exported(t, m, target, shard)
				if shard > 0 && len(list) < 6 {
					t.Errorf("%d files, and several of weights were meant", len(list))
				}
				if len(list) != len(r.Files) {
					t.Fatalf("%v is planned, %v written", list, r.Files)
				}
				for i, f := range list {
					st, err := os.Stat(filepath.Join(dir, f.Name))
					if err != nil || f.Name != r.Files[i] || st.Size() != f.Size {
						t.Errorf("file %d is planned as %+v: it is %s (%v, %v)", i, f, r.Files[i], st, err)
					}
				}
			}
		})
	}
}
