package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Title is a layer's name in a sentence: "layer 12" where all are of one family.
func (l *Layer) Title(families int) string {
	if l.Number >= 0 && families == 1 {
		return "layer " + strconv.Itoa(l.Number)
	}
	return l.Name
}

// LayerKinds counts the families of layers: 2 of a model that has an encoder and a decoder.
func LayerKinds(list []Layer) int {
	seen := map[string]bool{}
	for i := range list {
		if list[i].Number >= 0 {
			seen[list[i].Family] = true
		}
	}
	return len(seen)
}

// Say tells a layer's numbers, the types among them where they are asked for.
func (l *Layer) Say(families int, types bool) string {
	now, next := l.Bytes()
	text := l.Title(families) + " · "
	if types {
		text += count(l.Tensors, "tensor") + " · "
	}
	of := l.Now
	was := bytesOf(float64(now))
	if l.Next != nil {
		will := bytesOf(float64(next))
		if v, unit, _ := strings.Cut(was, " "); strings.HasSuffix(will, " "+unit) {
			was = v
		}
		was, of = was+" → "+will, l.Next
	}
	text += was
	if types {
		var list []string
		for _, p := range of {
			list = append(list, p.Type+" "+bytesOf(float64(p.Bytes)))
		}
		text += " (" + strings.Join(list, ", ") + ")"
	}
	text += " · " + strconv.FormatFloat(l.Bits(), 'f', 2, 64) + " bits"
	if l.Known {
		text += " · error " + ErrorText(l.Error)
	}
	return text
}

// ErrorText prints RMSE over RMS in per cent.
func ErrorText(share float64) string {
	switch {
	case share < 0:
		return "NaN"
	case share == 0:
		return "0 %"
	case share < 0.0001:
		return "under 0.01 %"
	}
	return strconv.FormatFloat(100*share, 'f', 2, 64) + " %"
}

// LayersSay is the sentence on what is seen: which layers take more bits than
// the rest, and where the error is largest.
func LayersSay(list []Layer) string {
	families := LayerKinds(list)
	say := bitsSay(list, families)
	worst, known, left := -1, 0, false
	for i := range list {
		l := &list[i]
		left = left || !l.Known
		if !l.Known || l.Error < 0 {
			continue
		}
		known++
		if worst < 0 || l.Error > list[worst].Error {
			worst = i
		}
	}
	switch {
	case known == 0:
		return say + "."
	case list[worst].Error == 0 && left:
		return say + "."
	case list[worst].Error == 0:
		return say + "; nothing is lost."
	}
	so := ""
	if left {
		so = " so far"
	}
	return fmt.Sprintf("%s; the error%s is largest in %s, %s.", say, so, inWords(list[worst].Title(families)), ErrorText(list[worst].Error))
}

func inWords(title string) string {
	if slices.Contains(outside, title) {
		return "the " + title
	}
	return title
}

// bitsSay compares the layers' bits a weight, in hundredths, with what most take.
func bitsSay(list []Layer, families int) string {
	times := map[int]int{}
	at := func(l *Layer) int { return int(math.Round(100 * l.Bits())) }
	n := 0
	for i := range list {
		if list[i].Number >= 0 {
			times[at(&list[i])]++
			n++
		}
	}
	base, most := 0, 0
	for b, k := range times {
		if k > most || k == most && b < base {
			base, most = b, k
		}
	}
	now := ""
	if list[0].Next == nil {
		now = " now"
	}
	if most == n {
		return fmt.Sprintf("All %s take %s bits a weight%s", count(n, "layer"), hundredths(base, base), now)
	}
	pick := func(yes func(b int) bool) (some, rest []*Layer) {
		for i := range list {
			switch l := &list[i]; {
			case l.Number < 0:
			case yes(at(l)):
				some = append(some, l)
			default:
				rest = append(rest, l)
			}
		}
		return some, rest
	}
	only := ""
	some, rest := pick(func(b int) bool { return b > base })
	if len(some) == 0 {
		some, rest = pick(func(b int) bool { return b < base })
		only = "only "
	}
	span := func(list []*Layer) string {
		lo, hi := math.MaxInt, 0
		for _, l := range list {
			lo, hi = min(lo, at(l)), max(hi, at(l))
		}
		return hundredths(lo, hi)
	}
	return fmt.Sprintf("%s %s%s bits a weight%s, the rest %s", runs(some, families), only, span(some), now, span(rest))
}

// hundredths prints a range of numbers given in hundredths.
func hundredths(lo, hi int) string {
	text := func(v int) string { return strconv.FormatFloat(float64(v)/100, 'f', 2, 64) }
	if lo == hi {
		return text(lo)
	}
	return text(lo) + " to " + text(hi)
}

// maxRuns is how many runs of layers a sentence names.
const maxRuns = 4

// runs names layers: "Layer 3 takes", "Layers 0–2, 5 and 4 more take".
func runs(list []*Layer, families int) string {
	var names []string
	left := 0
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].Family == list[i].Family && list[j].Number == list[j-1].Number+1 {
			j++
		}
		text := strconv.Itoa(list[i].Number)
		if families > 1 {
			text = list[i].Name
		}
		if j-i > 1 {
			text += "–" + strconv.Itoa(list[j-1].Number)
		}
		if len(names) < maxRuns {
			names = append(names, text)
		} else {
			left += j - i
		}
		i = j
	}
	if left > 0 {
		names = append(names, fmt.Sprintf("%d more", left))
	}
	if len(list) == 1 {
		return "Layer " + names[0] + " takes"
	}
	text := names[len(names)-1]
	if n := len(names) - 1; n > 0 {
		text = strings.Join(names[:n], ", ") + " and " + text
	}
	return "Layers " + text + " take"
}
