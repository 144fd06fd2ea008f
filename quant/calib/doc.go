// Package calib is what the methods that calibrate share: sums over the
// activations that go into a layer, and what a change of the layer's weights
// does to its output.
//
// W is the weights, outputs × inputs; X the activations, tokens × inputs. The
// layer gives X·Wᵀ, tokens × outputs.
//
//   - Gram sums XᵀX; GPTQ's Hessian is 2/n times it (Frantar et al. 2022,
//     arXiv 2210.17323, section 3; gptq.py, add_batch).
//   - InverseFactor is the upper Cholesky factor of the Hessian's inverse.
//   - AbsMean and AbsMax are the statistics of AWQ and SmoothQuant.
//   - Energy is ‖X·dᵀ‖² for rows d, by way of X or of XᵀX, whichever is shorter.
//
// Sums are float64 and are taken in an order that does not depend on the
// number of cores, so that results are the same everywhere.
package calib
