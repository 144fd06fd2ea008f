package safetensors

import "fmt"

// Fault is a kind of error; errors.Is finds it in what Open returns.
type Fault string

// The faults.
const (
	NotSafetensors Fault = "not a safetensors file"
	Truncated      Fault = "the file ends too early"
	Damaged        Fault = "damaged"
	BadType        Fault = "unknown type"
)

func (f Fault) Error() string { return "safetensors: " + string(f) }

// Error says what is wrong with a file, and where.
type Error struct {
	Fault  Fault
	Offset int64  // byte of the file where it shows
	Place  string // `tensor "lm_head.weight"`, `metadata "format"`; "" where neither
	Reason string // what is wrong, and what to do
}

func (e *Error) Error() string {
	if e.Place == "" {
		return fmt.Sprintf("safetensors: byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("safetensors: %s, byte %d: %s", e.Place, e.Offset, e.Reason)
}

// Unwrap is the kind of error.
func (e *Error) Unwrap() error { return e.Fault }

// clip shortens a name out of a file so that it can stand in a message.
func clip(name string) string {
	if len(name) > 80 {
		name = name[:77] + "..."
	}
	return name
}
