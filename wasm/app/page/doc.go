// Package page is what the page knows and how that changes: one State, an
// Update that turns an Event into Effects, and the table of what stands in the
// address. It touches no document, so that it is tested natively; the views
// of fewbits/wasm/app read State and draw it.
package page
