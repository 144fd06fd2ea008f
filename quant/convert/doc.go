// Package convert turns a model file into another: GGUF or safetensors in,
// GGUF or safetensors out, one slice of one tensor at a time.
//
// First a plan: one Step a tensor, which says what it becomes and why. Plans
// come from PlanPure and PlanCast or from anyone else; a caller may change
// steps, and their order is the order in the output. Then ToGGUF or
// ToSafetensors carries the plan out. Memory stays near SliceValues float32
// however large the model is, unless a single row is larger.
package convert
