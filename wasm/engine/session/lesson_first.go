//go:build first

package session

import "fmt"

// teaching is nothing in the small program.
type teaching struct{}

func (s *Session) teach(op string, _ []byte, _ Attachment) (Reply, error) {
	return Reply{}, fmt.Errorf("the small program has no lessons: %q needs the whole one", op)
}
