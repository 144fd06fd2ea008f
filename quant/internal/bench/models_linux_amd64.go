package main

import (
	"fmt"

	"fewbits/quant/internal/libllama"
	"fewbits/quant/recipe"
)

// models times libllama, which is loaded when it is first asked.
type models struct{ timer *libllama.Timer }

func (m *models) quantize(q request) answer {
	r, ok := recipe.Lookup(q.Recipe)
	if !ok {
		return answer{Refused: fmt.Sprintf("there is no recipe %q", q.Recipe)}
	}
	if m.timer == nil {
		t, err := libllama.NewTimer()
		if err != nil {
			return answer{Refused: err.Error()}
		}
		m.timer = t
	}
	d, err := m.timer.Quantize(libllama.Job{
		In: q.Model, Out: q.Out, FileType: r.FileType, Threads: q.Threads, Output: libllama.Unset, Embedding: libllama.Unset,
	})
	if err != nil {
		return answer{Refused: err.Error()}
	}
	ms := millis(d)
	return answer{QuantizeMs: &ms}
}
