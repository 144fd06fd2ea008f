package engine

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall/js"
	"unsafe"

	"fewbits/wasm/engine/session"
	"fewbits/wasm/wire"
)

// gcPercent is how much the heap may grow between collections: wasm's memory
// never shrinks, and there are several workers.
const gcPercent = 25

// Run sets globalThis.fewbitsEngine, a function
//
//	(op, args JSON, file Blob|Array|null, values Float32Array|null) → {json, arrays} | {error}
//
// that answers one request (an array is what filesOf takes), calls globalThis.fewbitsReady, and does not return.
func Run() {
	debug.SetGCPercent(gcPercent)
	var s session.Session
	js.Global().Set("fewbitsEngine", js.FuncOf(func(_ js.Value, a []js.Value) any {
		return answer(&s, a[0].String(), a[1].String(), a[2], a[3])
	}))
	js.Global().Call("fewbitsReady")
	select {}
}

// answer never panics: a fault in the core becomes an error that names it.
func answer(s *session.Session, op, args string, file, values js.Value) (out any) {
	defer func() {
		if r := recover(); r != nil {
			out = map[string]any{"error": fmt.Sprintf("the worker failed in %q: %v", op, r)}
		}
	}()
	var at session.Attachment
	switch {
	case !file.Truthy():
	case js.Global().Get("Array").Call("isArray", file).Bool():
		at.Files = filesOf(file)
	default:
		at.File, at.Size = newBlob(file), int64(file.Get("size").Float())
	}
	if values.Truthy() {
		at.Values = make([]float32, values.Length())
		js.CopyBytesToGo(bytesOf(at.Values), js.Global().Get("Uint8Array").New(
			values.Get("buffer"), values.Get("byteOffset"), values.Get("byteLength")))
	}
	reply, err := s.Call(op, []byte(args), at)
	if op == wire.OpOpen {
		runtime.GC() // a header may be large, and takes several times its size to read
	}
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return object(reply)
}

func object(r session.Reply) any {
	text, err := wire.Marshal(r.JSON)
	if err != nil {
		return map[string]any{"error": "the answer cannot be written: " + err.Error()}
	}
	arrays := map[string]any{}
	for name, a := range r.Arrays {
		switch a := a.(type) {
		case []float32:
			arrays[name] = js.Global().Get("Float32Array").New(uint8Array(bytesOf(a)).Get("buffer"))
		case []byte:
			arrays[name] = uint8Array(a)
		}
	}
	return map[string]any{"json": string(text), "arrays": arrays}
}

func uint8Array(b []byte) js.Value {
	u := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(u, b)
	return u
}

func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
