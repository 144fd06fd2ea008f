package checkpoint

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"fewbits/quant"
)

// describe writes config.json.
func (x *exporter) describe(config object) error {
	var skipped []string
	for _, s := range x.steps {
		if s.why != "" {
			skipped = append(skipped, strings.TrimSuffix(s.info.Name, ".weight"))
		}
	}
	says := x.target.Layout.Config(x.target.Scheme, skipped)
	config.drop("quantization_config", "compression_config", "quantization")
	types := map[string]string{"F16": "float16", "BF16": "bfloat16", "F32": "float32"}
	key := "torch_dtype"
	if config.get(key) == nil && config.get("dtype") != nil {
		key = "dtype"
	}
	config.set(key, types[x.target.Scheme.Type])
	for _, f := range says {
		config.set(f.key, f.value)
	}
	if err := x.write(configName, append(appendJSON(nil, config, ""), '\n')); err != nil {
		return err
	}
	if !x.target.files {
		return nil
	}
	return x.write(gptqName, append(appendJSON(nil, says.get("quantization_config"), ""), '\n'))
}

// carries says whether a file beside the weights goes along as it is.
func carries(name string) bool {
	switch base := path.Base(name); {
	case base == configName || base == gptqName || base == "quant_config.json" || strings.HasSuffix(base, ".index.json"):
		return false
	default:
		return slices.Contains([]string{".json", ".model", ".txt", ".jinja", ".tiktoken"}, path.Ext(base)) || base == "LICENSE"
	}
}

// carried are the files that lie beside config.json and go along.
func (x *exporter) carried() (list []quant.File) {
	folder := path.Dir(find(x.in.Files, configName).Name)
	for _, f := range x.in.Files {
		if path.Dir(f.Name) == folder && carries(f.Name) {
			list = append(list, f)
		}
	}
	return list
}

// carry copies them.
func (x *exporter) carry(ctx context.Context) error {
	for _, f := range x.carried() {
		if err := ctx.Err(); err != nil {
			return err
		}
		out, err := x.o.Create(path.Base(f.Name))
		if err != nil {
			return err
		}
		_, err = io.Copy(io.NewOffsetWriter(out, 0), io.NewSectionReader(f.R, 0, f.Size))
		if cerr := out.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", path.Base(f.Name), err)
		}
		x.result.Files = append(x.result.Files, path.Base(f.Name))
	}
	return nil
}

// write writes a small file.
func (x *exporter) write(name string, b []byte) error {
	f, err := x.o.Create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	x.result.Files = append(x.result.Files, name)
	return err
}
