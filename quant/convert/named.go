package convert

import "fewbits/quant"

// Named says whether a source has the names and the metadata of a GGUF file:
// it is one, or is shown as one, as package huggingface does.
func Named(src quant.Source) bool {
	c := src.Container()
	return c == "gguf" || c == "huggingface"
}
