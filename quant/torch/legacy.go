package torch

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// How the forms of PyTorch's files begin: since 1.6, before it, and any pickle.
const (
	zipMagic    = "PK\x03\x04"
	legacyMagic = "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
	tarMagic    = "ustar" // at byte 257
)

const again = `open it once with PyTorch and save it again: torch.save(torch.load(path, weights_only=True), path, _use_new_zipfile_serialization=True)`

// checkForm refuses what is no zip archive, by name.
func checkForm(r io.ReaderAt, size int64) error {
	b := make([]byte, min(size, 512))
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return fmt.Errorf("reading the first %d bytes: %w", len(b), err)
	}
	if strings.HasPrefix(string(b), zipMagic) {
		return nil
	}
	if what := Form(b); what != "" {
		return fmt.Errorf("the file is %s", what)
	}
	return errors.New("the file is no zip archive, which PyTorch checkpoints are since PyTorch 1.6")
}

// Form names a file that begins with b as an older form of checkpoint or as
// another pickle, with what to do; "" where it is neither.
func Form(b []byte) string {
	s := string(b)
	switch {
	case strings.HasPrefix(s, legacyMagic):
		return "a checkpoint in the form that PyTorch wrote before 1.6, which is not read; " + again
	case len(s) > 262 && s[257:262] == tarMagic && (strings.HasPrefix(s, "sys_info") || strings.HasPrefix(s, "storages") || strings.HasPrefix(s, "tensors") || strings.HasPrefix(s, "pickle") || strings.HasPrefix(s, "./")):
		return "a checkpoint in the tar form of the first PyTorch versions, or another tar archive, which is not read; " + again
	case len(s) > 262 && s[257:262] == tarMagic:
		return "a tar archive, which is not read; unpack it and open one of its files"
	case len(s) > 1 && s[0] == 0x80 && s[1] >= 2 && s[1] <= 5:
		return "a Python pickle, which Fewbits never runs; save its tensors with torch.save(tensors, path) or numpy.save(path, array)"
	}
	return ""
}
