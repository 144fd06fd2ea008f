package edge

import (
	"encoding/json"
	"net/http"
	"strings"

	"fewbits/quant"
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
			sendJSON(w, r, http.StatusOK, Rows(formats.All()))
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

// Row is one format as JSON writes it.
type Row struct {
	Name          string       `json:"name"`
	Family        quant.Family `json:"family"`
	Title         string       `json:"title"`
	Summary       string       `json:"summary"`
	BitsPerWeight float64      `json:"bitsPerWeight"` // with the default options
	BlockSize     int          `json:"blockSize"`     // weights; 0 is the whole tensor
	BlockBytes    int          `json:"blockBytes"`    // 0 where it depends on the tensor
	Importance    quant.Need   `json:"importance"`    // "", "optional" or "required"
	Calibration   quant.Need   `json:"calibration"`
	Options       []string     `json:"options"`
}

// Rows describes formats, in their order.
func Rows(all []quant.Format) []Row {
	rows := make([]Row, 0, len(all))
	for _, f := range all {
		i := f.Info()
		rows = append(rows, Row{
			Name: i.Name, Family: i.Family, Title: i.Title, Summary: i.Summary,
			BitsPerWeight: i.BitsPerWeight, BlockSize: i.BlockSize, BlockBytes: i.BlockBytes,
			Importance: i.Importance, Calibration: i.Calibration,
			Options: append([]string{}, i.Options...), // [] and not null
		})
	}
	return rows
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
