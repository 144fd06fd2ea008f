package convert

import (
	"fmt"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/ggml"
)

// maxDims is as many dimensions as ggml has.
const maxDims = 4

// PlanPure plans a GGUF file whose weights are all of one type, as
// llama-quantize --pure makes it: Q8_0, Q4_K, F16, any other of ggml's, or
// FP32, FP16 and BF16 by those names.
//
// What llama.cpp does not quantize stays: tensors of one dimension, norms,
// routers, position embeddings and the like (see keep). Out of a GGUF file
// they keep their type; out of another they become F32, as llama.cpp's
// converters make them, and whole numbers stay whole. Rows that do not fill
// the blocks of the type get another one: K-quants the nearest of 32 values a
// block, as llama.cpp has it, and what does not fill those either, F16.
//
// Steps of a GGUF file are in the order that llama-quantize writes: by layer,
// then by name.
func PlanPure(src quant.Source, format string) ([]Step, error) {
	target, err := weightType(format)
	if err != nil {
		return nil, err
	}
	fromGGUF := Named(src)
	var plan []Step
	for i, info := range src.Tensors() {
		s := Step{Tensor: i, Name: info.Name, Shape: info.Shape, From: info.Type}
		if err := s.pure(info, target, fromGGUF); err != nil {
			return nil, fmt.Errorf("convert: tensor %q: %w", info.Name, err)
		}
		plan = append(plan, s)
	}
	if fromGGUF {
		slices.SortStableFunc(plan, byLayer)
	}
	return plan, nil
}

// PlanCopy plans a GGUF file of the same tensors as src, a GGUF file, has, in
// the order that llama-quantize writes.
func PlanCopy(src quant.Source) ([]Step, error) {
	if c := src.Container(); !Named(src) {
		return nil, fmt.Errorf("convert: the tensors of a %s file cannot be copied to GGUF as they are; choose a type", c)
	}
	var plan []Step
	for i, info := range src.Tensors() {
		plan = append(plan, Step{Tensor: i, Name: info.Name, Shape: info.Shape, From: info.Type, To: info.Type, Bytes: info.Bytes})
	}
	slices.SortStableFunc(plan, byLayer)
	return plan, nil
}

// targets lists the types that weights may take in a GGUF file: the plain
// floats, and ggml's blocks but for the two that only its products use.
func targets() []string {
	list := []string{"F32", "F16", "BF16"}
	for _, t := range ggml.Types() {
		if t.Block > 1 && t.Name != "Q8_1" && t.Name != "Q8_K" {
			list = append(list, t.Name)
		}
	}
	return list
}

// weightType is the type of GGUF to a format, where weights may be of it.
func weightType(format string) (string, error) {
	if typ := typeName(format); slices.Contains(targets(), typ) {
		return typ, nil
	}
	return "", fmt.Errorf("convert: weights in a GGUF file cannot be of type %q; there are %s", format, strings.Join(targets(), ", "))
}

// As is s with another format asked for, by any of the names that PlanPure
// takes; rows that do not fill its blocks get a fallback as there.
func (s Step) As(format string) (Step, error) {
	target, err := weightType(format)
	if err != nil {
		return s, err
	}
	s.Asked = target
	s.To, s.Why = Fit(target, quant.Cols(s.Shape))
	s.Bytes, err = size(s.To, s.Shape)
	return s, err
}

// Keep is s with the tensor's own type, for a reason.
func (s Step) Keep(why string) (Step, error) {
	var err error
	s.Asked, s.To, s.Why = "", s.From, why
	s.Bytes, err = size(s.To, s.Shape)
	return s, err
}

// pure decides what becomes of one tensor.
func (s *Step) pure(info quant.TensorInfo, target string, fromGGUF bool) (err error) {
	if len(info.Shape) > maxDims {
		return fmt.Errorf("it has %d dimensions, and GGUF holds %d at most", len(info.Shape), maxDims)
	}
	if info.Len() == 0 {
		return fmt.Errorf("its shape %v holds no values, which GGUF has no place for", info.Shape)
	}
	weights := float(info.Type) || quantized(info.Type)
	switch why := keep(info.Name, dims(info.Shape), fromGGUF); {
	case !weights && fromGGUF:
		s.To, s.Why = info.Type, "whole numbers are copied"
	case !weights && !info.Readable && info.Why != "":
		return fmt.Errorf("it cannot be read: %s", info.Why)
	case !weights:
		s.To, s.Why, err = whole(info)
	case why != "" && fromGGUF:
		s.To, s.Why = info.Type, why
	case why != "":
		s.To, s.Why = "F32", why
	default:
		s.Asked = target
		s.To, s.Why = Fit(target, quant.Cols(info.Shape))
	}
	if err != nil {
		return err
	}
	if !s.Copied() && !info.Readable {
		return fmt.Errorf("it cannot be read: %s", info.Why)
	}
	if !s.Copied() && quantized(s.From) && s.Why == "" {
		s.Why = "it was " + s.From + ": what that lost stays lost"
	}
	s.Bytes, err = size(s.To, s.Shape)
	return err
}

// whole is the type of GGUF for whole numbers of another container.
func whole(info quant.TensorInfo) (to, why string, err error) {
	if t, ok := ggml.TypeByName(info.Type); ok && t.Block == 1 {
		return t.Name, "whole numbers are copied", nil
	}
	if to, ok := widened[info.Type]; ok {
		return to, "whole numbers stay; GGUF has no type " + info.Type, nil
	}
	return "", "", fmt.Errorf("GGUF has no type for %s", info.Type)
}

