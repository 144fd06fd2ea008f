// Package pins holds nothing that the product runs. Its tests write down what
// the kernels rely on in Go's assembler for wasm and in the instructions
// themselves, the spellings that are silently wrong included, so that a
// toolchain that changes any of it fails here, with a name, and not in a kernel.
package pins
