// Package container opens any file of tensors: GGUF, safetensors, npy, npz,
// PyTorch checkpoints and raw float32 values. What a file is, is told by how
// it begins, and only where that says nothing by its name. Files of other
// kinds are refused by name, with what to do.
//
// Several files open as the one model that they are: the parts of a split GGUF
// file, the shards of a safetensors model with their index, a Hugging Face
// folder with its configuration and its tokenizer.
package container
