package edge

import (
	"errors"
	"fmt"
	"net/http"
)

// refusal is why a request is not answered, and with which status.
type refusal struct {
	status int
	reason string
}

func (e *refusal) Error() string { return e.reason }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// sendError answers {"error": "…"}.
func sendError(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*refusal](err); ok {
		status = e.status
	}
	sendJSON(w, r, status, struct {
		Error string `json:"error"`
	}{err.Error()})
}
