//go:build first

package session

import "fmt"

// evaluation is nothing in the small program.
type evaluation struct{}

func (s *Session) evaluate(op string, _ []byte, _ Attachment) (Reply, error) {
	return Reply{}, fmt.Errorf("the small program does not run models: %q needs the whole one", op)
}
