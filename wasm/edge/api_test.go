package edge

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/formats"
	"fewbits/quant/npy"
)

// npyFile writes version 1.0 of the format (numpy.lib.format): magic, version,
// header length, a Python dictionary padded to 64 bytes, the values.
func npyFile(descr, shape string, data []byte) []byte {
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	dict += strings.Repeat(" ", 63-(10+len(dict))%64) + "\n"
	b := append([]byte(npy.Magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(dict)))
	return append(append(b, dict...), data...)
}

func floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// q8 has one Q8_0 block whose largest value is 127: the scale is 1 and the
// codes are the values.
func q8() (file, packed []byte) {
	values := make([]float32, 32)
	packed = []byte{0x00, 0x3c} // 1 as a half
	for i := range values {
		values[i] = float32(7*i - 90)
		packed = append(packed, byte(7*i-90))
	}
	values[31] = 127
	packed[33] = 127
	return npyFile("<f4", "1, 32", floats(values...)), packed
}

func TestFormats(t *testing.T) {
	res := ask(t, Handler(Config{}), "GET", "/api/formats", nil)
	if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || ct != "application/json" {
		t.Fatalf("status %d, %s", res.StatusCode, ct)
	}
	var rows []map[string]any
	if err := json.Unmarshal([]byte(text(t, res)), &rows); err != nil {
		t.Fatal(err)
	}
	all := formats.All()
	if len(rows) != len(all) || len(rows) == 0 {
		t.Fatalf("%d rows for %d formats", len(rows), len(all))
	}
	keys := []string{"name", "family", "title", "summary", "bitsPerWeight", "blockSize", "blockBytes", "importance", "calibration", "options"}
	for i, row := range rows {
		for _, k := range keys {
			if v, ok := row[k]; !ok || v == nil {
				t.Errorf("row %d has no %s", i, k)
			}
		}
		if row["name"] != all[i].Info().Name {
			t.Errorf("row %d is %v, want %s", i, row["name"], all[i].Info().Name)
		}
	}
	i := slices.IndexFunc(rows, func(r map[string]any) bool { return r["name"] == "Q8_0" })
	if i < 0 {
		t.Fatal("no Q8_0")
	}
	if r := rows[i]; r["bitsPerWeight"] != 8.5 || r["blockSize"] != 32.0 || r["blockBytes"] != 34.0 || r["family"] != "ggml" {
		t.Errorf("Q8_0 is %v", r)
	}
}

