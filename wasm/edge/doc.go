// Package edge is the one http.Handler of Fewbits: it serves the built site
// and a small API that quantizes without a browser.
//
//	GET  /api/formats                        the table of formats, as JSON
//	POST /api/quantize?format=Q4_K&sym=true  an npy file in, packed bytes out;
//	                                         with Accept: application/json the report
//	GET  /…                                  files of the build
//
// The same handler runs natively (package serve) and on Cloudflare Workers
// (package worker), where files are served by Cloudflare itself and only the
// API and what is not found reach it: every request there starts a new Go
// instance, which a file is not worth. Which headers go with which path is
// said once, in package policy.
package edge
