// Command fewbits quantizes tensors and models: the engine of the page, for
// files too big for a tab and for scripts.
//
//	fewbits formats
//	fewbits recipes
//	fewbits inspect FILE
//	fewbits quantize IN -to FORMAT|RECIPE -o OUT [-imatrix FILE] [-calib X.npy] [-tensor NAME] [option=value …]
//	fewbits rerun REPORT.json [IN]
//	fewbits dequantize IN -o OUT.npy [-tensor NAME]
//	fewbits measure IN -to FORMAT[,FORMAT …] [-tensor NAME] [-imatrix FILE] [-calib X.npy] [option=value …]
//	fewbits budget MODEL.gguf -size 3.2MB|-bpw N [-text FILE] [-imatrix FILE] [-o OUT]
//	fewbits eval MODEL.gguf -text FILE [-against REF.gguf] [-ctx N] [-chunks N]
//
// IN is GGUF, safetensors, npy, npz, a PyTorch checkpoint or raw float32
// values. What OUT is follows from how its name ends:
//
//	.bin           the packed bytes of one tensor and nothing else
//	.json          what was decided for one tensor (package decision)
//	.npz           the same as arrays for NumPy: codes, scales, zeros or mins,
//	               reconstruction, error, and decision.json, which explains them
//	.npy           one tensor as it comes back from the format, float32
//	.gguf          the whole file: its weights by a recipe, or all in one of ggml's types
//	.safetensors   the whole file, all of its floats cast to one plain type
//
// -report FILE.json writes down what a run depends on (package report): the
// input and the bytes that came out by their hashes, every option. rerun does
// such a run again, also one of the page, and says whether both are the same.
//
// A recipe is a mixture of types as llama-quantize makes it, with the same
// bytes: Q4_K_M, IQ3_XS. It takes a GGUF file that says of which architecture
// its model is. Where a recipe and a type have the same name (Q4_0, Q6_K),
// such a file gets the recipe; -pure, or any other file, the one type. Q3_K,
// Q4_K and Q5_K are types: llama-quantize takes them for their M recipes.
// -output-tensor-type, -token-embedding-type, -leave-output-tensor and
// -tensor-type PATTERN=TYPE, which may be repeated, and -tensor-type-file change
// a recipe as they do there.
//
// budget finds the mix of types that loses least at a size (package budget), and
// holds it against Q4_K_M and Q5_K_M. With -text the loss is the divergence of
// what the model predicts. OUT is the model, or a .txt file of lines that
// -tensor-type-file takes, here and in llama-quantize.
//
// The methods that calibrate are GPTQ, AWQ, HQQ, SmoothQuant and LLM.int8. Of one
// tensor they are formats: -calib names the activations that go into it, tokens ×
// inputs, as an .npy file; GPTQ, AWQ and SmoothQuant need them. With -calib any
// format says its output error, ‖Y−Ŷ‖² / ‖Y‖² of Y = X·Wᵀ, beside that of
// plain rounding where it is a method.
//
// Of a model, with OUT ending in .gguf, -calib names a text, which the model
// reads in -chunks pieces (32) of -ctx tokens (512) while its layers are
// quantized one after another (package calibrate). No type of GGUF holds the
// codes of these methods, so OUT holds what they stand for, as F16, or with
// -store f32 as F32; its metadata say so. With -parallel each layer sees what it
// saw before any was quantized; -plain only rounds, to compare with.
//
// -as gptq, gptq_v2, awq, bitsandbytes, compressed-tensors, hqq or mlx writes OUT,
// a folder, as the project of that name keeps a quantized model (package
// checkpoint): safetensors in files of up to -shard 5GB with their index,
// config.json, the tokenizer as it is; and prints lines that load it. IN is a
// Hugging Face folder, quantized or not, or a GGUF file of Llama, Qwen2 or Qwen3.
// Formats:
//
//	gptq, gptq_v2        gptq INT8 INT4 INT3 INT2    group=128 sym=true
//	awq                  awq INT4                    group=128
//	bitsandbytes         NF4 FP4 (block=64 nested=), INT8
//	compressed-tensors   gptq awq INT4 (group=128 sym=true), INT8, FP8_E4M3, NVFP4
//	mlx                  INT8 INT6 INT5 INT4 INT3 INT2   group=64
//	hqq                  hqq INT8 INT4 INT3 INT2     group=64
//
// To gptq and awq -calib TEXT decides on the codes as above; without it they
// are rounded. Such folders are read like any other model: every command takes
// them, and sees the values that they stand for.
//
// imatrix with -text has a model read a text as well, and collects what
// llama-imatrix does.
//
// eval rounds a model on the way where it is asked to: -weights FORMAT those of
// its layers, -activations int8 or int4 what goes into them, with a scale a
// token, tensor or channel (-granularity), found for each product or, with
// -calib TEXT, beforehand (-range).
//
// With -json each command prints for machines. Exit status: 0 fine, 1 the
// input is at fault (the message on stderr says what, where, and what to do),
// 2 wrong usage.
//
// Tensors are read, quantized and written a slice at a time on all cores, but
// for formats whose scale depends on the whole tensor, which hold it whole.
package main
