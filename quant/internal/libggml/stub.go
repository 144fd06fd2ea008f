//go:build !linux || !amd64

package libggml

import (
	"errors"
	"time"
)

// ErrAborted says that the library ended its process, as on an assertion.
var ErrAborted = errors.New("libggml: aborted")

// Lib stands for the library, which is not to be had here.
type Lib struct{}

// Open fails with ErrUnavailable.
func Open(string) (*Lib, error) { return nil, ErrUnavailable }

// TypeName fails with ErrUnavailable.
func (*Lib) TypeName(uint32) (string, error) { return "", ErrUnavailable }

// BlockSize fails with ErrUnavailable.
func (*Lib) BlockSize(uint32) (int, error) { return 0, ErrUnavailable }

// RowSize fails with ErrUnavailable.
func (*Lib) RowSize(uint32, int) (int, error) { return 0, ErrUnavailable }

// Quantize fails with ErrUnavailable.
func (*Lib) Quantize(uint32, []float32, int, int, []float32) ([]byte, error) {
	return nil, ErrUnavailable
}

// Dequantize fails with ErrUnavailable.
func (*Lib) Dequantize(uint32, []byte, int) ([]float32, error) { return nil, ErrUnavailable }

// QuantizeRate fails with ErrUnavailable.
func (*Lib) QuantizeRate(uint32, []float32, int, int, []float32, time.Duration) (float64, error) {
	return 0, ErrUnavailable
}

// DequantizeRate fails with ErrUnavailable.
func (*Lib) DequantizeRate(uint32, []byte, int, time.Duration) (float64, error) {
	return 0, ErrUnavailable
}

// Oracle stands for the library in a child, which is not to be had here.
type Oracle struct{ Lib }

// Start fails with ErrUnavailable.
func Start() (*Oracle, error) { return nil, ErrUnavailable }

// Close does nothing.
func (*Oracle) Close() {}

// Serve does nothing.
func Serve() {}

// Dots stands for what the library multiplies with, which is not to be had here.
type Dots struct{ Name string }

// OpenDots fails with ErrUnavailable.
func OpenDots(string) (*Dots, error) { return nil, ErrUnavailable }

// Dot fails with ErrUnavailable.
func (*Dots) Dot(uint32, []float32, []byte) (float32, error) { return 0, ErrUnavailable }

// Rate fails with ErrUnavailable.
func (*Dots) Rate(uint32, []float32, []byte, int, int, int, time.Duration) (float64, error) {
	return 0, ErrUnavailable
}
