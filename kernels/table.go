package kernels

// Entry is one row of the table of kernels.
type Entry struct {
	Name string // of the function in this package
	Impl string // what runs in this build: "simd128" or "portable"
	Doc  string // what it computes, in a few words
}

// Active is what the kernels of this build run on: "simd128" or "portable".
func Active() string { return active }

// Table lists every kernel, in the order that a person reads it.
func Table() []Entry {
	return []Entry{
		{"MinMax", active, "smallest and largest value"},
		{"AbsMax", active, "largest magnitude"},
		{"CheckFinite", active, "index of the first NaN or infinity"},
		{"Sum", active, "sum in float64"},
		{"Moments", active, "sum and sum of squares in float64"},
		{"SumSquaredDiff", active, "sum of squared differences in float64"},
		{"Compare", active, "error, signal, product and largest difference in one pass"},
		{"Sub", active, "difference of two slices"},
		{"KeepLarger", active, "the value of larger magnitude of each two"},
		{"HalveLarger", active, "the value of larger magnitude of each neighbouring two"},
		{"Histogram", active, "counts over bins of equal width"},
		{"F16ToF32", active, "half float to float32"},
		{"F32ToF16", active, "float32 to half float, ties to even"},
		{"BF16ToF32", active, "bfloat16 to float32"},
		{"F32ToBF16", active, "float32 to bfloat16, ties to even"},
		{"QuantizeAffine", active, "float32 to int8 with a scale and a zero point"},
		{"DequantizeAffine", active, "int8 with a scale and a zero point to float32"},
		{"PackInt4", active, "two signed 4-bit codes to a byte, low nibble first"},
		{"UnpackInt4", active, "bytes to signed 4-bit codes"},
		{"CountAbove", active, "index of the nearest level of a codebook, by thresholds"},
		{"Lookup16", active, "levels of a codebook of 16"},
		{"QuantizeQ4_0", active, "ggml Q4_0 blocks"},
		{"DequantizeQ4_0", active, "ggml Q4_0 blocks to float32"},
		{"QuantizeQ8_0", active, "ggml Q8_0 blocks"},
		{"DequantizeQ8_0", active, "ggml Q8_0 blocks to float32"},
		{"QuantizeQ4_1", active, "ggml Q4_1 blocks"},
		{"DequantizeQ4_1", active, "ggml Q4_1 blocks to float32"},
		{"QuantizeQ5_0", active, "ggml Q5_0 blocks"},
		{"DequantizeQ5_0", active, "ggml Q5_0 blocks to float32"},
		{"QuantizeQ5_1", active, "ggml Q5_1 blocks"},
		{"DequantizeQ5_1", active, "ggml Q5_1 blocks to float32"},
		{"DequantizeQ4_K", active, "ggml Q4_K blocks to float32"},
		{"DequantizeQ5_K", active, "ggml Q5_K blocks to float32"},
		{"SearchMin", active, "scale and minimum of each group, by least squares"},
		{"SearchScale", active, "scale of each group, by least squares"},
		{"SearchSteps", active, "scale of each group, a code moved at a time"},
		{"SettleScales", active, "scales of groups as codes of one scale"},
		{"Weigh", active, "importance times √(a constant + x²)"},
		{"RoundGroups", active, "codes of groups whose scales are settled"},
		{"ExpandGroups", active, "codes of groups to float32"},
		{"PackBits", active, "codes of 1, 2 or 4 bits to bytes, in strides"},
		{"UnpackBits", active, "bytes to codes of 1, 2 or 4 bits, in strides"},
	}
}
