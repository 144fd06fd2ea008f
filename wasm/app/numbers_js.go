package app

import (
	"math"
	"strconv"
	"strings"
)

// decimal prints v with up to n decimals, without trailing zeros.
func decimal(v float64, n int) string {
	s := strconv.FormatFloat(v, 'f', n, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return minus(s)
}

// fixed prints v with n decimals: headline numbers keep their width.
func fixed(v float64, n int) string { return minus(strconv.FormatFloat(v, 'f', n, 64)) }

// counted prints a count with its noun: 1 byte, 2 bytes.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// significant prints v with n significant digits: 0.008087, 9.9e-7 as 9.9 × 10⁻⁷.
func significant(v float64, n int) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0"
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return minus(strings.Replace(strconv.FormatFloat(v, 'g', n, 64), "Inf", "∞", 1))
	case a >= 1e-4 && a < 1e7:
		digits := max(0, n-1-int(math.Floor(math.Log10(a))))
		return minus(strconv.FormatFloat(v, 'f', digits, 64))
	}
	m, e, _ := strings.Cut(strconv.FormatFloat(v, 'e', n-1, 64), "e")
	x, _ := strconv.Atoi(e)
	return minus(m) + " × 10" + superscript(x)
}

// minus puts the sign where a hyphen stands.
func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

func superscript(n int) string {
	return strings.NewReplacer("-", "⁻", "+", "", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
		"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(strconv.Itoa(n))
}

// grouped prints a count with commas between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size prints bytes in KiB, MiB or GiB: the number and its unit.
func size(bytes float64) (string, string) {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for bytes >= 1024 && i+1 < len(units) {
		bytes /= 1024
		i++
	}
	digits := 1
	if i == 0 || bytes >= 1000 {
		digits = 0
	}
	return strconv.FormatFloat(bytes, 'f', digits, 64), units[i]
}

func sized(bytes float64) string {
	n, u := size(bytes)
	return n + " " + u
}