// dims is the number of dimensions as ggml counts them: outer ones of length
// 1 are none.
func dims(shape []int) int {
	for len(shape) > 1 && shape[0] == 1 {
		shape = shape[1:]
	}
	return len(shape)
}

// kept are parts of the names of tensors that llama.cpp does not quantize
// (tensor_allows_quantization in src/llama-quant.cpp), and why.
var kept = []struct{ part, why string }{
	{"_norm.weight", "norms are kept"},
	{"ffn_gate_inp.weight", "the router to the experts is kept"},
	{"ffn_gate_tid2eid.weight", "the table of experts is kept"},
	{"altup", "it is very small"},
	{"laurel", "it is very small"},
	{"per_layer_model_proj", "it is small"},
	{"ssm_conv1d", "small convolutions are kept"},
	{"shortconv.conv.weight", "small convolutions are kept"},
	{"indexer.k_proj.weight", "it is very small"},
	{"indexer.q_proj.weight", "it is very small"},
	{"time_mix_first.weight", "it is small"},
	{"time_mix_w0.weight", "it is small"},
	{"time_mix_w1.weight", "it is small"},
	{"time_mix_w2.weight", "it is small"},
	{"time_mix_v0.weight", "it is small"},
	{"time_mix_v1.weight", "it is small"},
	{"time_mix_v2.weight", "it is small"},
	{"time_mix_a0.weight", "it is small"},
	{"time_mix_a1.weight", "it is small"},
	{"time_mix_a2.weight", "it is small"},
	{"time_mix_g1.weight", "it is small"},
	{"time_mix_g2.weight", "it is small"},
	{"time_mix_decay_w1.weight", "it is small"},
	{"time_mix_decay_w2.weight", "it is small"},
	{"time_mix_lerp_fused.weight", "it is small"},
	{"attn_rel_b.weight", "position biases are kept"},
	{".position_embd", "position embeddings are kept"},
	{"sam.pos_embd", "position embeddings are kept"},
	{"sam.neck.", "parts for images are kept"},
	{"sam.net_", "parts for images are kept"},
	{".rel_pos", "position embeddings are kept"},
	{".patch_embd", "parts for images are kept"},
	{".patch_merger", "parts for images are kept"},
	{"a.rvq.codebook", "codebooks for sound are kept"},
	{"mm.a.code_embd", "codebooks for sound are kept"},
}

// keep says why llama.cpp would not quantize a tensor, "" where it would.
// Names that do not end in "weight" count only in a GGUF file, where all
// weights end so.
func keep(name string, dims int, fromGGUF bool) string {
	if dims < 2 {
		return "tensors of one dimension are kept"
	}
	if fromGGUF && !strings.HasSuffix(name, "weight") {
		return "its name does not end in weight"
	}
	switch name {
	case "position_embd.weight", "token_types.weight":
		return "position embeddings and token types are kept"
	}
	for _, k := range kept {
		if strings.Contains(name, k.part) {
			return k.why
		}
	}
	return ""
}

// fallbacks are the types for rows that do not fill the blocks of another
// (tensor_type_fallback in src/llama-quant.cpp; Q1_0 and NVFP4, which have
// none there, are added).
var fallbacks = map[string]string{
	"IQ1_S": "IQ4_NL", "IQ1_M": "IQ4_NL", "IQ2_XXS": "IQ4_NL", "IQ2_XS": "IQ4_NL", "IQ2_S": "IQ4_NL",
	"IQ3_XXS": "IQ4_NL", "IQ3_S": "IQ4_NL", "IQ4_XS": "IQ4_NL",
	"Q1_0": "Q4_0", "Q2_0": "Q4_0", "Q2_K": "Q4_0", "Q3_K": "Q4_0", "TQ1_0": "Q4_0", "TQ2_0": "Q4_0", "NVFP4": "Q4_0",
	"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0",
}

// Fit is target, one of ggml's types, or the type in its stead where rows of
// cols values do not fill its blocks, and why.
func Fit(target string, cols int) (to, why string) {
	t, ok := ggml.TypeByName(target)
	if !ok || t.Removed != "" || cols%t.Block == 0 {
		return target, ""
	}
	if f, ok := ggml.TypeByName(fallbacks[target]); ok {
		if cols%f.Block == 0 {
			return f.Name, fmt.Sprintf("rows of %d are not a multiple of %d", cols, t.Block)
		}
		return "F16", fmt.Sprintf("rows of %d are a multiple neither of %d nor of %d", cols, t.Block, f.Block)
	}
	return "F16", fmt.Sprintf("rows of %d are not a multiple of %d", cols, t.Block)
}

// byLayer orders tensors as llama.cpp does (weight_name_comparer in
// src/llama-model-loader.h): those outside the layers, then layer by layer.
func byLayer(a, b Step) int {
	if la, lb := layer(a.Name), layer(b.Name); la != lb {
		return la - lb
	}
	return strings.Compare(a.Name, b.Name)
}

// layer is the n of "blk.n.", -1 where there is none.
func layer(name string) int {
	rest, ok := strings.CutPrefix(name, "blk.")
	n, digits := 0, 0
	for ok && digits < len(rest) && digits < 9 && rest[digits] >= '0' && rest[digits] <= '9' {
		n = 10*n + int(rest[digits]-'0')
		digits++
	}
	if digits == 0 {
		return -1
	}
	return n
}
