package engine

import (
	"syscall/js"

	"fewbits/wasm/engine/session"
	"fewbits/wasm/wire"
)

// helpers are the workers of globalThis.fewbitsHelpers, which is
//
//	{most, ready(), call(helper, id, op, args JSON, values Float32Array|null), drop()}
//
// and calls fewbitsTake(id, json, arrays, error) with what they answer, and
// fewbitsLost() where there are none any more.
type helpers struct{ js.Value }

// newHelpers is nil where a worker has none.
func newHelpers() session.Helpers {
	if m := js.Global().Get("fewbitsHelpers"); m.Truthy() {
		return helpers{m}
	}
	return nil
}

func (m helpers) Most() int  { return m.Get("most").Int() }
func (m helpers) Ready() int { return m.Value.Call("ready").Int() }
func (m helpers) Drop()      { m.Value.Call("drop") }

func (m helpers) Call(k, id int, op string, args any, values ...[]float32) {
	text, err := wire.Marshal(args)
	if err != nil {
		panic(err) // no message is of a type that cannot be written
	}
	n := 0
	for _, x := range values {
		n += len(x)
	}
	var all js.Value
	if n > 0 {
		all = js.Global().Get("Float32Array").New(n)
		at := 0
		for _, x := range values {
			js.CopyBytesToJS(js.Global().Get("Uint8Array").New(all.Get("buffer"), 4*at, 4*len(x)), bytesOf(x))
			at += len(x)
		}
	}
	m.Value.Call("call", k, id, op, string(text), all)
}

// hear takes in what helpers answer.
func (e *engine) hear() {
	js.Global().Set("fewbitsTake", js.FuncOf(func(_ js.Value, a []js.Value) any {
		arrays := map[string]any{}
		if a[2].Truthy() {
			names := js.Global().Get("Object").Call("keys", a[2])
			for i := range names.Length() {
				name := names.Index(i).String()
				arrays[name] = fromJS(a[2].Get(name))
			}
		}
		failed := ""
		if a[3].Truthy() {
			failed = a[3].String()
		}
		e.s.Take(a[0].Int(), []byte(a[1].String()), arrays, failed)
		return nil
	}))
	js.Global().Set("fewbitsLost", js.FuncOf(func(js.Value, []js.Value) any {
		e.s.Lost()
		return nil
	}))
}

// fromJS copies an array: floats, or bytes.
func fromJS(a js.Value) any {
	bytes := js.Global().Get("Uint8Array").New(a.Get("buffer"), a.Get("byteOffset"), a.Get("byteLength"))
	if a.InstanceOf(js.Global().Get("Uint8Array")) {
		b := make([]byte, a.Length())
		js.CopyBytesToGo(b, bytes)
		return b
	}
	x := make([]float32, a.Length())
	js.CopyBytesToGo(bytesOf(x), bytes)
	return x
}
