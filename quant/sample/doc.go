// Package sample makes the tensors that come with the page: what they hold
// follows from their name, size and seed alone.
package sample
