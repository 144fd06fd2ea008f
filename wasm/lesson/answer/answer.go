// Package answer reads numbers as people write them in an answer: "16",
// "2^4", "256/16", "1,5", "−0.5", "16 values".
package answer

import (
	"math"
	"strconv"
	"strings"
)

// maxLength is how long an answer may be that is a number.
const maxLength = 40

// words may stand beside a number.
var words = []string{"different", "distinct", "possible", "values", "value", "levels", "level", "numbers"}

// plainer writes operators, signs and superscripts as ASCII has them.
var plainer = strings.NewReplacer("**", "^", "×", "*", "·", "*", "x", "*", "÷", "/", "∕", "/", ":", "/", "−", "-", "–", "-", "\u00a0", " ", "\u202f", " ",
	"²", "^2", "³", "^3", "⁴", "^4", "⁵", "^5", "⁶", "^6", "⁷", "^7", "⁸", "^8")

// Read takes products, quotients and powers of decimal numbers; of an equation,
// what stands right of the last "=". Units may stand behind: they are cut off.
func Read(text string, units ...string) (float64, bool) {
	s := strings.ToLower(strings.TrimSpace(text))
	if i := strings.LastIndex(s, "="); i >= 0 {
		s = s[i+1:]
	}
	for _, word := range words {
		s = strings.ReplaceAll(s, word, " ")
	}
	s = strings.TrimSpace(s)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, strings.ToLower(u)); ok && u != "" {
			s = strings.TrimSpace(rest)
			break
		}
	}
	s = plainer.Replace(s)
	if len(s) > maxLength || strings.HasPrefix(s, "0*") { // 0x10
		return 0, false
	}
	return product(s)
}

func product(s string) (float64, bool) {
	value, divide := 1.0, false
	for {
		i := strings.IndexAny(s, "*/")
		factor := s
		if i >= 0 {
			factor = s[:i]
		}
		v, ok := power(factor)
		if !ok || divide && v == 0 {
			return 0, false
		}
		if divide {
			value /= v
		} else {
			value *= v
		}
		if i < 0 {
			return value, true
		}
		divide = s[i] == '/'
		s = s[i+1:]
	}
}

// power reads "16" or "2^4".
func power(s string) (float64, bool) {
	base, exp, isPower := strings.Cut(s, "^")
	b, ok := decimal(base)
	if !ok || !isPower {
		return b, ok
	}
	e, ok := decimal(exp)
	if !ok {
		return 0, false
	}
	v := math.Pow(b, e)
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// decimal takes digits alone: no exponent, no "inf", no "0x". A comma that
// parts groups of three digits is left out, another is a decimal point.
func decimal(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if strings.Trim(s, "-+0123456789.,") != "" {
		return 0, false
	}
	if before, after, ok := strings.Cut(s, ","); ok {
		whole := strings.Trim(before, "-+0") != "" && len(strings.Trim(before, "-+")) <= 3
		for _, part := range strings.Split(strings.SplitN(after, ".", 2)[0], ",") {
			whole = whole && len(part) == 3
		}
		if whole {
			s = strings.ReplaceAll(s, ",", "")
		} else {
			s = strings.Replace(s, ",", ".", 1)
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}
