//go:build !linux || !amd64

package libllama

// Serve does nothing: the library is not to be had here.
func Serve() {}
