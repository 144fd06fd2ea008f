module fewbits

go 1.27

toolchain go1.27.4

require (
	github.com/andybalholm/brotli v1.2.8
	github.com/ebitengine/purego v0.11.3
	github.com/syumai/workers v0.32.0
	github.com/x448/float16 v0.8.4
	honnef.co/go/js/dom/v2 v2.0.0-20250304181735-b5e52f05e89d
)
