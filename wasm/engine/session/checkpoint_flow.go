//go:build !first

package session

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"fewbits/quant/checkpoint"
	"fewbits/quant/huggingface"
	"fewbits/wasm/wire"
)

// export is the model of the flow, with what its latest method decided: t and o
// go by that.
func (f *flow) export(v wire.CheckpointArgs, t *checkpoint.Target, o *checkpoint.Options) (*checkpoint.Input, error) {
	r, want := f.decided, "GPTQ"
	if strings.EqualFold(v.Format, "AWQ") || v.As == "awq" {
		want = "AWQ"
	}
	switch {
	case r == nil:
		return nil, errors.New("no method has decided on this model, or what it decided is gone; run it again under What flows through it")
	case t.Method == nil || r.Method != want:
		return nil, fmt.Errorf("%s as %s has no place for what %s decides", v.Format, v.As, r.Method)
	}
	if err := t.Set(r.Options, func(string) bool { return true }); err != nil {
		return nil, err
	}
	if err := r.Decide(f.src, t, o); err != nil {
		return nil, err
	}
	if h, ok := f.src.(*huggingface.Model); ok {
		return &checkpoint.Input{Weights: h.Weights(), Files: f.files}, nil
	}
	return checkpoint.FromGGUF(f.src, path.Base(v.Name))
}
