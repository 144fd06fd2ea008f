//go:build linux && amd64

package libllama

import (
	"encoding/gob"
	"fmt"
	"os"
	"runtime"

	"github.com/ebitengine/purego"
)

// Serve carries out jobs and never returns, where this process was started by
// Run. Else it does nothing.
func Serve() {
	lib := os.Getenv(serving)
	if lib == "" {
		return
	}
	if err := serve(lib); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(lib string) error {
	runtime.LockOSThread()
	var jobs []Job
	if err := gob.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		return err
	}
	h, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return err
	}
	q, err := newQuantizer(h)
	if err != nil {
		return err
	}
	run, err := newRunner(h, lib)
	if err != nil {
		return err
	}
	vocabulary, err := newWords(h)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		var err error
		switch {
		case len(j.Tokens) > 0:
			err = run.eval(j)
		case len(j.Texts) > 0:
			err = run.read(vocabulary, j)
		default:
			q.run(j) // why it fails, it writes itself
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, failed+err.Error())
		}
		fmt.Fprint(os.Stderr, marker)
	}
	return nil
}
