// Command products is the program of a worker that only times products of
// matrices: for relaxed SIMD, which a browser must have for the program to be
// loaded at all. It answers as the engine does.
package main

import (
	"fmt"
	"syscall/js"

	"fewbits/wasm/engine/products"
	"fewbits/wasm/wire"
)

func main() {
	var b products.Bench
	js.Global().Set("fewbitsEngine", js.FuncOf(func(_ js.Value, a []js.Value) any {
		return answer(&b, a[0].String(), a[1].String())
	}))
	js.Global().Call("fewbitsReady")
	select {}
}

// answer is {json, arrays} or {error}, and never panics.
func answer(b *products.Bench, op, args string) (out any) {
	defer func() {
		if r := recover(); r != nil {
			out = map[string]any{"error": fmt.Sprintf("the worker failed in %q: %v", op, r)}
		}
	}()
	v, err := b.Call(op, []byte(args))
	if err == nil {
		var text []byte
		if text, err = wire.Marshal(v); err == nil {
			return map[string]any{"json": string(text), "arrays": map[string]any{}}
		}
	}
	return map[string]any{"error": err.Error()}
}
