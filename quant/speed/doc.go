// Package speed makes products of activations with weights of any type, for their
// time on a device to be measured: a token's, which is what generating text
// takes, or many tokens', what reading a prompt takes.
package speed
