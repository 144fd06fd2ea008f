package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	answers "fewbits/wasm/lesson/answer"
)

// Question is one field of the first exercise: how many values can a format
// of so many bits represent?
type Question struct {
	Label string
	Bits  int
}

// Questions are the fields of the exercise; Given is what the reader is told.
var (
	Questions = [2]Question{{"INT4", 4}, {"INT2", 2}}
	Given     = Question{"INT8", 8}
)

// Count is the answer: 2ⁿ.
func (q Question) Count() int { return 1 << q.Bits }

// power is 2ⁿ as it is written: "2⁴".
func (q Question) power() string { return "2" + superscripts(q.Bits) }

// Judgement is what there is to say on one answer. Says is empty where it is right.
type Judgement struct {
	Right bool
	Says  string
}

// Judge judges one answer. The answer to the other question tells apart slips
// that come to the same number here.
func Judge(q Question, text, other string) Judgement {
	shown := strings.TrimSpace(text)
	if shown == "" {
		return Judgement{Says: q.Label + " is still open."}
	}
	v, ok := readCount(shown)
	if !ok {
		return Judgement{Says: fmt.Sprintf("“%s” for %s %s", clipped(shown), q.Label, noNumber(shown))}
	}
	if v == float64(q.Count()) {
		return Judgement{Right: true}
	}
	o, ok := readCount(other)
	if !ok {
		o = math.NaN()
	}
	return Judgement{Says: fmt.Sprintf("%s for %s: %s", printCount(v), q.Label, slip(q, v, o))}
}

// noNumber says what a text is that is no number.
func noNumber(text string) string {
	switch {
	case isRange(text):
		return "is a range. How many whole numbers lie in it, both ends counted?"
	case strings.Contains(strings.ToLower(text), "bit"):
		return "counts bits. How many values can they tell apart?"
	}
	return "is not a number. Write it in digits, as 256; 2^8 is fine too."
}

// isRange says whether a text is two numbers and what parts them: "-8..7".
func isRange(text string) bool {
	const digits = "0123456789"
	from := strings.IndexAny(text, digits)
	if from < 0 {
		return false
	}
	rest := strings.TrimSpace(strings.TrimLeft(text[from:], digits))
	for _, mark := range []string{"..", "…", "to ", "and ", "-", "–", "−"} {
		if after, ok := strings.CutPrefix(rest, mark); ok {
			return strings.ContainsAny(after, digits)
		}
	}
	return false
}

// slip says what probably went wrong. Rules are in order of how surely they
// explain the number.
func slip(q Question, v, other float64) string {
	n, count := float64(q.Bits), float64(q.Count())
	peer := Questions[0]
	if peer == q {
		peer = Questions[1]
	}
	given := float64(Given.Count())
	switch {
	case v != math.Trunc(v):
		return "a count is a whole number."
	case v == -count/2:
		return "that is the smallest value of a signed format. How many are there from it to the largest?"
	case v < 0:
		return "a count is never negative."
	case v == 0:
		return "even one bit tells two values apart."
	case v == count-1:
		return "did you leave out zero, or give the largest value? Zero counts too. (A symmetric format that gives one away has that many.)"
	case v == count/2-1:
		return "that is the largest value of a signed format. Zero and the negative values count too."
	case v == float64(peer.Count()) && other == count:
		return "that is the other one's answer. Are the two swapped?"
	case v == given:
		return fmt.Sprintf("that is %s. With fewer bits there are fewer values.", Given.Label)
	case v == given*n/float64(Given.Bits):
		return fmt.Sprintf("the count does not shrink in proportion. Each bit that goes halves it, and from %d bits to %d there go %d.", Given.Bits, q.Bits, Given.Bits-q.Bits)
	case v == given/n:
		return fmt.Sprintf("%d divided by the bits is not it. Each bit that goes halves the count.", Given.Count())
	case v == given-1, v == given/2:
		return "one halving is not enough: each bit that goes halves the count again."
	}
	return smallSlip(q, v, other)
}

