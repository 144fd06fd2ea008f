package session

import (
	"bytes"
	"fmt"
	"strings"

	"fewbits/quant"
	"fewbits/quant/decision"
	"fewbits/quant/npy"
	"fewbits/wasm/wire"
)

// maxJSON is how many values are written as JSON: about 100 MB of text.
const maxJSON = 1 << 22

func (s *Session) export(a wire.ExportArgs) (Reply, error) {
	r := &s.last
	if r.packed == nil || r.part != nil {
		return Reply{}, fmt.Errorf("there is no exact result to download yet; wait for it")
	}
	stem := fileName(r.tensor.Name) + "-" + strings.ToLower(r.packed.Format)
	var b bytes.Buffer
	var out wire.Export
	var err error
	switch a.As {
	case "bin":
		if r.stored && s.shelved != nil {
			return Reply{}, fmt.Errorf("%s keeps tensor %q as several tensors of its file, and there are no packed bytes beside them; save codes, scales and zero points", s.shelved.name, r.tensor.Name)
		}
		out = wire.Export{Name: stem + ".bin", Type: "application/octet-stream"}
		b.Write(r.packed.Bytes)
	case "json":
		if r.tensor.Len() > maxJSON {
			return Reply{}, fmt.Errorf("tensor %q holds %d values; up to %d are written as JSON here. The fewbits command writes more", r.tensor.Name, r.tensor.Len(), maxJSON)
		}
		out = wire.Export{Name: stem + ".json", Type: "application/json"}
		err = decision.Write(&b, r.format, r.packed)
	case "npy":
		out = wire.Export{Name: stem + ".npy", Type: "application/octet-stream"}
		var rec []float32
		if rec, err = s.reconstructed(); err == nil {
			err = npy.Write(&b, quant.Tensor{Name: r.tensor.Name, Shape: r.tensor.Shape, Data: rec})
		}
	case "original":
		if s.stored != nil {
			return Reply{}, fmt.Errorf("what tensor %q was before it became %s is not in the file", r.tensor.Name, s.stored.Format)
		}
		if s.shelved != nil {
			return Reply{}, fmt.Errorf("what tensor %q was before it became %s is not in the file", r.tensor.Name, s.shelved.name)
		}
		out = wire.Export{Name: fileName(r.tensor.Name) + ".npy", Type: "application/octet-stream"}
		err = npy.Write(&b, r.tensor)
	default:
		ending, more, err := s.exportMore(a.As)
		if err != nil {
			return Reply{}, err
		}
		return Reply{JSON: wire.Export{Name: stem + ending, Type: "application/octet-stream"}, Arrays: map[string]any{"bytes": more}}, nil
	}
	if err != nil {
		return Reply{}, err
	}
	return Reply{JSON: out, Arrays: map[string]any{"bytes": b.Bytes()}}, nil
}

// fileName keeps what every system takes in a file's name.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, s)
	if s = strings.Trim(s, "."); s == "" {
		return "tensor"
	}
	return s
}

// quantize is one call of the module API; it leaves the session as it was.
func quantize(a wire.QuantizeArgs, values []float32) (Reply, error) {
	f, o, err := lookup(a.Format, a.Options)
	if err != nil {
		return Reply{}, err
	}
	if len(a.Importance) > 0 {
		o.Importance = a.Importance
	}
	t, err := tensorFrom("values", a.Shape, values)
	if err != nil {
		return Reply{}, err
	}
	rec := make([]float32, t.Len())
	p, _, err := run(f, o, t, rec)
	if err != nil {
		return Reply{}, err
	}
	m, err := f.Params(p, false)
	if err != nil {
		return Reply{}, err
	}
	c := compare(t.Data, rec, p)
	return Reply{
		JSON: wire.Quantized{Metrics: c.Report, NonFinite: c.nonFinite, Rows: m.Rows, Groups: m.Groups},
		Arrays: map[string]any{"bytes": p.Bytes, "reconstructed": rec,
			"scales": orEmpty(m.Scales), "zeros": orEmpty(m.Zeros), "mins": orEmpty(m.Mins)},
	}, nil
}

func orEmpty(x []float32) []float32 {
	if x == nil {
		return []float32{}
	}
	return x
}
