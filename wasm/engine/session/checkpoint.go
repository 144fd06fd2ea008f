//go:build !first

package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"

	"fewbits/quant"
	"fewbits/quant/checkpoint"
	"fewbits/quant/container"
	"fewbits/quant/huggingface"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// checkpointing is a checkpoint that is being written, a piece at a time. It is
// written aside: it stands still between two pieces.
type checkpointing struct {
	next func() (Reply, error) // goes on; nil where there is none
	stop func()
}

// end leaves it, if there is one.
func (c *checkpointing) end() {
	if c.stop != nil {
		c.stop()
	}
	*c = checkpointing{}
}

func (s *Session) checkpoints(op string, args []byte, a Attachment) (Reply, error) {
	if op == wire.OpCheckpointOpen {
		return call(args, func(v wire.CheckpointArgs) (Reply, error) { return s.checkpointOpen(v, a) })
	}
	if s.checkpoint.next == nil {
		return Reply{}, errors.New("there is no checkpoint to go on with")
	}
	return s.checkpoint.next()
}

// largestMatrix is how many values a matrix may have that is rounded here: it
// is held as float32, 256 MiB of them.
const largestMatrix = 1 << 26

// checkpointOpen says which files a checkpoint has, and prepares to write it.
func (s *Session) checkpointOpen(v wire.CheckpointArgs, a Attachment) (Reply, error) {
	s.checkpoint.end()
	t, err := checkpointTarget(v)
	if err != nil {
		return Reply{}, err
	}
	var in *checkpoint.Input
	var o checkpoint.Options
	if v.Decided {
		in, err = s.flow.export(v, &t, &o)
	} else {
		in, err = exportInput(a.files(v.Name), v.Name)
	}
	if err != nil {
		return Reply{}, err
	}
	if n := checkpoint.Largest(*in, t); n > largestMatrix {
		return Reply{}, fmt.Errorf("the largest matrix has %d values, and %d are rounded at once here; the fewbits command writes the same checkpoint: fewbits quantize %s -to %s -as %s -o FOLDER", n, largestMatrix, path.Base(v.Name), v.Format, v.As)
	}
	files, err := checkpoint.Plan(*in, t, o)
	if err != nil {
		return Reply{}, err
	}
	z := newZip(fileName(v.Folder), files)
	plan := wire.CheckpointPlan{Size: z.size, Load: checkpoint.Loading(v.As, fileName(v.Folder)), Notes: in.Notes}
	for _, f := range files {
		plan.Files = append(plan.Files, wire.CheckpointFile{Name: f.Name, Size: f.Size})
	}
	s.checkpoint = writing(*in, t, o, z)
	return Reply{JSON: plan}, nil
}

// checkpointTarget is what is asked for.
func checkpointTarget(v wire.CheckpointArgs) (checkpoint.Target, error) {
	t, err := checkpoint.Lookup(v.As, v.Format)
	if err != nil {
		return t, err
	}
	for k := range v.Options {
		if !slices.Contains(t.Options, k) {
			return t, fmt.Errorf("%s as %s has no option %q", v.Format, v.As, k)
		}
	}
	o, err := optionsFrom(v.Options)
	if err != nil {
		return t, err
	}
	return t, t.Set(o, func(name string) bool { _, given := v.Options[name]; return given })
}

// exportInput is the model under the names that transformers gives it.
func exportInput(files []quant.File, name string) (*checkpoint.Input, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("no file came with the request to write %q as a checkpoint", name)
	}
	m, err := container.Files(files)
	switch {
	case err != nil:
		return nil, err
	case m.Lack != nil:
		return nil, m.Lack
	}
	if h, ok := m.Source.(*huggingface.Model); ok {
		return &checkpoint.Input{Weights: h.Weights(), Files: m.All}, nil
	}
	if m.Container() == "gguf" {
		return checkpoint.FromGGUF(m.Source, path.Base(name))
	}
	return &checkpoint.Input{Weights: m.Source, Files: m.All}, nil
}

// errLeft ends what is written where nobody asks for more of it.
var errLeft = errors.New("the checkpoint was left")

// writing begins to write a checkpoint when it is first asked for a piece.
func writing(in checkpoint.Input, t checkpoint.Target, o checkpoint.Options, z *zipped) checkpointing {
	var last wire.CheckpointStep
	var failed error
	next, stop := iter.Pull(func(yield func(Reply) bool) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		tensor := ""
		z.write = func(at int64, b []byte) error {
			if !yield(Reply{JSON: wire.CheckpointStep{At: at, Tensor: tensor, Bytes: int64(len(b))}, Arrays: map[string]any{"bytes": b}}) {
				cancel()
				return errLeft
			}
			return nil
		}
		o.Progress = func(name string, _, _ int64) { tensor = name }
		o.Create = z.create
		r, err := checkpoint.Export(ctx, in, t, o)
		if err == nil {
			err = z.end()
		}
		if failed = err; err == nil {
			last = outcome(r)
		}
	})
	c := checkpointing{stop: stop}
	c.next = func() (Reply, error) {
		if step, more := next(); more {
			return step, nil
		}
		if failed != nil {
			return Reply{}, failed
		}
		return Reply{JSON: last}, nil
	}
	return c
}

// outcome sums up what was written.
func outcome(r *checkpoint.Result) wire.CheckpointStep {
	out := wire.CheckpointStep{Through: true, Bytes: r.Bytes}
	var sums metric.Sums
	for _, w := range r.Tensors {
		n, _ := quant.Count(w.Shape)
		out.Values += int64(n)
		if w.Sums != nil {
			sums.Merge(*w.Sums)
		}
		switch {
		case w.Quantized:
			out.As = w.To
			out.Quantized++
		case w.Why != "":
			if out.Skipped++; out.Why == "" {
				out.Why = w.Name + ": " + w.Why
			}
		}
	}
	out.Lost = sums
	return out
}
