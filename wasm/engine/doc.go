// Package engine is what runs in a Web Worker: a session behind a few lines of
// glue.
package engine
