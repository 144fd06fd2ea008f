// Command worker is the handler of package edge on Cloudflare Workers, through
// github.com/syumai/workers. It is built for js/wasm only; wrangler.jsonc in
// the folder above says how it is deployed.
//
// Files of the site are Cloudflare's to serve, with the headers of the
// _headers file that the build writes from package policy: a file costs no
// start of a Go program then (about 20 ms each), and Cloudflare compresses and
// caches it near the visitor. What reaches the worker is the API and what was
// not found; for the 404 page it asks the assets binding.
package main
