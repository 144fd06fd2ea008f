package main

import (
	"io"
	"path/filepath"

	"fewbits/quant/calibrate"
	"fewbits/quant/imatrix"
)

// collectImatrix lets a model read a text and collects its importance matrix,
// as llama-imatrix does.
func (c *call) collectImatrix(path, out, ext string) error {
	if out == "" {
		return usagef("-o is missing")
	}
	if err := checkOutput(out); err != nil {
		return err
	}
	m, done, err := openModel(path)
	if err != nil {
		return err
	}
	defer done()
	text := c.flags["text"]
	chunks, err := c.chunks(m, text, 0)
	if err != nil {
		return err
	}
	bar := c.progress()
	defer bar.clear()
	w, err := calibrate.Importance(c.ctx, m, chunks, c.bools["process-output"], func(done, total int) {
		bar.expect(int64(total))
		bar.show("tokens", int64(done))
	})
	if err != nil {
		return named(path, err)
	}
	w.Datasets = []string{text}
	return c.writeMatrix(path, out, ext, w)
}

// writeMatrix writes a matrix and says what it holds; without out it only says.
func (c *call) writeMatrix(path, out, ext string, m *imatrix.Matrix) error {
	if out != "" {
		write := m.Write
		if ext == ".dat" {
			write = m.WriteLegacy
			c.noteLost(m)
		}
		if err := create(c.ctx, filepath.Clean(out), func(w io.Writer) error { return write(w) }); err != nil {
			return named(path, err)
		}
	}
	info := describeMatrix(path, out, m)
	if c.json {
		return c.printJSON(info)
	}
	info.print(c.out)
	return nil
}
