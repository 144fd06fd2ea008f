package probe

import (
	"context"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/ggml"
)

// Applied is src as a plan makes it: its tensors have the types of the steps,
// and their bytes are made when they are asked for. It is for one goroutine.
// ctx ends the work.
func Applied(ctx context.Context, src quant.Source, plan []convert.Step, o convert.Options) (quant.Source, error) {
	m, err := convert.NewMaker(src, plan, o)
	if err != nil {
		return nil, err
	}
	a := &applied{Source: src, ctx: ctx, maker: m, steps: map[int]int{}}
	a.infos = append(a.infos, src.Tensors()...)
	for k, s := range plan {
		if s.Copied() {
			continue
		}
		info := &a.infos[s.Tensor]
		if info.Name != s.Name {
			return nil, fmt.Errorf("probe: tensor %q would be called %q", info.Name, s.Name)
		}
		t, ok := ggml.TypeByName(s.To)
		if !ok {
			return nil, fmt.Errorf("probe: tensor %q: ggml has no type %s", s.Name, s.To)
		}
		row, err := t.RowSize(quant.Cols(s.Shape))
		if err != nil {
			return nil, err
		}
		info.Type, info.Bytes = s.To, int64(row)*int64(quant.Rows(s.Shape))
		a.steps[s.Tensor] = k
	}
	return a, nil
}

type applied struct {
	quant.Source
	ctx   context.Context
	infos []quant.TensorInfo
	maker *convert.Maker
	steps map[int]int // of the tensors that change, in the plan
}

func (a *applied) Tensors() []quant.TensorInfo { return a.infos }

func (a *applied) ReadRaw(i int, off int64, dst []byte) error {
	k, changed := a.steps[i]
	if !changed {
		return a.Source.ReadRaw(i, off, dst)
	}
	end := off + int64(len(dst))
	if off < 0 || end > a.infos[i].Bytes {
		return fmt.Errorf("probe: bytes %d to %d of tensor %q are asked for; it has %d", off, end, a.infos[i].Name, a.infos[i].Bytes)
	}
	unit := a.maker.Unit(k)
	from := off / unit * unit
	b, err := a.maker.Part(a.ctx, nil, k, from, (end-from+unit-1)/unit*unit)
	if err != nil {
		return err
	}
	copy(dst, b[off-from:])
	return nil
}

func (a *applied) ReadRows(i, row, n int, dst []float32) error {
	k, changed := a.steps[i]
	if !changed {
		return a.Source.ReadRows(i, row, n, dst)
	}
	unit := a.maker.Unit(k)
	b, err := a.maker.Part(a.ctx, nil, k, int64(row)*unit, int64(n)*unit)
	if err != nil {
		return err
	}
	t, _ := ggml.TypeByName(a.infos[i].Type)
	return ggml.Dequantize(t, b, dst)
}
