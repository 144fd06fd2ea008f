// Package json reads JSON front to back, in the time and the memory that its
// text takes: files of many megabytes a value at a time, small ones as a tree.
// It knows where it is, and says so in every error.
//
// Source: RFC 8259. Beyond it NaN and Infinity are numbers, as Python writes
// them. A key that is twice in an object of a tree is an error.
package json
