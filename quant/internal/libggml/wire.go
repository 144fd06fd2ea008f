//go:build linux && amd64

package libggml

import (
	"encoding/binary"
	"fmt"
	"io"
)

// What a request asks for.
const (
	opQuantize = iota
	opDequantize
	opRowSize
	opTypeName
)

// request is followed by Values and Importance float32 and by Bytes bytes.
type request struct {
	Op, ID                    uint32
	Rows, Cols                int64
	Values, Importance, Bytes int64
}

// reply is followed by Bytes bytes: what was asked for, or what went wrong.
type reply struct {
	Failed uint64
	Bytes  int64
}

// maxReply bounds what is read from a child.
const maxReply = 1 << 32

func writeRequest(w io.Writer, r request, x, importance []float32, src []byte) error {
	r.Values, r.Importance, r.Bytes = int64(len(x)), int64(len(importance)), int64(len(src))
	for _, v := range []any{r, x, importance, src} {
		if err := binary.Write(w, binary.LittleEndian, v); err != nil {
			return err
		}
	}
	return nil
}

func readRequest(r io.Reader) (q request, x, importance []float32, src []byte, err error) {
	if err = binary.Read(r, binary.LittleEndian, &q); err != nil {
		return
	}
	x, src = make([]float32, q.Values), make([]byte, q.Bytes)
	if q.Importance > 0 {
		importance = make([]float32, q.Importance)
	}
	for _, v := range []any{x, importance, src} {
		if err = binary.Read(r, binary.LittleEndian, v); err != nil {
			return
		}
	}
	return
}

func writeReply(w io.Writer, data []byte, failed error) error {
	r := reply{Bytes: int64(len(data))}
	if failed != nil {
		data = []byte(failed.Error())
		r = reply{Failed: 1, Bytes: int64(len(data))}
	}
	if err := binary.Write(w, binary.LittleEndian, r); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

// readReply's second error is what the library said; its first, that there is no answer.
func readReply(r io.Reader) (data []byte, broken, failed error) {
	var p reply
	if err := binary.Read(r, binary.LittleEndian, &p); err != nil {
		return nil, err, nil
	}
	if p.Bytes < 0 || p.Bytes > maxReply {
		return nil, fmt.Errorf("an answer of %d bytes", p.Bytes), nil
	}
	data = make([]byte, p.Bytes)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err, nil
	}
	if p.Failed != 0 {
		return nil, nil, fmt.Errorf("%s", data)
	}
	return data, nil, nil
}
