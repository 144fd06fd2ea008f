package sample

import (
	"testing"

	"fewbits/quant/report"
)

// TestSame wants the values that links to the page have named from the start.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		name       string
		rows, cols int
		want       string
	}{
		{"outliers", 128, 512, "c03a5e1d505a4f2c039314d2719c3b069817ae6355db16e8d58640d7233cdc0d"},
		{"normal", 128, 512, "0b213ade6aa920b8315e2b2aa3f6f19e1035c57ba2baa295b44e172ae3b71743"},
		{"uniform", 128, 512, "b264b47c7001c8e61290310b371631e31048a48989bb62f45fa4f0e35b80251e"},
		{"example", 9, 9, "1cd1b063db40977ea1772d0f6cd415fc34c30901a8e55db48cafae75afa3ad35"},
	} {
		x, err := Make(c.name, c.rows, c.cols, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := report.HashValues(x.Data); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name       string
		rows, cols int
	}{{"other", 1, 1}, {"normal", 0, 1}, {"normal", 1, -1}, {"normal", 1 << 20, 1 << 20}} {
		if _, err := Make(c.name, c.rows, c.cols, 1); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}
