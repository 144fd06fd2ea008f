//go:build first

package session

import "fmt"

// trial is nothing in the small program.
type trial struct{}

func (s *Session) try(op string, _ []byte, _ Attachment) (Reply, error) {
	return Reply{}, fmt.Errorf("the small program tries nothing on models: %q needs the whole one", op)
}
