// Package decision writes down what quantizing one tensor decided: codes,
// scales, zero points and the reconstruction, as JSON that any language reads.
package decision
