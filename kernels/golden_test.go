package kernels

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// goldens are what libggml-base of llama.cpp 0.5.0 (the x86-64 library in the npm
// package @node-llama-cpp/linux-x64 3.22.1) makes of 16384 values of each
// dataset, seed 7: the first eight bytes of
// the SHA-256 of the packed bytes from ggml_quantize_chunk and of the floats
// from to_float.
var goldens = []struct{ data, kind, packed, values string }{
	{"normal", "Q4_0", "0f0c3f1f3c35a218", "5925b9094c9638a5"},
	{"normal", "Q8_0", "502c8639c5dbb442", "b725d42a2dafc912"},
	{"normal", "F16", "6ad0becb7b0bab34", "503563d91dd03d18"},
	{"normal", "BF16", "f57753a89bceed74", "932dbba9ac152879"},
	{"integers", "Q4_0", "a37d7ab40962111a", "800b7d74304168f1"},
	{"integers", "Q8_0", "13859de93aa8473b", "8c55fdd18fe4fbb9"},
	{"integers", "F16", "11cf943f65fe5015", "de931139f2e6d2ac"},
	{"integers", "BF16", "5945df2d7921ec8e", "de931139f2e6d2ac"},
	{"ties", "Q4_0", "e0075e84c6f8a81c", "b66cf49c396147a9"},
	{"ties", "Q8_0", "8f6508db1caba4c5", "ad08ed66bd303ed1"},
	{"ties", "F16", "9ed7804d48b6b32e", "3c25b930682450d2"},
	{"ties", "BF16", "1354154ae579a88b", "3c25b930682450d2"},
	{"near ties", "Q4_0", "e728c3daa47f75c8", "d8cbe74d467280a3"},
	{"near ties", "Q8_0", "f2e7b76006262787", "85c651a0bf82ba10"},
	{"near ties", "F16", "f2c9a346c928ab1d", "58f1884eb5628692"},
	{"near ties", "BF16", "b29c5184393db413", "58f1884eb5628692"},
	{"ternary", "Q4_0", "64aea7d2f34565cb", "8b251d5a9e353951"},
	{"ternary", "Q8_0", "a4a6b985ef8fc249", "f166d7a18fc189c0"},
	{"ternary", "F16", "e901f7d194fa1b03", "9cc9cec122e4abb9"},
	{"ternary", "BF16", "70dc318a9537da32", "9cc9cec122e4abb9"},
	{"sparse", "Q4_0", "db4756c813f74f7f", "151840d4476e136b"},
	{"sparse", "Q8_0", "a2ce260da70c6d96", "f1f5849ad6f9396b"},
	{"sparse", "F16", "bab229e9de89f902", "a09a4097c9b5c16e"},
	{"sparse", "BF16", "68195e6c4214e4f3", "772c1b465f055ce8"},
	{"tiny", "Q4_0", "230c0cb00b5cdd65", "b2af542b52198cb5"},
	{"tiny", "Q8_0", "3f1f6f76c52276c8", "de2f256064a0af79"},
	{"tiny", "F16", "e3b24acefaf5719b", "12289e470a242ebb"},
	{"tiny", "BF16", "017185f683d2a3bd", "c22b9cf7dfccb7d5"},
	{"huge", "Q4_0", "b9cccbdf7365cc67", "1ad5ec36eb8cfc9f"},
	{"huge", "Q8_0", "e33918539609d2f9", "6a6f40aa6ab5422e"},
	{"huge", "F16", "7f7b7090688d0f62", "b4f0316c334a6852"},
	{"huge", "BF16", "4c3cdb3d82dc8003", "aba9177b711637bc"},
	{"wide", "Q4_0", "5b1cc2c3e3569012", "d53127062fbeb9b3"},
	{"wide", "Q8_0", "3776e6d35523d735", "247a4ca10e66125f"},
	{"wide", "F16", "86d2793ce4f865ac", "7f33560218a6561a"},
	{"wide", "BF16", "b2c99c3a36866af7", "5981634a1861b9b9"},
	{"edges", "Q4_0", "0d7bcde9f153b853", "45b10a6fc6dc0809"},
	{"edges", "Q8_0", "0d58ee773a05b296", "f9fd02e6f55a4a59"},
	{"edges", "F16", "221bb2fe0c2ecd83", "b8bf16f4c0bd8d24"},
	{"edges", "BF16", "92cab14d2ef6eb4d", "7706d9706164e602"},
	{"bits", "Q4_0", "8ff3b7e7c66c007e", "15aa211fb72b9e98"},
	{"bits", "Q8_0", "2db4a73de64def6a", "c3126daf73c89a22"},
	{"bits", "F16", "014f1cf44d8de07a", "89fd707ba05a1816"},
	{"bits", "BF16", "f72734101173c593", "14ce76787892a503"},
}

func TestAgainstGGML(t *testing.T) {
	const n = 1 << 14
	kinds := map[string]struct {
		bytes int
		pack  func(dst []byte, x []float32)
		value func(dst []float32, src []byte)
	}{
		"Q4_0": {n / 32 * 18, QuantizeQ4_0, DequantizeQ4_0},
		"Q8_0": {n / 32 * 34, QuantizeQ8_0, DequantizeQ8_0},
		"F16":  {n * 2, F32ToF16, F16ToF32},
		"BF16": {n * 2, F32ToBF16, BF16ToF32},
	}
	sets := map[string]dataset{}
	for _, d := range datasets {
		sets[d.name] = d
	}
	for _, g := range goldens {
		t.Run(g.kind+" "+g.data, func(t *testing.T) {
			k, packed, values := kinds[g.kind], make([]byte, kinds[g.kind].bytes), make([]float32, n)
			k.pack(packed, sets[g.data].make(n, 7))
			if got := digest(packed); got != g.packed {
				t.Errorf("packed %s, ggml's are %s", got, g.packed)
			}
			k.value(values, packed)
			if got := digest(floatBytes(values)); got != g.values {
				t.Errorf("values %s, ggml's are %s", got, g.values)
			}
		})
	}
}

func digest(b []byte) string {
	s := sha256.Sum256(b)
	return fmt.Sprintf("%x", s[:8])
}
