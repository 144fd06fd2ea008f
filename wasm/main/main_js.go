package main

import (
	"syscall/js"

	"fewbits/wasm/app"
	"fewbits/wasm/engine"
)

func main() {
	if js.Global().Get("document").IsUndefined() {
		engine.Run()
	} else {
		app.Run()
	}
}
