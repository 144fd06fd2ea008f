package convert

import (
	"context"
	"fmt"
	"io"
	"slices"

	"fewbits/quant"
	"fewbits/quant/gguf"
)

const (
	keyArchitecture        = "general.architecture"
	keyFileType            = "general.file_type"
	keyQuantizationVersion = "general.quantization_version"
)

// dropped are the keys of a file that do not go into another: those that are
// set anew, and those of its place among the parts of a split model, which
// llama-quantize removes (llama_model_quantize_impl in src/llama-quant.cpp).
var dropped = []string{keyFileType, keyQuantizationVersion, "split.no", "split.count", "split.tensors.count"}

// ToGGUF carries out a plan and writes a GGUF file. The plan and the names
// are checked before anything is written.
//
// Metadata of a GGUF file is copied, but for what says which part of a split
// model it is; general.quantization_version and general.file_type (see
// FileType) go to its end, as llama-quantize puts them. Out of another container the file holds tensors under their own
// names, and of metadata only those two and general.architecture "unknown":
// it is a box of tensors, and no program runs it as a model. Options.Meta
// goes over all of this.
//
// On ctx.Err() it stops within one slice and returns that error.
func ToGGUF(ctx context.Context, w io.Writer, src quant.Source, plan []Step, o Options) error {
	j, err := newJob(ctx, src, plan, o)
	if err != nil {
		return err
	}
	out, err := j.begin(w)
	if err != nil {
		return err
	}
	if err := j.run(out.WriteTensor); err != nil {
		return err
	}
	return out.Close()
}

// begin writes everything that comes before the tensors.
func (j *job) begin(w io.Writer) (*gguf.Writer, error) {
	var tensors []gguf.TensorPlan
	for _, s := range j.plan {
		tensors = append(tensors, gguf.TensorPlan{Name: s.Name, Shape: s.Shape, Type: s.To})
	}
	out, err := gguf.NewWriter(w, metadata(j.src, j.plan, j.o.Meta), tensors)
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	return out, nil
}

// metadata is what goes into a GGUF file.
func metadata(src quant.Source, plan []Step, set []quant.Meta) []quant.Meta {
	var meta []quant.Meta
	if Named(src) {
		for _, m := range src.Metadata() {
			if !slices.Contains(dropped, m.Key) {
				meta = append(meta, m)
			}
		}
	} else {
		meta = append(meta, quant.Meta{Key: keyArchitecture, Type: "string", Value: "unknown"})
	}
	meta = append(meta,
		quant.Meta{Key: keyQuantizationVersion, Type: "u32", Value: uint32(2)}, // GGML_QNT_VERSION
		quant.Meta{Key: keyFileType, Type: "u32", Value: FileType(plan)})
	return override(meta, set)
}

// override sets keys: in place where they are there, else at the end.
func override(meta, set []quant.Meta) []quant.Meta {
next:
	for _, m := range set {
		for i := range meta {
			if meta[i].Key == m.Key {
				meta[i] = m
				continue next
			}
		}
		meta = append(meta, m)
	}
	return meta
}

// fileTypes are general.file_type by the type of most weights, from enum
// llama_ftype in include/llama.h. Where a type has several mixtures it is the
// one that llama-quantize means by the bare name (Q4_K is Q4_K_M).
var fileTypes = map[string]uint32{
	"F32": 0, "F16": 1, "BF16": 32,
	"Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q8_0": 7,
	"Q2_K": 10, "Q3_K": 12, "Q4_K": 15, "Q5_K": 17, "Q6_K": 18,
	"IQ1_S": 24, "IQ1_M": 31, "IQ2_XXS": 19, "IQ2_XS": 20, "IQ2_S": 28, "IQ3_XXS": 23, "IQ3_S": 26, "IQ4_NL": 25, "IQ4_XS": 30,
	"TQ1_0": 36, "TQ2_0": 37, "MXFP4": 38, "NVFP4": 39, "Q1_0": 40, "Q2_0": 41,
}

// FileType is general.file_type for a plan: that of the type which was asked
// for most of the values, as llama-quantize has it, whatever their rows made
// of it; where nothing was asked, of the type that most of the values have. A
// recipe that mixes types knows better and sets the key through Options.Meta.
func FileType(plan []Step) uint32 {
	asked, kept := map[string]int64{}, map[string]int64{}
	for _, s := range plan {
		n, _ := quant.Count(s.Shape)
		if s.Asked != "" {
			asked[s.Asked] += int64(n)
		} else {
			kept[s.To] += int64(n)
		}
	}
	if len(asked) == 0 {
		asked = kept
	}
	best := ""
	for typ, n := range asked {
		if _, ok := fileTypes[typ]; ok && (n > asked[best] || n == asked[best] && typ < best) {
			best = typ
		}
	}
	return fileTypes[best]
}
