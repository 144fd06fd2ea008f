package container

import "fewbits/quant/container/archive"

// zipped says whether a file is a zip archive of a model's files: it holds
// safetensors or GGUF files, and is neither npz nor of PyTorch.
func zipped(z *archive.File) bool {
	for _, m := range z.Members {
		if k := kindOf(clean(m.Name)); !hidden(clean(m.Name)) && (k == safetensorsFile || k == ggufFile) {
			return true
		}
	}
	return false
}
