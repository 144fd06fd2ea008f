package tales

import (
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestText holds that a seed gives one text, for ever: the samples in
// web/samples were trained on what it was.
func TestText(t *testing.T) {
	h := fnv.New64a()
	h.Write([]byte(Text(Measuring, 100)))
	if got, want := h.Sum64(), uint64(0x56450b3c1b1e80d0); got != want {
		t.Errorf("the text has the hash %#x, not %#x; models that were trained on the old one must be trained again", got, want)
	}
	if Text(Measuring, 5) == Text(Calibration, 5) {
		t.Error("another seed gives the same text")
	}
	t.Log(Text(Measuring, 10))
}

// TestApart holds that what is measured on was not trained on.
func TestApart(t *testing.T) {
	seen := map[string]bool{}
	for story := range strings.Lines(Text(Training, 4000)) {
		seen[story] = true
	}
	for story := range strings.Lines(Text(Measuring, 400)) {
		if seen[story] {
			t.Errorf("is in both: %s", story)
		}
	}
}

// TestSlots holds that every slot that a template names is there, and that no
// story has the mark of a template.
func TestSlots(t *testing.T) {
	w := NewWriter(1)
	w.draw()
	w.slots["key"] = "it"
	check := func(template string) {
		for _, part := range strings.Split(template, "{")[1:] {
			name, _, _ := strings.Cut(part, "}")
			if w.slots[name] == "" {
				t.Errorf("slot %q of %.40q is empty", name, template)
			}
		}
	}
	for _, s := range stories {
		check(s.text)
		check(s.key)
	}
	for _, s := range slices.Concat(openings, endings) {
		check(s)
	}
	if text := Text(7, 300); strings.ContainsAny(text, "{}[]|") || strings.Contains(text, "  ") {
		t.Error("a story has the marks of a template, or two spaces")
	}
}

// TestTrue holds that stories keep to what they say.
func TestTrue(t *testing.T) {
	number := func(word string) int { return slices.Index(numbers, strings.ToLower(word)) }
	had := regexp.MustCompile(`[SH]he? had (\w+) \w+\. .* gave (\w+) \w+ to .* Now \w+ had (\w+) `)
	found := regexp.MustCompile(`found (\w+) \w+ .* and found (\w+) \w+\. "Now I have (\w+) `)
	box := regexp.MustCompile(`"Look in the (\w+) box," .* Then s?he opened the (\w+) box`)
	girl := regexp.MustCompile(`\bgirl\b`)
	var less, more, boxes int
	for story := range strings.Lines(Text(5, 500)) {
		if m := had.FindStringSubmatch(story); m != nil {
			less++
			if number(m[1])-number(m[2]) != number(m[3]) {
				t.Errorf("%s − %s is not %s: %s", m[1], m[2], m[3], story)
			}
		}
		if m := found.FindStringSubmatch(story); m != nil {
			more++
			if number(m[1])+number(m[2]) != number(m[3]) {
				t.Errorf("%s + %s is not %s: %s", m[1], m[2], m[3], story)
			}
		}
		if m := box.FindStringSubmatch(story); m != nil {
			boxes++
			if m[1] != m[2] {
				t.Errorf("the hint was wrong: %s", story)
			}
		}
		name := strings.Fields(story)[0]
		i := slices.IndexFunc(people, func(p person) bool { return p.name == name })
		if i >= 0 && (people[i].boy == "girl") != girl.MatchString(story) {
			t.Errorf("%s is called by the wrong name: %s", name, story)
		}
	}
	if less < 20 || more < 20 || boxes < 20 {
		t.Errorf("%d, %d and %d stories were checked", less, more, boxes)
	}
}
