// Package awq scales the columns of a layer's weights before they are rounded,
// so that columns with large activations lose less, and clips each group where
// that helps: AWQ (Lin, Tang, Tang et al. 2023, arXiv 2306.00978, section 3).
// It follows AutoAWQ's awq/quantize/quantizer.py; without duo that is also what
// the authors' auto_scale.py and auto_clip.py do.
//
// # The search for scales
//
// For each r = 0, 1/20 … 19/20 the columns' scales are
//
//	t = max(x^r, 1e-4)                          x: mean |activation|
//	t = max(x^r / (w^(1−r) + 1e-4), 1e-4)       with duo; w: mean of |weight| over its group's largest
//
// divided by √(max t · min t). The r whose Q(W·t)/t changes the layer's output
// least, in mean squares over the tokens, is taken, the smallest of equals.
// With r = 0 and without duo t is 1: plain rounding.
//
// Whoever stores the codes folds 1/t into what comes before the layer, as the
// weights are W·t; here a value is (q − z)·s / t, of the weights as they were.
//
// # The search for clips
//
// For each group of the scaled weights, of the ten ranges (1 − i/20)·max|w|,
// i = 0 … 9, the one that changes the group's part of the output least, over
// about 512 tokens (every ⌊n/512⌋-th), the widest of equals. The reference
// leaves layers alone whose names have q_, k_, query, key or Wqkv in them; that
// is for the caller, with Options.Clip.
//
// # The grid
//
//	asymmetric   s = max(hi − lo, 1e-5) / (2^b − 1)   z = −round(lo / s), kept within the codes
//	symmetric    s = max|w| / (2^(b−1) − 1)           codes −2^(b−1) … 2^(b−1) − 1
//
// The range [lo, hi] is that of the group and need not hold 0; where it does
// not, z is at the end of the codes and the far end of the range is clipped.
//
// Arithmetic on weights is float32 as in the reference; losses are float64.
package awq
