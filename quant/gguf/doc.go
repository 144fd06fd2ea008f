// Package gguf reads and writes GGUF, the file of ggml and llama.cpp:
// metadata, then a list of tensors, then their bytes.
//
// Versions 2 and 3, little-endian. Sources: docs/gguf.md and src/gguf.cpp of
// ggml-org/ggml. Reading goes through an io.ReaderAt and never past the list
// of tensors; a file of any size opens in the time its metadata takes.
//
// Shapes are outermost first, as everywhere in Fewbits; the file itself lists
// the innermost dimension first.
package gguf