func TestQuantize(t *testing.T) {
	file, packed := q8()
	h := Handler(Config{})
	for _, name := range []string{"Q8_0", "q8_0"} {
		t.Run(name, func(t *testing.T) {
			res := ask(t, h, "POST", "/api/quantize?format="+name, bytes.NewReader(file))
			body := text(t, res)
			if res.StatusCode != 200 {
				t.Fatalf("status %d: %s", res.StatusCode, body)
			}
			if body != string(packed) {
				t.Errorf("got  % x\nwant % x", body, packed)
			}
			for key, want := range map[string]string{
				"Content-Type":              "application/octet-stream",
				"Content-Length":            "34",
				"Content-Disposition":       "attachment; filename=Q8_0.bin",
				"X-Fewbits-Format":          "Q8_0",
				"X-Fewbits-Shape":           "1,32",
				"X-Fewbits-Bits-Per-Weight": "8.5",
				"Vary":                      "Accept",
			} {
				if got := res.Header.Get(key); got != want {
					t.Errorf("%s: %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestReport(t *testing.T) {
	h := Handler(Config{})
	exact, _ := q8()
	t.Run("no error", func(t *testing.T) {
		got := reportOf(t, h, "Q8_0", exact)
		for key, want := range map[string]any{
			"format": "Q8_0", "bytes": 34.0, "values": 32.0, "bitsPerWeight": 8.5,
			"mse": 0.0, "rmse": 0.0, "maxAbs": 0.0, "sqnr": nil,
		} {
			if v, ok := got[key]; !ok || v != want {
				t.Errorf("%s: %v, want %v", key, v, want)
			}
		}
		if s := fmt.Sprint(got["shape"]); s != "[1 32]" {
			t.Errorf("shape %s", s)
		}
	})
	t.Run("half a step off", func(t *testing.T) {
		values := make([]float32, 32)
		values[0], values[1] = 127, 0.25 // scale 1: the code of 0.25 is 0
		got := reportOf(t, h, "Q8_0", npyFile("<f4", "32,", floats(values...)))
		if got["maxAbs"] != 0.25 || got["mse"] != 0.0625/32 {
			t.Errorf("maxAbs %v, mse %v", got["maxAbs"], got["mse"])
		}
	})
}

// TestReportOfNonFinite: a float format keeps NaN and infinity, which JSON cannot say.
func TestReportOfNonFinite(t *testing.T) {
	values := []float32{1, float32(math.NaN()), float32(math.Inf(-1)), 1e6, 0.1}
	got := reportOf(t, Handler(Config{}), "FP16", npyFile("<f4", "1, 5", floats(values...)))
	// 1e6 is past 65504 and becomes infinite; 0.1 is the half 0x2e66 = 0.0999755859375.
	if d := float64(float32(0.1)) - 0.0999755859375; got["nonFinite"] != 3.0 || got["values"] != 5.0 || got["bytes"] != 10.0 || got["maxAbs"] != float64(float32(d)) {
		t.Errorf("got %v", got)
	}
}

func reportOf(t *testing.T, h http.Handler, format string, file []byte) map[string]any {
	t.Helper()
	res := ask(t, h, "POST", "/api/quantize?format="+format, bytes.NewReader(file), "Accept", "application/json")
	body := text(t, res)
	if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || ct != "application/json" {
		t.Fatalf("status %d, %s: %s", res.StatusCode, ct, body)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAccept(t *testing.T) {
	for _, tt := range []struct {
		accept string
		json   bool
	}{
		{"", false},
		{"*/*", false},
		{"application/*", false},
		{"application/json", true},
		{"Application/JSON; charset=utf-8", true},
		{"application/json, */*", true},
		{"application/json;q=0.5, application/octet-stream", false},
		{"application/json, application/octet-stream;q=0.5", true},
		{"application/json;q=0", false},
	} {
		t.Run(tt.accept, func(t *testing.T) {
			if got := wantsJSON(http.Header{"Accept": {tt.accept}}); got != tt.json {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	file, _ := q8()
	withNaN := make([]float32, 32)
	withNaN[5] = float32(math.NaN())
	const limit = 4096
	h := Handler(Config{MaxBody: limit})
	for _, tt := range []struct {
		name, query string
		body        []byte
		headers     []string
		status      int
		reason      string // part of it
	}{
		{"no format", "", file, nil, 400, "no format"},
		{"unknown format", "format=Q9_9", file, nil, 404, `"Q9_9"`},
		{"format twice", "format=Q8_0&format=INT8", file, nil, 400, "2 times"},
		{"unknown option", "format=INT8&colour=red", file, nil, 400, "colour"},
		{"bad option", "format=INT8&sym=perhaps", file, nil, 400, "sym=perhaps"},
		{"bad query", "format=%zz", file, nil, 400, "query"},
		{"empty", "format=Q8_0", nil, nil, 400, "empty"},
		{"not npy", "format=Q8_0", []byte("GGUF...."), nil, 415, "not an npy"},
		{"form", "format=Q8_0", file, []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "form"},
		{"encoded", "format=Q8_0", file, []string{"Content-Encoding", "gzip"}, 415, "gzip"},
		{"cut header", "format=Q8_0", file[:20], nil, 400, ""},
		{"cut data", "format=Q8_0", file[:len(file)-1], nil, 400, ""},
		{"huge shape", "format=Q8_0", npyFile("<f4", "1099511627776, 1099511627776", nil), nil, 400, ""},
		{"no values", "format=Q8_0", npyFile("<f4", "1099511627776, 0", nil), nil, 422, "no values"},
		{"not numbers", "format=Q8_0", npyFile("<U8", "2,", make([]byte, 64)), nil, 400, "<U8"},
		{"rows too short", "format=Q8_0", npyFile("<f4", "1, 31", floats(make([]float32, 31)...)), nil, 422, "31"},
		{"NaN", "format=Q8_0", npyFile("<f4", "1, 32", floats(withNaN...)), nil, 422, "column 5"},
		{"too large", "format=Q8_0", make([]byte, limit+1), nil, 413, "4096 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := ask(t, h, "POST", "/api/quantize?"+tt.query, bytes.NewReader(tt.body), tt.headers...)
			body := text(t, res)
			var got struct{ Error string }
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			if res.StatusCode != tt.status || got.Error == "" || !strings.Contains(got.Error, tt.reason) {
				t.Errorf("status %d, %q; want %d and %q", res.StatusCode, got.Error, tt.status, tt.reason)
			}
		})
	}
}

// A body without Content-Length is stopped at the limit; one right at it passes.
func TestLimit(t *testing.T) {
	file, packed := q8()
	server := httptest.NewServer(Handler(Config{MaxBody: int64(len(file))}))
	defer server.Close()
	for _, tt := range []struct {
		name   string
		body   io.Reader
		status int
	}{
		{"at the limit", bytes.NewReader(file), 200},
		{"at the limit, length unknown", io.MultiReader(bytes.NewReader(file)), 200},
		{"one over", bytes.NewReader(append(file, 0)), 413},
		{"one over, length unknown", io.MultiReader(bytes.NewReader(append(file, 0))), 413},
		{"far over", bytes.NewReader(make([]byte, 1<<20)), 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := http.Post(server.URL+"/api/quantize?format=Q8_0", "application/octet-stream", tt.body)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body := text(t, res)
			if res.StatusCode != tt.status {
				t.Fatalf("status %d, want %d: %s", res.StatusCode, tt.status, body)
			}
			if tt.status == 200 && body != string(packed) {
				t.Errorf("other bytes: % x", body)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	res := ask(t, Handler(Config{}), "OPTIONS", "/api/quantize?format=Q8_0", nil,
		"Origin", "https://elsewhere.test", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if res.StatusCode != 204 {
		t.Errorf("status %d, want 204", res.StatusCode)
	}
	for key, want := range map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "POST, OPTIONS",
		"Access-Control-Allow-Headers": "Accept, Content-Type",
	} {
		if got := res.Header.Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// A client that has gone does not get its turn, and takes nobody else's.
func TestGone(t *testing.T) {
	file, _ := q8()
	h := Handler(Config{}).(*handler)
	for range cap(h.api.turns) {
		h.api.turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/quantize?format=Q8_0", bytes.NewReader(file))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 503 {
		t.Errorf("status %d, want 503", w.Code)
	}
	if n := len(h.api.turns); n != cap(h.api.turns) {
		t.Errorf("%d turns taken, want %d", n, cap(h.api.turns))
	}
}
