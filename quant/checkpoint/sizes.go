package checkpoint

import (
	"fmt"
	"path"
)

// Planned is a file that Export writes.
type Planned struct {
	Name string
	Size int64 // bytes
}

// Plan lists the files that Export writes with the same arguments, in its
// order. It reads no tensor, and fails as Export does before it reads one.
func Plan(in Input, t Target, o Options) ([]Planned, error) {
	var list []Planned
	o.Create = func(name string) (File, error) {
		list = append(list, Planned{Name: name})
		return &counted{&list, len(list) - 1}, nil
	}
	x, config, err := prepare(in, t, o)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	shards := x.shards()
	for no, steps := range shards {
		_, _, end, err := x.lay(steps)
		if err != nil {
			return nil, fmt.Errorf("checkpoint: %w", err)
		}
		list = append(list, Planned{shardName(no, len(shards)), end})
	}
	for _, s := range x.steps {
		x.result.Bytes += s.parts.bytes()
	}
	if err := x.index(shards); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if err := x.describe(config); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	for _, f := range x.carried() {
		list = append(list, Planned{path.Base(f.Name), f.Size})
	}
	return list, nil
}

// Largest is how many values the largest matrix has that t quantizes of in: as
// many Export holds at once.
func Largest(in Input, t Target) int {
	n := 0
	for _, info := range in.Weights.Tensors() {
		if _, yes := t.quantizes(info); yes {
			n = max(n, info.Len())
		}
	}
	return n
}

// counted is a file of which only the size is kept.
type counted struct {
	list *[]Planned
	at   int
}

func (c *counted) WriteAt(p []byte, off int64) (int, error) {
	f := &(*c.list)[c.at]
	f.Size = max(f.Size, off+int64(len(p)))
	return len(p), nil
}

// Close does nothing.
func (c *counted) Close() error { return nil }
