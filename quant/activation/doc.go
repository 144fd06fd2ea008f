// Package activation rounds what goes into linear layers to few bits: the A8 of
// W8A8, the A4 of W4A4.
//
// A Scheme says how: how many bits, symmetric or not, and which values share a
// scale: all of a tensor, each token's, or each input's. Dynamic scales are
// found anew for every product, from the activations at hand; static ones
// beforehand, by a Calibrator that watches a model read a text.
//
//	symmetric    s = max|x| / (2^(b−1) − 1)   codes −(2^(b−1) − 1) … 2^(b−1) − 1
//	asymmetric   s = (hi − lo) / (2^b − 1)    z = round(−lo / s), codes 0 … 2^b − 1; [lo, hi] holds 0
//
// The symmetric one is what SmoothQuant's fake_quant.py does (scales of at
// least 1e-5), by token and by tensor. A static range is that of the smallest and the
// largest value (MinMax), a moving average of it over batches (Average, 0.1 of
// each new one; TensorFlow's and PyTorch's observers are such), one that leaves
// out tails (Percentile), or one that loses least by KL divergence (Entropy, as
// TensorRT calibrates: 2048 bins, 128 levels) or by squares (MSE); package calib
// has the latter three.
//
// Values are rounded and given back as float32: the products are computed as
// they otherwise are. A product of codes, summed as int32 and scaled, gives the
// same but for the order of the sums; with scales by input it cannot be had as
// such, as each term of a sum has its own.
package activation
