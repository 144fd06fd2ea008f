// Package inorder writes files whose tensors follow a header one after the
// other: each in as many pieces as is convenient, and whole before the next.
// GGUF and safetensors are such files.
package inorder
