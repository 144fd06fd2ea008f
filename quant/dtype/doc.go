// Package dtype reads and writes the plain number types that tensor files
// hold: IEEE floats, bfloat16, the 8-bit floats, integers and booleans.
//
// Names are those of safetensors ("F32", "BF16", "I8"). Everything becomes
// float32, rounded to nearest even where the type holds more than float32 can.
package dtype
