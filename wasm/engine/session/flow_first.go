//go:build first

package session

import "fmt"

// flow is nothing in the small program.
type flow struct{}

func (s *Session) flows(op string, _ []byte, _ Attachment) (Reply, error) {
	return Reply{}, fmt.Errorf("the small program does not run models: %q needs the whole one", op)
}
