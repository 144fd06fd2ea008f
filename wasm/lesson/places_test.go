package lesson

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// labs are drawn by a run of training that goes on between requests: the page
// and the worker have them of their own (wire.OpLabOpen, wire.OpTaleOpen).
var labs = []string{"lab", "tale"}

// TestPlaces wants every widget and exercise that a lesson names to exist, and
// each that exists to stand in a lesson.
func TestPlaces(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "web", "lessons", "*.md"))
	if err != nil || len(files) == 0 {
		t.Skip("the texts of the lessons are not here")
	}
	var widgets, exercises []string
	for _, w := range Widgets {
		widgets = append(widgets, w.ID)
	}
	for _, e := range Exercises {
		exercises = append(exercises, e.ID)
	}
	known := map[string][]string{"widget": widgets, "exercise": exercises}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^:::(\w+) (\S+)$`).FindAllStringSubmatch(string(text), -1) {
			kind, id := m[1], m[2]
			if kind == "page" || kind == "aside" {
				continue // the view and the glossary have them, and the build looks
			}
			if !slices.Contains(known[kind], id) && !slices.Contains(labs, id) {
				t.Errorf("%s: there is no %s %q", filepath.Base(file), kind, id)
			}
			seen[kind+" "+id] = true
		}
	}
	for kind, ids := range known {
		for _, id := range ids {
			if !seen[kind+" "+id] {
				t.Errorf("%s %q stands in no lesson", kind, id)
			}
		}
	}
}
