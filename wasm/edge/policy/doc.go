// Package policy is the one place that says with which headers each path of
// the site is answered: what may run, who may read it, how long it is kept.
//
// The native server asks For on every request. Cloudflare serves files without
// asking anyone, from a _headers file that Cloudflare writes from the same
// table; a test applies that file's rules and compares.
package policy
