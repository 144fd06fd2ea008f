// Command train trains the sample models of Fewbits on stories of its own (see
// package tales) and writes them as GGUF in F16:
//
//	train [-size large|small] [-seed N] [-steps N] [-rate R] [-sequences N] [-checkpoint FILE] -o OUT.gguf
//
// The fast way is WebAssembly under Node, where package kernels computes in
// SIMD128:
//
//	GOOS=js GOARCH=wasm go run -exec "$(go env GOROOT)/lib/wasm/go_js_wasm_exec" ./quant/cmd/train -o tale.gguf
//
// A step of the large model takes about 0.9 s there, and a thousand steps make a
// model that remembers what it told. A native build computes the same in some
// four times as long. With -checkpoint the training is saved there every hundred
// steps, and goes on from there where the file exists. The documentation of
// package train says which commands made the files in web/samples.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"fewbits/quant/train"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: train [-size large|small] [-seed N] [-steps N] [-rate R] [-sequences N] [-checkpoint FILE] -o OUT.gguf")

// job is what the arguments ask for.
type job struct {
	shape           train.Shape
	options         train.Options
	name, out, save string
}

func parse(args []string) (job, error) {
	var j job
	f := flag.NewFlagSet("train", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	size := f.String("size", "large", "")
	f.Uint64Var(&j.options.Seed, "seed", 1, "")
	f.IntVar(&j.options.Steps, "steps", 0, "")
	f.IntVar(&j.options.Sequences, "sequences", 0, "")
	f.Float64Var(&j.options.Rate, "rate", 0, "")
	f.StringVar(&j.save, "checkpoint", "", "")
	f.StringVar(&j.out, "o", "", "")
	if err := f.Parse(args); err != nil || f.NArg() > 0 || j.out == "" {
		return j, errUsage
	}
	switch *size {
	case "large":
		j.shape, j.name = train.Large, "Fewbits Tale"
	case "small":
		j.shape, j.name = train.Small, "Fewbits Tale Small"
	default:
		return j, errUsage
	}
	return j, nil
}

func run(args []string, log io.Writer) error {
	j, err := parse(args)
	if err != nil {
		return err
	}
	t, err := train.New(j.shape, j.options)
	if err != nil {
		return err
	}
	if err := restore(t, j.save); err != nil {
		return err
	}
	if err := steps(t, j, log); err != nil {
		return err
	}
	return write(j.out, func(w io.Writer) error {
		_, of := t.Done()
		return t.Model.WriteGGUF(w, t.Vocabulary, j.name, fmt.Sprintf(
			"A story teller of %d weights, trained on made-up children's stories by fewbits/quant/cmd/train (seed %d, %d steps). "+
				"It knows nothing else. For seeing what quantization does.", j.shape.Parameters(), j.options.Seed, of))
	})
}

const every = 100 // steps between reports, and between checkpoints

func steps(t *train.Trainer, j job, log io.Writer) error {
	began, sum, count := time.Now(), 0.0, 0
	for {
		done, of := t.Done()
		if count == every || done == of && count > 0 {
			held, err := t.Held()
			if err != nil {
				return err
			}
			fmt.Fprintf(log, "step %d of %d: loss %.4f, on other stories %.4f, %.2f s a step\n",
				done, of, sum/float64(count), held, time.Since(began).Seconds()/float64(count))
			if err := save(t, j.save); err != nil {
				return err
			}
			began, sum, count = time.Now(), 0, 0
		}
		if done == of {
			return nil
		}
		loss, err := t.Step()
		if err != nil {
			return err
		}
		sum += loss
		count++
	}
}

func restore(t *train.Trainer, path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return t.Restore(f)
}

func save(t *train.Trainer, path string) error {
	if path == "" {
		return nil
	}
	return write(path, t.Save)
}

// write writes a file beside its place and moves it there.
func write(path string, to func(io.Writer) error) error {
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	err = to(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(path + ".part")
		return err
	}
	return os.Rename(path+".part", path)
}
