package engine

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall/js"
	"time"
	"unsafe"

	"fewbits/wasm/engine/session"
	"fewbits/wasm/wire"
)

// gcPercent is how much the heap may grow between collections: wasm's memory
// never shrinks, and there are several workers.
const gcPercent = 25

// slice is how long the engine may be at work before the worker hears what was
// sent to it meanwhile.
const slice = 5 * time.Millisecond

// Run sets globalThis.fewbitsEngine, a function
//
//	(op, args JSON, file Blob|Array|null, values Float32Array|null) → {json, arrays} | {error} | {more, wait}
//
// that answers one request (an array is what filesOf takes), or does a part of
// the work, which fewbitsMore() goes on with: with wait, once one of
// globalThis.fewbitsHelpers, of which helpers_js.go says more, has answered. It
// calls globalThis.fewbitsReady, and does not return.
func Run() {
	debug.SetGCPercent(gcPercent)
	e := engine{s: session.Session{Slice: slice, Helpers: newHelpers()}}
	e.hear()
	js.Global().Set("fewbitsEngine", js.FuncOf(func(_ js.Value, a []js.Value) any {
		e.op = a[0].String()
		return e.answer(func() (session.Reply, error) { return e.call(a[1].String(), a[2], a[3]) })
	}))
	js.Global().Set("fewbitsMore", js.FuncOf(func(js.Value, []js.Value) any { return e.answer(e.more) }))
	js.Global().Call("fewbitsReady")
	select {}
}

// engine is a session and the request that it is at.
type engine struct {
	s    session.Session
	op   string
	more func() (session.Reply, error)
}

// answer never panics: a fault in the core becomes an error that names it.
func (e *engine) answer(f func() (session.Reply, error)) (out any) {
	defer func() {
		if r := recover(); r != nil {
			out = map[string]any{"error": fmt.Sprintf("the worker failed in %q: %v", e.op, r)}
		}
	}()
	reply, err := f()
	if err != nil {
		return map[string]any{"error": session.Say(err)}
	}
	if e.more = reply.More; e.more != nil {
		return map[string]any{"more": true, "wait": reply.Wait}
	}
	return object(reply)
}

func (e *engine) call(args string, file, values js.Value) (session.Reply, error) {
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
	reply, err := e.s.Call(e.op, []byte(args), at)
	if e.op == wire.OpOpen {
		runtime.GC() // a header may be large, and takes several times its size to read
	}
	return reply, err
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
