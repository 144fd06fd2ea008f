package checkpoint

import (
	"errors"
	"fmt"
	"strings"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// quantizes says whether a tensor is a matrix that the project quantizes.
func (t *Target) quantizes(info quant.TensorInfo) (module string, yes bool) {
	module, ok := strings.CutSuffix(info.Name, ".weight")
	if !ok || len(info.Shape) != 2 {
		return "", false
	}
	last := module[strings.LastIndexByte(module, '.')+1:]
	if strings.Contains(module, "layers.") {
		return module, last != "gate" && !strings.Contains(last, "norm") && !strings.Contains(last, "router") && !strings.Contains(last, "embed")
	}
	return module, t.outer && (last == "embed_tokens" || last == "lm_head")
}

// plan says what becomes of each tensor.
func (x *exporter) plan() error {
	t := &x.target
	infos := x.in.Weights.Tensors()
	if len(infos) == 0 {
		return errors.New("there are no tensors")
	}
	t.Scheme.Type = "F16"
	for _, info := range infos {
		if _, yes := t.quantizes(info); yes && info.Type == "BF16" && !t.half {
			t.Scheme.Type = "BF16"
		}
	}
	quantized := 0
	var refused error
	for i, info := range infos {
		s := step{info: info, index: i}
		if !info.Readable {
			return fmt.Errorf("tensor %q cannot be read: %s", info.Name, info.Why)
		}
		if module, yes := t.quantizes(info); yes {
			parts, err := t.Layout.Parts(t.Scheme, info.Shape[0], info.Shape[1])
			if err != nil {
				s.why = err.Error()
				if refused == nil {
					refused = fmt.Errorf("tensor %q: %w", info.Name, err)
				}
			} else {
				s.module, s.parts = module, parts
				quantized++
			}
		}
		if s.module == "" {
			s.plain(t.Scheme.Type)
		}
		x.total += int64(info.Len())
		x.steps = append(x.steps, s)
	}
	switch {
	case quantized == 0 && refused != nil:
		return refused
	case quantized == 0:
		return errors.New("no tensor has the name of a layer's matrix (model.layers.0.mlp.up_proj.weight); is this a language model's folder?")
	}
	return nil
}

// plain keeps a tensor: floats as the type that the model computes in.
func (s *step) plain(typ string) {
	t, known := dtype.Lookup(s.info.Type)
	if known && !t.Float() || s.info.Type == typ {
		s.copied, typ = true, s.info.Type
	}
	s.parts = Parts{{Type: typ, Shape: s.info.Shape}}
}

// shards cuts the steps in files.
func (x *exporter) shards() [][]int {
	var list [][]int
	size := int64(0)
	for i := range x.steps {
		n := x.steps[i].parts.bytes()
		if len(list) == 0 || size > 0 && size+n > x.o.Shard {
			list, size = append(list, nil), 0
		}
		list[len(list)-1] = append(list[len(list)-1], i)
		size += n
	}
	return list
}
