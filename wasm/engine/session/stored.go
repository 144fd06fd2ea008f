package session

import (
	"errors"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/ggml"
	"fewbits/wasm/wire"
)

// errNotStored says that there are no blocks to show as they are stored.
var errNotStored = errors.New("this tensor is not stored in blocks: choose a format to quantize it to")

// blockType is the type of the blocks that a tensor of a file is stored in;
// false where it is in none, or in such as cannot be taken apart.
func blockType(i quant.TensorInfo) (ggml.Type, bool) {
	t, ok := ggml.TypeByName(i.Type)
	if _, known := formats.Lookup(t.Name); !ok || !known || t.Block < 2 || i.Len() == 0 {
		return t, false
	}
	row, err := t.RowSize(quant.Cols(i.Shape))
	return t, err == nil && i.Bytes == int64(quant.Rows(i.Shape))*int64(row)
}

// blocksOf reads the blocks of a file's tensor as they are stored; nil where
// it has none.
func (s *Session) blocksOf(v wire.Source) (*quant.Packed, error) {
	if v.Kind != "file" {
		return nil, nil
	}
	i := s.file.Tensors()[v.Index]
	t, ok := blockType(i)
	if !ok {
		return nil, nil
	}
	p := &quant.Packed{Format: t.Name, Name: i.Name, Shape: i.Shape, Bytes: make([]byte, i.Bytes)}
	if err := s.file.ReadRaw(v.Index, 0, p.Bytes); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", i.Name, err)
	}
	return p, nil
}

// asStored is the tensor, or a sample of it, with its own blocks.
func (s *Session) asStored(t quant.Tensor, of *part) (quant.Format, *quant.Packed, error) {
	if s.shelved != nil {
		f, p := s.shelved.cut(of)
		return f, p, nil
	}
	if s.stored == nil {
		return nil, nil, errNotStored
	}
	f, _ := formats.Lookup(s.stored.Format)
	typ, _ := ggml.TypeByName(s.stored.Format)
	return f, of.cut(s.stored, t, typ), nil
}

// estimate is what p lost before it came here; y is what it stands for.
func estimate(p *quant.Packed, y []float32, tensor int) (*wire.Estimate, error) {
	noise, err := ggml.Noise(p)
	if err != nil {
		return nil, err
	}
	n := float64(len(y))
	e := &wire.Estimate{Tensor: tensor, Type: p.Format, Values: len(y), Noise: noise / n, Within: ggml.NoiseWithin(p.Format)}
	for _, v := range y {
		if v-v == 0 {
			e.Power += float64(v) * float64(v) / n
		}
	}
	return e, nil
}

// insideValues is how many values of a tensor its estimate is made from: as
// many rows at even distances.
const insideValues = 1 << 16

// inside estimates what each tensor in blocks lost, from some of its rows.
func (s *Session) inside() (Reply, error) {
	if s.file == nil {
		return Reply{}, fmt.Errorf("no file is open")
	}
	out := wire.Inside{Tensors: []wire.Estimate{}}
	for at, i := range s.file.Tensors() {
		if i.Stored != "" {
			e, err := s.shelfNoise(at)
			if err != nil {
				return Reply{}, fmt.Errorf("tensor %q: %w", i.Name, err)
			}
			if e != nil {
				out.Tensors = append(out.Tensors, *e)
			}
			continue
		}
		t, ok := blockType(i)
		if !ok {
			continue
		}
		e, err := s.insideOf(at, i, t)
		if err != nil {
			return Reply{}, fmt.Errorf("tensor %q: %w", i.Name, err)
		}
		e.Values = i.Len()
		out.Tensors = append(out.Tensors, *e)
	}
	return Reply{JSON: out}, nil
}

func (s *Session) insideOf(at int, i quant.TensorInfo, t ggml.Type) (*wire.Estimate, error) {
	rows, cols := quant.Rows(i.Shape), quant.Cols(i.Shape)
	row, width := cols/t.Block*t.Bytes, cols
	if cols > insideValues { // the beginning of each row
		width = insideValues / t.Block * t.Block
	}
	k := max(1, min(rows, insideValues/width))
	p := &quant.Packed{Format: t.Name, Name: i.Name, Shape: []int{k, width}}
	piece := make([]byte, width/t.Block*t.Bytes)
	for r := range k {
		if err := s.file.ReadRaw(at, int64(r*rows/k)*int64(row), piece); err != nil {
			return nil, err
		}
		p.Bytes = append(p.Bytes, piece...)
	}
	f, _ := formats.Lookup(t.Name)
	y := make([]float32, k*width)
	if err := f.Dequantize(p, y); err != nil {
		return nil, err
	}
	return estimate(p, y, at)
}
