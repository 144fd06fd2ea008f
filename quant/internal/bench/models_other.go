//go:build !linux || !amd64

package main

import "fewbits/quant/internal/libggml"

type models struct{}

func (*models) quantize(request) answer { return answer{Refused: libggml.ErrUnavailable.Error()} }
