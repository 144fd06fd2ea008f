package edge

import (
	"encoding/json"
	"net/http"
	"strings"

	"fewbits/quant/formats"
	"fewbits/wasm/edge/policy"
)

const typeJSON = "application/json"

// api answers what lies under /api/.
type api struct {
	maxBody int64         // bytes
	turns   chan struct{} // holds one element for each tensor being quantized
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	set(w, policy.ForAPI())
	switch strings.TrimPrefix(r.URL.Path, policy.API) {
	case "formats":
		if a.allow(w, r, http.MethodGet, http.MethodHead) {
			sendJSON(w, r, http.StatusOK, formats.Infos())
		}
	case "quantize":
		if a.allow(w, r, http.MethodPost) {
			a.quantize(w, r)
		}
	default:
		sendError(w, r, refuse(http.StatusNotFound, "there is no %s; there are GET %sformats and POST %[2]squantize", r.URL.Path, policy.API))
	}
}

// allow answers preflight requests and refuses other methods; what it is true
// for remains to be answered.
func (a *api) allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	methods = append(methods, http.MethodOptions)
	if notAllowed(w, r, methods...) {
		sendError(w, r, refuse(http.StatusMethodNotAllowed, "%s does not take %s: use %s", r.URL.Path, r.Method, methods[0]))
		return false
	}
	if r.Method != http.MethodOptions {
		return true
	}
	h := w.Header()
	h.Set("Allow", strings.Join(methods, ", "))
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	h.Set("Access-Control-Allow-Headers", "Accept, Content-Type")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return false
}

func sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		body = []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", typeJSON)
	answer(w, r, status, append(body, '\n'))
}
