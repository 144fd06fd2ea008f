// Package probe runs a model as a plan would make it, without writing it, and
// measures how far its predictions are from the original's.
package probe
