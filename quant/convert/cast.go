package convert

import (
	"fmt"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/safetensors"
)

// casts are the types that PlanCast takes.
var casts = []string{"F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}

// PlanCast plans a safetensors file whose floats are all of one plain type:
// FP32, FP16, BF16, FP8_E4M3 or FP8_E5M2, also by the names that safetensors
// gives them. Each value is rounded on its own; there are no scales.
//
// Whole numbers and booleans stay. To the two of 8 bits go only those tensors
// that PlanPure would quantize; the others keep their type.
//
// Steps are in the order that the reference library writes tensors: from wide
// types to narrow ones, then by name.
func PlanCast(src quant.Source, format string) ([]Step, error) {
	target := typeName(format)
	if !slices.Contains(casts, target) {
		return nil, fmt.Errorf("convert: floats in a safetensors file cannot become %q; there are %s", format, strings.Join(casts, ", "))
	}
	if c := src.Container(); c != "gguf" && Named(src) {
		return nil, fmt.Errorf("convert: the tensors of a %s folder have llama.cpp's names and order here, which is no use in safetensors; open its safetensors files alone", c)
	}
	fromGGUF := Named(src)
	var plan []Step
	for i, info := range src.Tensors() {
		s := Step{Tensor: i, Name: info.Name, Shape: info.Shape, From: info.Type, To: target}
		if err := s.cast(info, fromGGUF); err != nil {
			return nil, fmt.Errorf("convert: tensor %q: %w", info.Name, err)
		}
		plan = append(plan, s)
	}
	slices.SortStableFunc(plan, func(a, b Step) int {
		return safetensors.Compare(safetensors.TensorPlan{Name: a.Name, Type: a.To}, safetensors.TensorPlan{Name: b.Name, Type: b.To})
	})
	return plan, nil
}

// cast decides what becomes of one tensor, for which To is what was asked.
func (s *Step) cast(info quant.TensorInfo, fromGGUF bool) (err error) {
	narrow := strings.HasPrefix(s.To, "F8_")
	switch why := keep(info.Name, dims(info.Shape), fromGGUF); {
	case !float(info.Type) && !quantized(info.Type):
		s.To, s.Why, s.Bytes = info.Type, "what is no float is copied", info.Bytes
		return nil
	case narrow && why != "":
		s.To, s.Why = info.Type, why
		if quantized(info.Type) {
			s.To = "F32"
		}
	case quantized(info.Type):
		s.Asked, s.Why = s.To, "it was "+s.From+": what that lost stays lost"
	default:
		s.Asked = s.To
	}
	if !s.Copied() && !info.Readable {
		return fmt.Errorf("it cannot be read: %s", info.Why)
	}
	if _, ok := dtype.Lookup(s.To); !ok {
		return fmt.Errorf("safetensors has no type %s", s.To)
	}
	s.Bytes, err = size(s.To, s.Shape)
	return err
}
