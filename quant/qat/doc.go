// Package qat trains small networks with few bits in mind: quantization-aware
// training, beside plain training and rounding afterwards.
//
// # Fake quantization
//
// In the forward pass a weight is replaced by the level that it would be stored
// as, x̂ = s·clip(round(x/s), −Qn, Qp); the weight itself stays a float that
// learns. Rounding has no useful derivative, so the backward pass takes that of
// the straight-through estimator (Bengio, Léonard, Courville 2013,
// arXiv 1308.3432): 1 where the value was within the levels, 0 where it was
// clipped.
//
// The step s is learnt as well (LSQ: Esser, McKinstry, Bablani, Appuswamy, Modha
// 2020, arXiv 1902.08153, section 2.1):
//
//	∂x̂/∂s = round(x/s) − x/s within the levels, −Qn or Qp outside
//
// multiplied by g = 1/√(N·Qp) for N weights, and begun at 2·mean|x|/√Qp.
//
// # Bits
//
// b bits signed have the levels −2^(b−1) … 2^(b−1) − 1; ternary weights, here 0
// bits, have −1, 0 and 1; what comes out of a ReLU has 0 … 2^b − 1.
//
// # Batch norm
//
// A network is trained as floats with batch normalization (Ioffe, Szegedy 2015,
// arXiv 1502.03167), which is then folded into the weights, as a network is that
// is deployed (Jacob et al. 2018, arXiv 1712.05877, section 3.2; with the
// statistics frozen, as in Krishnamoorthi 2018, arXiv 1806.08342, section 3.2.2):
// what is rounded, and what learns on, are the folded weights.
package qat
