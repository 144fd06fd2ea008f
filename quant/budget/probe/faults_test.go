package probe

import (
	"context"
	"errors"
	"strings"
	"testing"

	"fewbits/quant/eval"
)

func TestFaults(t *testing.T) {
	src, text, _ := stories(t)
	if _, err := New(t.Context(), src, "short", eval.Options{}); err == nil || !strings.Contains(err.Error(), "the text has") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := New(ctx, src, text, eval.Options{Context: 64, Chunks: 8, Progress: func(done, _ int) {
		if done > 0 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r, err := New(t.Context(), src, text, eval.Options{Context: 64, Chunks: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Divergence(making)(ctx, plan(t, src, "Q4_0")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	same, err := r.Against(t.Context(), src)
	if err != nil || same.Strayed().KL.Value != 0 {
		t.Errorf("the model strays from itself: %+v, %v", same.Strayed(), err)
	}
	p := plan(t, src, "Q4_0")
	p[0].Name = "x"
	if _, err := Applied(t.Context(), src, p, making); err == nil {
		t.Error("a plan with another name is applied")
	}
}
