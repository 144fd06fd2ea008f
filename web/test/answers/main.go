// Command answers prints what the exercises of the lessons ask for a few seeds,
// with the right answers and the slips that they know, for tests in a browser:
//
//	answers 0 7  →  {"scale": {"0": {"labels": […], "keys": […]}, "7": …}, …}
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"fewbits/wasm/lesson"
)

// question is one exercise for one seed.
type question struct {
	Labels []string     `json:"labels"` // of the fields
	Keys   []lesson.Key `json:"keys"`   // of the fields
}

func main() {
	out := map[string]map[string]question{}
	for _, e := range lesson.Exercises {
		out[e.ID] = map[string]question{}
		for _, arg := range os.Args[1:] {
			seed, err := strconv.ParseUint(arg, 10, 64)
			if err != nil {
				fmt.Fprintf(os.Stderr, "answers: %q is no seed: want a whole number\n", arg)
				os.Exit(2)
			}
			q, err := lesson.Ask(e.ID, seed)
			if err != nil {
				fmt.Fprintln(os.Stderr, "answers:", err)
				os.Exit(1)
			}
			one := question{Keys: q.Keys()}
			for _, f := range q.Fields {
				one.Labels = append(one.Labels, f.Label)
			}
			out[e.ID][arg] = one
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fmt.Fprintln(os.Stderr, "answers:", err)
		os.Exit(1)
	}
}
