// Package metric says what quantizing a tensor lost: squared error, signal to
// noise, the largest error, cosine similarity, and histograms to draw.
package metric
