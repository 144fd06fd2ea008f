package train

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

const checkpointMagic = 0x316b706331737466 // which names the layout, too

// Save writes what it takes to go on later.
func (t *Trainer) Save(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, v := range t.head() {
		b.Write(binary.LittleEndian.AppendUint64(nil, v))
	}
	for _, list := range t.arrays() {
		for _, f := range list {
			b.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(f)))
		}
	}
	return b.Flush() // which reports the first failure of all writes
}

// head is what must agree, and last the number of steps taken.
func (t *Trainer) head() []uint64 {
	m, o := t.Model, t.options
	return []uint64{
		checkpointMagic, uint64(m.size), uint64(m.Layers), uint64(m.Hidden), uint64(m.Vocabulary), uint64(m.Context),
		o.Seed, uint64(o.Steps), uint64(o.Sequences), uint64(o.Warmup), math.Float64bits(o.Rate), uint64(t.optimizer.steps),
	}
}

func (t *Trainer) arrays() [][]float32 {
	return [][]float32{t.Model.weights, t.optimizer.first, t.optimizer.second}
}

// Restore goes on from what Save wrote for the same shape and options.
func (t *Trainer) Restore(r io.Reader) error {
	b := bufio.NewReader(r)
	head := t.head()
	last := len(head) - 1
	var word [8]byte
	for i, want := range head {
		if _, err := io.ReadFull(b, word[:]); err != nil {
			return fmt.Errorf("train: the checkpoint ends early: %w", err)
		}
		got := binary.LittleEndian.Uint64(word[:])
		if i < last && got != want {
			return fmt.Errorf("train: the checkpoint is of another training (number %d of its head is %d, not %d); give the same size, seed, steps and rate, or another file", i, got, want)
		}
		head[i] = got
	}
	if head[last] > uint64(t.options.Steps) {
		return fmt.Errorf("train: the checkpoint has %d steps, and %d are asked for", head[last], t.options.Steps)
	}
	for _, list := range t.arrays() {
		for i := range list {
			if _, err := io.ReadFull(b, word[:4]); err != nil {
				return fmt.Errorf("train: the checkpoint ends early: %w", err)
			}
			list[i] = math.Float32frombits(binary.LittleEndian.Uint32(word[:4]))
		}
	}
	t.optimizer.steps = int(head[last])
	return nil
}
