// Package session is what a worker does: it holds one file, one tensor and
// one result, and answers the page's requests. It is pure Go, so that it is
// tested natively; fewbits/wasm/engine ties it to a Web Worker.
package session