// smallSlip tells apart n, 2·n, one sign only, and a neighbouring power of two.
func smallSlip(q Question, v, other float64) string {
	n, count := float64(q.Bits), float64(q.Count())
	peer := Questions[0]
	if peer == q {
		peer = Questions[1]
	}
	p := float64(peer.Bits)
	bits := fmt.Sprintf("that is the number of bits. Each of the %d can be 0 or 1.", q.Bits)
	sign := fmt.Sprintf("that is one sign only. The sign is one of the %d bits.", q.Bits)
	double := fmt.Sprintf("that is 2 × %d. The bits do not add up: each one doubles the count.", q.Bits)
	switch {
	case v == n && v == count/2:
		if other == float64(peer.Count())/2 {
			return sign
		}
		return bits
	case v == n:
		return bits
	case v == 2*n && v == count/2:
		if other == float64(peer.Count())/2 {
			return sign
		}
		if other == 2*p {
			return double
		}
		return fmt.Sprintf("one sign only, or 2 × %d? The sign is one of the bits, and each bit doubles the count.", q.Bits)
	case v == 2*n:
		return double
	case v == count/2:
		return sign
	case v > 1 && v == math.Exp2(math.Round(math.Log2(v))) && v < 1<<20:
		k := int(math.Round(math.Log2(v)))
		return fmt.Sprintf("that is 2%s, what %d bits give. %s has %d.", superscripts(k), k, q.Label, q.Bits)
	}
	switch {
	case v > float64(Given.Count()):
		return fmt.Sprintf("that is more than %s has. With fewer bits there are fewer values.", Given.Label)
	case v > 2 && v+1 == math.Exp2(math.Round(math.Log2(v+1))):
		k := int(math.Round(math.Log2(v + 1)))
		return fmt.Sprintf("that is 2%s − 1, the largest number of %d bits. %s has %d, and zero counts.", superscripts(k), k, q.Label, q.Bits)
	}
	return "no. The count is a power of two: each bit that goes halves the number of values."
}

func rightHead() string {
	return fmt.Sprintf("Right: %s = %d and %s = %d.", Questions[0].power(), Questions[0].Count(), Questions[1].power(), Questions[1].Count())
}

// rightLines say what follows, and that n · n, which gives the same answers
// here, is not the rule.
func rightLines() []string {
	a := Questions[0]
	third := Question{"INT3", 3}
	return []string{
		fmt.Sprintf("From %d bits to %d the count is halved %d times, not once: %d ∕ %d = %d.", Given.Bits, a.Bits, Given.Bits-a.Bits, Given.Count(), Given.Count()/a.Count(), a.Count()),
		fmt.Sprintf("Bits times bits gives %d and %d as well, by chance: %s has %s = %d values, not 3 × 3.", a.Bits*a.Bits, Questions[1].Bits*Questions[1].Bits, third.Label, third.power(), third.Count()),
	}
}

// hints lead to the rule, a step each.
var hints = []string{
	fmt.Sprintf("Start from what is known: %d bits, %d values. Move the slider above from 8 to 7. What becomes of the number of levels?", Given.Bits, Given.Count()),
	"One bit tells 2 values apart, two bits tell 2 × 2 apart: 00, 01, 10, 11. How often do you multiply by 2 for 4 bits?",
	fmt.Sprintf("The count is 2 × 2 × …, once for each bit: %s = %d for %s. Now with 4 bits, and with 2.", Given.power(), Given.Count(), Given.Label),
	"Set the slider to 4 and count the levels on the line; the sentence above it gives their number. Then set it to 2.",
}

func hintHead(i int) string { return fmt.Sprintf("Hint %d of %d.", i+1, len(hints)) }

// readCount reads a number as people write one.
func readCount(text string) (float64, bool) { return answers.Read(text) }

func printCount(v float64) string {
	return clipped(strings.Replace(strconv.FormatFloat(v, 'f', -1, 64), "-", "−", 1))
}

// clipped is a text short enough to stand in a sentence.
func clipped(s string) string {
	if r := []rune(s); len(r) > 16 {
		return string(r[:16]) + "…"
	}
	return s
}

func superscripts(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	var b strings.Builder
	for _, c := range strconv.Itoa(n) {
		b.WriteRune(digits[c-'0'])
	}
	return b.String()
}
