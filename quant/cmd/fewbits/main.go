package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"fewbits/quant"
	runs "fewbits/quant/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// usageError is wrong usage: exit status 2.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, a ...any) error { return usageError{fmt.Sprintf(format, a...)} }

// command is one word after fewbits.
type command struct {
	name  string
	usage string
	help  string
	flags []string // that take a value; one that ends in … may be given again
	bools []string // that take none
	run   func(c *call) error
}

// again ends the names of flags that may be given more than once.
const again = "…"

// The flags of quantize, which rerun gives it too.
var (
	quantizeFlags = []string{"to", "o", "report", "imatrix", "calib", "ctx", "chunks", "store", "tensor", "output-tensor-type", "token-embedding-type", "tensor-type…", "tensor-type-file", "as", "shard"}
	quantizeBools = []string{"pure", "leave-output-tensor", "parallel", "plain"}
)

// commands in the order that they are listed.
var commands = []command{
	{"formats", "", "list every format", nil, nil, formatsCommand},
	{"recipes", "", "list every recipe: the mixtures of types that llama-quantize makes of a model", nil, nil, recipesCommand},
	{"inspect", "FILE", "what a file holds: metadata, tensors", nil, nil, inspectCommand},
	{"quantize", "IN -to FORMAT|RECIPE -o OUT [-imatrix FILE] [-calib X.npy|TEXT] [-tensor NAME] [option=value …]",
		"OUT ends in .bin (packed bytes), .json (codes, scales, zero points), .npz (those as arrays, with reconstruction and error), .npy (values), .gguf or .safetensors (whole files). Methods that calibrate (gptq, awq, hqq, smoothquant, llm.int8) take a model's layers to .gguf by a text: -calib TEXT [-ctx N] [-chunks N] [-store f16|f32] [-parallel] [-plain]. -as gptq|gptq_v2|awq|bitsandbytes|compressed-tensors|hqq|mlx writes a folder that those projects load, OUT, in files of up to -shard 5GB, and prints how. -report FILE.json writes down all that the run depends on; rerun does it again",
		quantizeFlags, quantizeBools, quantizeCommand},
	{"rerun", "REPORT.json [IN] [-imatrix FILE] [-calib X.npy] [-o OUT]",
		"does what a report says, of the page or of quantize -report, and says whether the input and the bytes are the same. IN is the file that the report was made from, where it lies neither beside it nor here",
		[]string{"imatrix", "calib", "o"}, nil, rerunCommand},
	{"dequantize", "IN -o OUT.npy [-tensor NAME]", "the values of one tensor as float32", []string{"o", "tensor"}, nil, dequantizeCommand},
	{"imatrix", "IN [-o OUT] | MODEL.gguf -text FILE -o OUT [-ctx N] [-chunks N] [-process-output]",
		"what an importance matrix holds; OUT ends in .gguf or .dat (the old form): the same matrix in that form. With -text the model reads, and its importance matrix is collected",
		[]string{"o", "text", "ctx", "chunks"}, []string{"process-output"}, imatrixCommand},
	{"measure", "IN -to FORMAT[,FORMAT …] [-tensor NAME] [-imatrix FILE] [-calib X.npy] [option=value …]",
		"what each format costs and loses, by tensor and in all", []string{"to", "tensor", "imatrix", "calib"}, nil, measureCommand},
	{"budget", "MODEL.gguf -size 3.2MB|-bpw N [-text FILE] [-imatrix FILE] [-types TYPE,TYPE …] [-ctx N] [-chunks N] [-o OUT]",
		"the mix of types that loses least at a size, beside Q4_K_M and Q5_K_M; -text counts the loss by what the model predicts in the first half of a text, and measures it on the second. OUT ends in .gguf (the model) or .txt (a line for each pattern, for -tensor-type-file)",
		[]string{"size", "bpw", "text", "imatrix", "types", "ctx", "chunks", "o"}, nil, budgetCommand},
	{"eval", "MODEL.gguf -text FILE [-against REF.gguf] [-ctx N] [-chunks N] [-weights FORMAT] [-activations int8|int4] [option=value …]",
		"perplexity of a model on a text, as llama-perplexity counts it; and how far it strays from another: KL divergence, the same most likely token. -weights rounds the weights of the layers first, -activations what goes into them: -granularity token|tensor|channel [-asymmetric], with scales found for each product (-dynamic) or beforehand (-calib TEXT -range minmax|average|percentile|entropy|mse)",
		[]string{"text", "against", "ctx", "chunks", "weights", "activations", "granularity", "range", "calib"}, []string{"dynamic", "asymmetric"}, evalCommand},
}

// call is one run of a command.
type call struct {
	ctx     context.Context
	files   []string
	flags   map[string]string
	lists   map[string][]string // of the flags that may be given again
	bools   map[string]bool
	options [][2]string // option=value, in order
	json    bool
	help    bool

	kept       *runs.Report // of rerun: what -report would write goes there
	matrixName string       // of rerun: what the importance matrix was called, where the file that is made says so

	out io.Writer
	err io.Writer
}

