package lesson

import (
	"math"
	"strconv"
	"strings"
)

// num writes a number with so many significant digits, as people read it.
func num(v float64, digits int) string {
	if v == 0 {
		return "0"
	}
	if a := math.Abs(v); a >= 1e-4 && a < 1e9 {
		e := int(math.Floor(math.Log10(a)))
		s := strconv.FormatFloat(v, 'f', max(0, digits-1-e), 64)
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return minus(grouped(s))
	}
	s := strconv.FormatFloat(v, 'e', digits-1, 64)
	m, e, _ := strings.Cut(s, "e")
	if strings.Contains(m, ".") {
		m = strings.TrimRight(strings.TrimRight(m, "0"), ".")
	}
	n, _ := strconv.Atoi(e)
	return minus(m) + " · 10" + power(n)
}

// fixed writes a number with so many digits after the point.
func fixed(v float64, digits int) string {
	return minus(grouped(strconv.FormatFloat(v, 'f', digits, 64)))
}

// addend is a number that is added, in brackets where it is below 0.
func addend(v float64) string {
	if v < 0 {
		return "(" + num(v, 4) + ")"
	}
	return num(v, 4)
}

// bytesOf is so many bytes: "1 byte", "0.5 bytes".
func bytesOf(v float64) string {
	if v == 1 {
		return "1 byte"
	}
	return num(v, 5) + " bytes"
}

func whole(n int) string { return minus(grouped(strconv.Itoa(n))) }

// grouped parts the thousands of a decimal number with commas.
func grouped(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	head, tail := s, ""
	if i := strings.IndexByte(s, '.'); i >= 0 {
		head, tail = s[:i], s[i:]
	}
	for i := len(head) - 3; i > 0; i -= 3 {
		head = head[:i] + "," + head[i:]
	}
	return sign + head + tail
}

func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

// power is a number as an exponent: "⁻³".
func power(n int) string {
	return strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(strconv.Itoa(n))
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return whole(n) + " " + one + "s"
}
