//go:build !purego

package kernels

import "testing"

func TestActive(t *testing.T) {
	if Active() != "simd128" {
		t.Errorf("wasm runs on %q", Active())
	}
}
