package train

import (
	"encoding/binary"
	"io"
	"math"

	"fewbits/quant"
	"fewbits/quant/floats"
	"fewbits/quant/gguf"
)

// WriteGGUF writes the model with its vocabulary: matrices in F16, norms in
// F32. name and description go into the metadata.
func (m *Model) WriteGGUF(w io.Writer, v *Vocabulary, name, description string) error {
	var plans []gguf.TensorPlan
	for _, t := range m.all {
		p := gguf.TensorPlan{Name: t.name, Shape: []int{t.rows, t.cols}, Type: "F16"}
		if t.norm {
			p.Shape, p.Type = []int{t.cols}, "F32"
		}
		plans = append(plans, p)
	}
	g, err := gguf.NewWriter(w, append(m.meta(name, description), v.meta()...), plans)
	if err != nil {
		return err
	}
	for i, t := range m.all {
		x := t.of(m.weights)
		var b []byte
		if t.norm {
			for _, f := range x {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
			}
		} else {
			b = make([]byte, 2*len(x))
			floats.F32ToF16(b, x)
		}
		if err := g.WriteTensor(i, b); err != nil {
			return err
		}
	}
	return g.Close()
}

func (m *Model) meta(name, description string) []quant.Meta {
	const k = "llama."
	number := func(key string, n int) quant.Meta { return quant.Meta{Key: key, Value: uint32(n)} }
	return []quant.Meta{
		{Key: "general.architecture", Value: "llama"},
		{Key: "general.type", Value: "model"},
		{Key: "general.name", Value: name},
		{Key: "general.description", Value: description},
		number("general.file_type", 1), // mostly F16
		number(k+"vocab_size", m.Vocabulary),
		number(k+"context_length", m.Context),
		number(k+"embedding_length", m.Width),
		number(k+"block_count", m.Layers),
		number(k+"feed_forward_length", m.Hidden),
		number(k+"attention.head_count", m.Heads),
		number(k+"attention.head_count_kv", m.Shared),
		{Key: k + "attention.layer_norm_rms_epsilon", Value: float32(epsilon)},
		number(k+"rope.dimension_count", m.Dim),
		{Key: k + "rope.freq_base", Value: float32(base)},
	}
}
