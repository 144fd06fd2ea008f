// Package imatrix reads and writes importance matrices: for each tensor of a model, how
// much each of its columns matters (the mean of the squared activations that
// meet it), as llama-imatrix collects them and llama-quantize uses them.
//
// There are two forms; Open tells them apart, Write and WriteLegacy make them.
// Put gives the steps of a conversion's plan their importance. Source: tools/imatrix/imatrix.cpp
// (save_imatrix, save_imatrix_legacy) and common/imatrix-loader.cpp of llama.cpp.
package imatrix