// run is the command without its process: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return 2
	}
	if isHelp(args[0]) || args[0] == "help" {
		usage(stdout)
		return 0
	}
	cmd := lookup(args[0])
	if cmd == nil {
		fmt.Fprintf(stderr, "fewbits: there is no command %q\n", args[0])
		usage(stderr)
		return 2
	}
	c, err := parse(cmd, args[1:])
	if err == nil && c.help {
		cmd.print(stdout)
		return 0
	}
	if err == nil {
		c.ctx, c.out, c.err = ctx, stdout, stderr
		err = cmd.run(c)
	}
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "fewbits %s: %s\nusage: fewbits %s %s\n", cmd.name, clean(err.Error()), cmd.name, cmd.usage)
		return 2
	case ctx.Err() != nil:
		err = errors.New("stopped; nothing was written")
	}
	fmt.Fprintf(stderr, "fewbits %s: %s\n", cmd.name, clean(err.Error()))
	return 1
}

func lookup(name string) *command {
	for i := range commands {
		if commands[i].name == name {
			return &commands[i]
		}
	}
	return nil
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage:")
	for _, cmd := range commands {
		fmt.Fprintf(w, "  fewbits %s\n      %s\n", strings.TrimSpace(cmd.name+" "+cmd.usage), cmd.help)
	}
	fmt.Fprintln(w, "\nIN and FILE may be the folder of a model, its index (.index.json) or one of its parts (-00001-of-00003): all files of it are read.")
	fmt.Fprintln(w, "-json prints for machines. fewbits quantize -h lists the options.")
}

// print writes the help of one command.
func (cmd *command) print(w io.Writer) {
	fmt.Fprintf(w, "usage: fewbits %s\n  %s\n", strings.TrimSpace(cmd.name+" "+cmd.usage), cmd.help)
	if !strings.Contains(cmd.usage, "option=value") {
		return
	}
	if cmd.name == "quantize" {
		printRecipeHelp(w)
	}
	fmt.Fprintln(w, "\noptions (fewbits formats says which format takes which):")
	t := table{}
	for _, name := range quant.OptionNames() {
		t.row("  "+name+"=", quant.OptionHelp(name))
	}
	t.print(w)
}

// parse reads flags, files and option=value in any order. After -- all are files.
func parse(cmd *command, args []string) (*call, error) {
	c := &call{flags: map[string]string{}, lists: map[string][]string{}, bools: map[string]bool{}}
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			c.files = append(c.files, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(a, "-") || a == "-" {
			if err := c.operand(a); err != nil {
				return nil, err
			}
			continue
		}
		name, value, inline := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-"), "=")
		switch {
		case isHelp(a):
			c.help = true
			continue
		case name == "json" && !inline:
			c.json = true
			continue
		case has(cmd.bools, name) && !inline:
			c.bools[name] = true
			continue
		case !has(cmd.flags, name) && !has(cmd.flags, name+again):
			return nil, usagef("there is no flag -%s", name)
		}
		if !inline {
			if i++; i == len(args) {
				return nil, usagef("-%s needs a value", name)
			}
			value = args[i]
		}
		if has(cmd.flags, name+again) {
			c.lists[name] = append(c.lists[name], value)
			continue
		}
		if _, twice := c.flags[name]; twice {
			return nil, usagef("-%s is given twice", name)
		}
		c.flags[name] = value
	}
	return c, nil
}

// operand takes an argument that is no flag: option=value, or a file.
func (c *call) operand(a string) error {
	k, v, ok := strings.Cut(a, "=")
	if !ok || strings.ContainsAny(k, `/\.`) {
		c.files = append(c.files, a)
		return nil
	}
	if quant.OptionHelp(strings.ToLower(k)) == "" {
		if _, err := os.Stat(a); err == nil {
			c.files = append(c.files, a)
			return nil
		}
		return usagef("option %q is not known; there are %s", k, strings.Join(quant.OptionNames(), ", "))
	}
	for _, o := range c.options {
		if strings.EqualFold(o[0], k) {
			return usagef("option %s is given twice", k)
		}
	}
	c.options = append(c.options, [2]string{strings.ToLower(k), v})
	return nil
}

func has(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// one is the single file of a command.
func (c *call) one() (string, error) {
	switch len(c.files) {
	case 1:
		return c.files[0], nil
	case 0:
		return "", usagef("a file is missing")
	}
	return "", usagef("one file is wanted, and there are %d: %s", len(c.files), strings.Join(c.files, " "))
}

// need is the value of a flag that may not be left out.
func (c *call) need(flag string) (string, error) {
	if v := c.flags[flag]; v != "" {
		return v, nil
	}
	return "", usagef("-%s is missing", flag)
}

// note tells the person something that is no fault.
func (c *call) note(format string, a ...any) {
	fmt.Fprintf(c.err, "note: %s\n", clean(fmt.Sprintf(format, a...)))
}
