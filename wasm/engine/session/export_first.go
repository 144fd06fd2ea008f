//go:build first

package session

import "fmt"

func (s *Session) exportMore(as string) (string, []byte, error) {
	return "", nil, fmt.Errorf("there is no download of kind %q", as)
}

func (s *Session) reports(op string, _ []byte, _ Attachment) (Reply, error) {
	return Reply{}, fmt.Errorf("the small program writes no reports: %q needs the whole one", op)
}
