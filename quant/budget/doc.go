// Package budget finds the mix of types for a model's tensors that loses least
// at a size: a table of what each tensor costs and loses in each type, solved
// as a knapsack.
//
// NewTable lists the tensors that may be quantized and the types that suit
// their rows. A Meter fills in errors, a slice of rows at a time, so that
// workers may share a tensor. Table.Relative or Table.Calibrate makes losses
// of errors. A Frontier answers for any size at once; Table.Mix is the answer
// as a plan for fewbits/quant/convert, and Mix.Lines as what llama-quantize
// takes.
//
// What a type does to a tensor is counted as Σ w_c·(x̂ − x)², with w_c the mean
// squared activation that meets column c (the importance matrix), or 1: the
// expected squared error of the layer's output where inputs are uncorrelated.
// The divergence of the model's predictions from the original's has its least
// value, 0, at the original weights; around there it is a quadratic form in
// their change, ½·δᵀFδ, whose matrix F is Fisher's (Kunstner, Balles, Hennig
// 2019, §2; the same expansion for a loss in LeCun, Denker, Solla 1990). With
// the blocks of F between tensors left out, as HAWQ-V2 (Dong et al. 2019) and
// HAWQ-V3 (Yao et al. 2020), which solves for sizes too, leave them out, each
// tensor adds a share of its own, a factor times its squared error; and so
// losses add up, and the factor of a tensor can be measured by quantizing that
// tensor alone. Far from the original, at two bits and less, neither holds well.
package budget
