package train

import "fmt"

// Shape is the shape of a model. Lengths of rows (Width, Hidden, Heads × Dim)
// that are multiples of 256 let every type of ggml hold them.
type Shape struct {
	Vocabulary int
	Width      int // of the embedding
	Hidden     int // of the feed-forward part
	Layers     int
	Heads      int // of queries
	Shared     int // heads of keys and values
	Dim        int // of a head
	Context    int // tokens of a sequence
}

const (
	epsilon = 1e-5  // of norms
	base    = 10000 // of rotary positions
)

// Sizes of the sample models.
var (
	Large = Shape{Vocabulary: 768, Width: 256, Hidden: 512, Layers: 3, Heads: 8, Shared: 4, Dim: 32, Context: 128}
	Small = Shape{Vocabulary: 768, Width: 256, Hidden: 256, Layers: 1, Heads: 8, Shared: 4, Dim: 32, Context: 128}
)

const maxDim = 1 << 16

func (s Shape) check() error {
	for _, n := range []int{s.Vocabulary, s.Width, s.Hidden, s.Layers, s.Heads, s.Shared, s.Dim, s.Context} {
		if n < 1 || n > maxDim {
			return fmt.Errorf("train: shape %+v: each number must be 1 to %d", s, maxDim)
		}
	}
	if s.Heads%s.Shared != 0 || s.Dim%2 != 0 || s.Context < 2 {
		return fmt.Errorf("train: shape %+v: heads must be a multiple of those shared, a head's values even, a context two tokens or more", s)
	}
	return nil
}

// matrix is a tensor in the flat list of parameters: rows × cols from at on.
type matrix struct {
	name       string
	at         int
	rows, cols int // of a norm's weights one row
	norm       bool
}

func (m matrix) of(flat []float32) []float32 { return flat[m.at : m.at+m.rows*m.cols] }

// block is the tensors of a layer.
type block struct {
	attnNorm, q, k, v, out, ffnNorm, gate, up, down matrix
}

// layout is where each tensor lies in the parameters.
type layout struct {
	embd, norm matrix
	blocks     []block
	all        []matrix
	size       int
}

func (s Shape) layout() *layout {
	l := &layout{}
	add := func(name string, rows, cols int) matrix {
		m := matrix{name: name + ".weight", at: l.size, rows: rows, cols: cols, norm: rows == 1}
		l.size += rows * cols
		l.all = append(l.all, m)
		return m
	}
	l.embd = add("token_embd", s.Vocabulary, s.Width)
	for i := range s.Layers {
		p := fmt.Sprintf("blk.%d.", i)
		l.blocks = append(l.blocks, block{
			attnNorm: add(p+"attn_norm", 1, s.Width),
			q:        add(p+"attn_q", s.Heads*s.Dim, s.Width),
			k:        add(p+"attn_k", s.Shared*s.Dim, s.Width),
			v:        add(p+"attn_v", s.Shared*s.Dim, s.Width),
			out:      add(p+"attn_output", s.Width, s.Heads*s.Dim),
			ffnNorm:  add(p+"ffn_norm", 1, s.Width),
			gate:     add(p+"ffn_gate", s.Hidden, s.Width),
			up:       add(p+"ffn_up", s.Hidden, s.Width),
			down:     add(p+"ffn_down", s.Width, s.Hidden),
		})
	}
	l.norm = add("output_norm", 1, s.Width)
	return l
}

// Parameters is how many weights a model of the shape has.
func (s Shape) Parameters() int { return s.layout().size }
