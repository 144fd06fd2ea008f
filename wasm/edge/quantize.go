package edge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/metric"
	"fewbits/quant/npy"
)

// report is what /api/quantize answers to Accept: application/json.
type report struct {
	Shape   []int             `json:"shape"`
	Options map[string]string `json:"options"` // as used, those not at their default
	metric.Report
	NonFinite int `json:"nonFinite,omitempty"` // values left out of the report: NaN or infinite before or after
}

func (a *api) quantize(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	f, o, err := parse(r.URL.RawQuery)
	if err != nil {
		sendError(w, r, err)
		return
	}
	t, err := a.read(w, r)
	if err != nil {
		sendError(w, r, err)
		return
	}
	asJSON := wantsJSON(r.Header)
	p, rep, err := a.pack(r.Context(), f, t, o, asJSON)
	if err != nil {
		sendError(w, r, err)
		return
	}
	if asJSON {
		sendJSON(w, r, http.StatusOK, rep)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": p.Format + ".bin"}))
	h.Set("X-Fewbits-Format", p.Format)
	h.Set("X-Fewbits-Shape", shapeText(p.Shape))
	h.Set("X-Fewbits-Bits-Per-Weight", strconv.FormatFloat(p.BitsPerWeight(), 'g', -1, 64))
	answer(w, r, http.StatusOK, p.Bytes)
}

// parse reads format=… and the options from a query.
func parse(query string) (quant.Format, quant.Options, error) {
	var o quant.Options
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, o, refuse(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	keys := slices.Sorted(maps.Keys(values))
	for _, key := range keys {
		if n := len(values[key]); n > 1 {
			return nil, o, refuse(http.StatusBadRequest, "%s is given %d times: give it once", key, n)
		}
	}
	name := values.Get("format")
	if name == "" {
		return nil, o, refuse(http.StatusBadRequest, "no format is given: add ?format=NAME with a name from /api/formats")
	}
	f, ok := formats.Lookup(name)
	if !ok {
		return nil, o, refuse(http.StatusNotFound, "format %q is not known; the nearest name is %s, and /api/formats lists all", name, formats.Nearest(name))
	}
	for _, key := range keys {
		if key == "format" {
			continue
		}
		if err := o.Set(key, values.Get(key)); err != nil {
			return nil, o, refuse(http.StatusBadRequest, "%v", err)
		}
	}
	return f, o, nil
}

// read takes the tensor out of a request's body.
func (a *api) read(w http.ResponseWriter, r *http.Request) (quant.Tensor, error) {
	if err := plain(r.Header); err != nil {
		return quant.Tensor{}, err
	}
	if r.ContentLength > a.maxBody {
		// Read on for a while: a client that still sends does not listen.
		_, _ = io.CopyN(io.Discard, r.Body, 4*a.maxBody)
		return quant.Tensor{}, a.tooLarge()
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, a.maxBody))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return quant.Tensor{}, a.tooLarge()
	case err != nil:
		return quant.Tensor{}, refuse(http.StatusBadRequest, "the body cannot be read to its end: %v", err)
	}
	return decode(body.Bytes())
}

func (a *api) tooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge,
		"the body is over the limit of %d bytes: send fewer rows, or use the page or the command, which have no such limit", a.maxBody)
}

// plain refuses bodies in which the npy file is wrapped up. A media type is
// not asked for: what counts is how the bytes begin.
func plain(h http.Header) error {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return refuse(http.StatusUnsupportedMediaType, "the body is encoded as %s: send the npy file as it is", e)
	}
	if strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "multipart/") {
		return refuse(http.StatusUnsupportedMediaType, "the body is a form: send the npy file itself (curl --data-binary @x.npy)")
	}
	return nil
}

// decode reads the one tensor of an npy file.
func decode(body []byte) (quant.Tensor, error) {
	var t quant.Tensor
	switch {
	case len(body) == 0:
		return t, refuse(http.StatusBadRequest, "the body is empty: send an npy file")
	case !bytes.HasPrefix(body, []byte(npy.Magic)):
		return t, refuse(http.StatusUnsupportedMediaType, "the body is not an npy file: numpy.save writes one")
	}
	// Open has held the shape against the size, so the shape bounds what
	// reading allocates: four bytes for each byte of the body at most.
	src, err := npy.Open(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return t, refuse(http.StatusBadRequest, "%v", err)
	}
	if info := src.Tensors()[0]; info.Len() == 0 {
		// Shape (10¹², 0) would be a long walk over rows of nothing.
		return t, refuse(http.StatusUnprocessableEntity, "the array of shape %v holds no values", info.Shape)
	}
	t, err = quant.ReadTensor(src, 0)
	if err != nil {
		return t, refuse(http.StatusBadRequest, "%v", err)
	}
	return t, nil
}

// pack waits for its turn and quantizes; where measured, it also says what was
// lost. Between the steps it looks whether the client is still there.
func (a *api) pack(ctx context.Context, f quant.Format, t quant.Tensor, o quant.Options, measured bool) (*quant.Packed, *report, error) {
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	case <-ctx.Done():
		return nil, nil, gone(ctx)
	}
	p, err := f.Quantize(t, o)
	if err != nil {
		return nil, nil, refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	if !measured {
		return p, nil, nil
	}
	if ctx.Err() != nil {
		return nil, nil, gone(ctx)
	}
	back := make([]float32, t.Len())
	if err := f.Dequantize(p, back); err != nil {
		return nil, nil, err
	}
	r := &report{Shape: p.Shape, Options: p.Options.Map()}
	var kept []float32
	r.Report, kept, _ = metric.MeasureFinite(t.Data, back, p)
	r.NonFinite = t.Len() - len(kept)
	return p, r, nil
}

func gone(ctx context.Context) error {
	return refuse(http.StatusServiceUnavailable, "the request was given up: %v", ctx.Err())
}

// shapeText writes a shape as "2,256".
func shapeText(shape []int) string {
	var parts []string
	for _, d := range shape {
		parts = append(parts, strconv.Itoa(d))
	}
	return strings.Join(parts, ",")
}
