package main

import (
	"fmt"
	"io"
	"strings"

	"fewbits/quant"
	"fewbits/quant/npy"
)

func dequantizeCommand(c *call) error {
	path, err := c.one()
	if err != nil {
		return err
	}
	out, err := c.need("o")
	if err != nil {
		return err
	}
	if !strings.HasSuffix(strings.ToLower(out), ".npy") {
		return usagef("OUT ends in .npy, and %q does not", out)
	}
	if len(c.options) > 0 {
		return usagef("dequantize takes no options")
	}
	in, err := c.open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	i, err := in.choose(c.flags["tensor"])
	if err != nil {
		return err
	}
	if err := in.readable(i); err != nil {
		return named(path, err)
	}
	info := in.Tensors()[i]
	bar := c.progress()
	bar.expect(int64(info.Len()))
	defer bar.clear()
	err = create(c.ctx, out, func(w io.Writer) error {
		if err := npy.WriteHeader(w, info.Shape); err != nil {
			return err
		}
		done := int64(0)
		return in.eachRows(c.ctx, i, 0, func(t quant.Tensor) error {
			bar.show(info.Name, done)
			done += int64(t.Len())
			return writeFloats(w, t.Data)
		})
	})
	if err != nil {
		return named(path, err)
	}
	bar.clear()
	if c.json {
		return c.printJSON(map[string]any{
			"in": path, "out": out, "tensor": info.Name, "shape": append([]int{}, info.Shape...), "type": info.Type, "values": info.Len(),
		})
	}
	_, err = fmt.Fprintf(c.out, "%s: %s, %s, from %s to float32\n", clean(out), clean(info.Name), shapeText(info.Shape), info.Type)
	return err
}
