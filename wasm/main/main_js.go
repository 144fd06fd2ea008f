// Command main is the one program that is compiled to wasm. In a page it is
// the page's Go, in a worker the engine. One file for both is 0.5 MB less to
// download than two: Go's run time comes once, and is compiled once.
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
