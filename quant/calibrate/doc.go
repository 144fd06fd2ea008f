// Package calibrate lets a model read texts and quantizes it by what its layers
// see meanwhile: GPTQ, AWQ, HQQ, SmoothQuant and LLM.int8() on whole models, an
// importance matrix, ranges of activations. Package calib has the sums, packages
// gptq, awq and so on what is done to one matrix.
//
// # Texts
//
// Chunks cuts a text as llama-imatrix does: into runs of as many tokens as a
// context has, each read on its own with its first token replaced by BOS, where
// the vocabulary asks for that; what is left at the end is not read.
//
// # Whole models
//
// Quantize goes through a model layer by layer; what a layer sees comes from
// the layers before it as they are quantized (gptq's --true-sequential), unless
// Options.Parallel says otherwise. The matrices of the layers are quantized,
// embedding and output layer are not.
//
// GPTQ and LLM.int8() go by stages: queries, keys and values; the output of
// attention; gate and up; down; each sees the stages before it quantized, too.
// HQQ needs no text; with one it tells what the outputs lose.
//
// AWQ and SmoothQuant scale inputs and fold that into what comes before: the norm before queries,
// keys and values, the norm before gate and up, the rows of values before the
// output of attention (unless heads share them), the rows of up before down
// (unless there is no gate). Scales of a layer are all found on the layer as it
// was, then folded, then weights are clipped and rounded; the next layer sees
// that. It is AutoAWQ's order (awq/quantize/quantizer.py), whose loss is over
// the output of a whole part of the layer; here it is over what the linear
// layers give that share the scales. SmoothQuant's authors (smooth.py) fold into norms
// only. Queries and keys are not clipped, as there.
package calibrate
