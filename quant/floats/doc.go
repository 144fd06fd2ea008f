// Package floats holds the formats that are shorter floating-point numbers:
// FP32, FP16, BF16 and the two FP8 of the Open Compute Project's "8-bit
// Floating Point Specification (OFP8)" 1.0. Each value stands alone, without a
// scale, little endian, one after another in row-major order.
//
// All of them round to nearest, ties to even. They differ in what lies beyond
// their range:
//
//	          largest    beyond it     ±Inf       NaN
//	FP32      3.4e38     –             kept       kept, bit for bit
//	FP16      65504      ±Inf          kept       made quiet, upper payload kept
//	BF16      3.39e38    ±Inf          kept       made quiet, upper payload kept
//	FP8_E4M3  448        ±448          ±448       0x7f or 0xff
//	FP8_E5M2  57344      ±57344        kept       0x7f or 0xff
//
// The largest finite value takes in what rounds to it: 65519.99 is still
// 65504 as FP16. That FP8 saturates is what inference engines do with weights
// and what the specification calls its saturating mode, but for the infinities
// of E5M2, which it would clip too.
//
// FP16 agrees with github.com/x448/float16 and with the F16C instructions in
// every bit. It agrees with ggml's portable conversion except that ggml drops
// the payload of a NaN: it writes 0x7e00 or 0xfe00. BF16 agrees with ggml in
// every bit (ggml_compute_fp32_to_bf16).
//
// Beside the formats there are conversions of slices and of single values, for
// whatever reads and writes such numbers. Those of slices take bytes and
// convert as many values as both sides hold, as copy does.
package floats
