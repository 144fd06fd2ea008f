package engine

import (
	"fmt"
	"syscall/js"
	"unsafe"

	"fewbits/wasm/engine/session"
	"fewbits/wasm/wire"
)

// Run sets globalThis.fewbitsEngine, a function
//
//	(op, args JSON, file Blob|null, values Float32Array|null, emit) → {json, arrays} | {error}
//
// that answers one request, calls globalThis.fewbitsReady, and does not return.
func Run() {
	var s session.Session
	js.Global().Set("fewbitsEngine", js.FuncOf(func(_ js.Value, a []js.Value) any {
		return answer(&s, a[0].String(), a[1].String(), a[2], a[3], a[4])
	}))
	js.Global().Call("fewbitsReady")
	select {}
}

// answer never panics: a fault in the core becomes an error that names it.
func answer(s *session.Session, op, args string, file, values, emit js.Value) (out any) {
	defer func() {
		if r := recover(); r != nil {
			out = map[string]any{"error": fmt.Sprintf("the worker failed in %q: %v", op, r)}
		}
	}()
	var at session.Attachment
	if file.Truthy() {
		at.File, at.Size = newBlob(file), int64(file.Get("size").Float())
	}
	if values.Truthy() {
		at.Values = make([]float32, values.Length())
		js.CopyBytesToGo(bytesOf(at.Values), js.Global().Get("Uint8Array").New(
			values.Get("buffer"), values.Get("byteOffset"), values.Get("byteLength")))
	}
	reply, err := s.Call(op, []byte(args), at, func(r session.Reply) { emit.Invoke(object(r)) })
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
