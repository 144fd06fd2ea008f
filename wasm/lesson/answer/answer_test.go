package answer

import "testing"

func TestRead(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
	}{
		{"16", 16}, {" 16 values ", 16}, {"2^4", 16}, {"2⁴ = 16", 16}, {"256/16", 16}, {"2·2·2·2", 16}, {"2x2", 4},
		{"−0.5", -0.5}, {"0,5", 0.5}, {"1,5", 1.5}, {"1,024", 1024}, {"4,294,967,296", 4294967296}, {"0,125", 0.125}, {"+3", 3}, {".5", .5},
		{"3.5 GB", 3.5}, {"3.5gb", 3.5}, {"1/255", 1.0 / 255},
	} {
		if v, ok := Read(c.text, "GB"); !ok || v != c.want {
			t.Errorf("%q: %v %v, want %v", c.text, v, ok, c.want)
		}
	}
	for _, s := range []string{"", "abc", "0x10", "1e3", "inf", "NaN", "1/0", "--1", "1..2", "12345678901234567890123456789012345678901", "2^99999"} {
		if v, ok := Read(s); ok {
			t.Errorf("%q is %v", s, v)
		}
	}
}
