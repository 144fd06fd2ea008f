// Package libllama lets tests ask the real libllama how it quantizes a model.
// It runs in a child process, which it may abort. The library is found as
// package libggml finds its own, and lies beside it.
package libllama
