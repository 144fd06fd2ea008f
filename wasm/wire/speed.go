package wire

// Operations that time products of matrices. The whole program has them, and one
// that has nothing else and relaxed SIMD.
const (
	OpSpeedOpen = "speed-open" // SpeedOpenArgs → Bandwidth; the worker keeps the memory
	OpSpeed     = "speed"      // SpeedArgs → Speed
)

// SpeedOpenArgs says how much memory weights take that no cache holds.
type SpeedOpenArgs struct {
	Bytes int `json:"bytes"`
}

// Bandwidth is how fast memory is read, and what there is to multiply with.
type Bandwidth struct {
	Read    float64 `json:"read"`              // bytes a second
	Kernel  string  `json:"kernel"`            // which twin runs
	Relaxed bool    `json:"relaxed,omitempty"` // products with relaxed SIMD are there beside
}

// SpeedTypes are the types that products are timed in, F16 and F32 against
// float32, the others against 8 bits.
var SpeedTypes = []string{"F32", "F16", "INT8", "Q8_0", "Q6_K", "Q4_K", "Q4_0"}

// SpeedArgs is one product: of weights of a type, with so many tokens.
type SpeedArgs struct {
	Type    string `json:"type"`
	Tokens  int    `json:"tokens"`            // 1 reads all of the memory once
	Relaxed bool   `json:"relaxed,omitempty"` // with relaxed SIMD
}

// Speed is the answer.
type Speed struct {
	Seconds float64 `json:"seconds"` // of the fastest of a few passes
	Weights int     `json:"weights"`
	Bytes   int     `json:"bytes"`
}
