package convert

import (
	"context"
	"fmt"
	"io"

	"fewbits/quant"
	"fewbits/quant/safetensors"
)

// ToSafetensors carries out a plan and writes a safetensors file. The plan
// and the names are checked before anything is written.
//
// The strings of a safetensors file are copied. Out of another container the
// only one is format=pt, without which transformers does not load a file.
// Options.Meta, strings only, goes over this.
//
// On ctx.Err() it stops within one slice and returns that error.
func ToSafetensors(ctx context.Context, w io.Writer, src quant.Source, plan []Step, o Options) error {
	j, err := newJob(ctx, src, plan, o)
	if err != nil {
		return err
	}
	var tensors []safetensors.TensorPlan
	for _, s := range plan {
		tensors = append(tensors, safetensors.TensorPlan{Name: s.Name, Shape: s.Shape, Type: s.To})
	}
	meta := []quant.Meta{{Key: "format", Type: "string", Value: "pt"}}
	if src.Container() == "safetensors" {
		meta = append([]quant.Meta(nil), src.Metadata()...)
	}
	out, err := safetensors.NewWriter(w, override(meta, o.Meta), tensors)
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	if err := j.run(out.WriteTensor); err != nil {
		return err
	}
	return out.Close()
}
