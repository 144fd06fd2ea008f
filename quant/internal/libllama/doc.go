// Package libllama lets tests ask the real libllama how it quantizes a model,
// and what it makes of a model that it runs. It works in a child process, which
// it may abort. The library is found as package libggml finds its own, and lies
// beside it.
package libllama
