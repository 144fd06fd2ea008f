// Package llmint8 multiplies in INT8 but for the few inputs whose activations
// are large: LLM.int8() (Dettmers, Lewis, Belkada, Zettlemoyer 2022, arXiv
// 2208.07339, section 3). It follows bitsandbytes'
// bitsandbytes/backends/default/ops.py.
//
//	weights      s = max|w| over a row    q = round(w · (127 / s))    ŵ = q·s / 127
//	activations  the same over a token, values of 6 and more left out
//
// An input is an outlier where any token has a value of the threshold or more,
// in magnitude. Its column is multiplied in 16 bits, X as it is and W as
// float16; all other columns as INT8 by INT8. Without activations no column is
// known to be one, and all are INT8.
//
// bitsandbytes keeps INT8 codes of all columns, and where it has thrown the
// float16 weights away multiplies outliers by q·s / 127 (has_fp16_weights false);
// here they are kept in float16, as in the paper, beside the codes.
//
// OutputError is of weights and activations both so quantized.
package llmint8
