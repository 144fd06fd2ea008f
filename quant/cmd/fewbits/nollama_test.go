//go:build !linux || !amd64

package main

import "testing"

func wantLlama(*testing.T, string, string, uint32) {}
