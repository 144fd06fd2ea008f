// Package report writes a run down so that it can be done again: what went in,
// by its hash, every option, and the hash of the bytes that came out. The page
// and the command write and read the same JSON.
package report
