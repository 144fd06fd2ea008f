// Package smooth makes activations easier to quantize by moving part of their
// range into the weights: SmoothQuant (Xiao, Lin, Seznec et al. 2022, arXiv
// 2211.10438, section 4), weights and activations both INT8. It follows the
// authors' smoothquant/smooth.py (smooth_ln_fcs) and fake_quant.py.
//
//	t_j = max(max|X_j|^α / max|W_j|^(1−α), 1e-5)
//
// for input j, max|W_j| at least 1e-5; weights are multiplied by t, activations
// divided: whoever stores the codes folds 1/t into what comes before the layer.
//
//	s = max(max|w|, 1e-5) / 127       q = round(w / s)
//
// over a row of the weights (an output channel), or over all of them with
// granularity=tensor; over a token of the activations, when the layer runs. A
// value is q·s / t, of the weights as they were. Rounding is to even,
// arithmetic float32.
//
// OutputError is of both quantized, W8A8.
package smooth
