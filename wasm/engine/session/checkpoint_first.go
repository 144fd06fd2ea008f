//go:build first

package session

import "fmt"

// checkpointing is nothing in the small program.
type checkpointing struct{}

func (s *Session) checkpoints(op string, _ []byte, _ Attachment) (Reply, error) {
	return Reply{}, fmt.Errorf("the small program writes no checkpoints: %q needs the whole one", op)
}
