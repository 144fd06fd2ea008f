// Package app is the page: it turns what a person does into events for
// fewbits/wasm/app/page, carries out the effects, and draws the state.
//
// The host (web/js/page.js) gives it globalThis.fewbitsHost and calls the
// functions that it sets at globalThis.fewbitsPage.
package app
