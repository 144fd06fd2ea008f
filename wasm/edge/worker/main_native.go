//go:build !js

package main

import (
	"fmt"
	"os"
)

// Natively there is nothing to run: this says so.
func main() {
	fmt.Fprintln(os.Stderr, "worker: this program is for Cloudflare Workers: build it with GOOS=js GOARCH=wasm, or run serve natively")
	os.Exit(2)
}
