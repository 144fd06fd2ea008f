package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// section is a section of a module: its id, its length, what is in it.
func section(id byte, parts ...string) string {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return string(append([]byte{id, byte(len(b))}, b...))
}

func module(sections ...string) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range sections {
		b = append(b, s...)
	}
	return b
}

// named is a name section for functions 1 and 2; 0 is imported.
func named(first, second string) string {
	list := "\x02\x01" + string(rune(len(first))) + first + "\x02" + string(rune(len(second))) + second
	return section(0, "\x04name", section(1, list))
}

func TestRepair(t *testing.T) {
	const broken, repaired = "\xfd\x85\x01\x02", "\xfd\x85\x02\x01"
	imports := section(2, "\x02", "\x01a\x01f\x00\x00", "\x01a\x01m\x02\x00\x01")
	code := func(body string) string { return section(10, "\x02", "\x06\x00"+broken+"\x0b", "\x06\x00"+body+"\x0b") }
	b := module(imports, code(broken), named("plainAsm", "relaxedAsm"))
	want := module(imports, code(repaired), named("plainAsm", "relaxedAsm"))
	if err := repair(b); err != nil || !bytes.Equal(b, want) {
		t.Errorf("%v:\n%x, want\n%x", err, b, want)
	}
	whole := module(imports, code(broken), named("plainAsm", "relaxedAsm"))
	for n := range len(whole) {
		if err := repair(bytes.Clone(whole[:n])); err == nil && n < len(whole) {
			t.Errorf("%d bytes of %d were repaired", n, len(whole))
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "no module": []byte("wasm"), "no names": module(imports, code(broken)),
		"names of others":  module(imports, code(broken), named("plainAsm", "otherAsm")),
		"no such function": module(imports, named("plainAsm", "relaxedAsm")),
	} {
		if err := repair(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRewrite repairs a file, and takes the names out of it.
func TestRewrite(t *testing.T) {
	const broken, repaired = "\xfd\x85\x01\x02", "\xfd\x85\x02\x01"
	code := func(body string) string {
		return section(10, "\x02", "\x06\x00\x01\x01\x01\x01\x0b", "\x06\x00"+body+"\x0b")
	}
	producers := section(0, "\x09producers\x00")
	whole := module(section(2, "\x01", "\x01a\x01f\x00\x00"), code(broken), named("plainAsm", "relaxedAsm"), producers)
	for strip, want := range map[bool][]byte{
		false: module(section(2, "\x01", "\x01a\x01f\x00\x00"), code(repaired), named("plainAsm", "relaxedAsm"), producers),
		true:  module(section(2, "\x01", "\x01a\x01f\x00\x00"), code(repaired), producers),
	} {
		name := filepath.Join(t.TempDir(), "m.wasm")
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := rewrite(name, strip); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v, %v:\n%x, want\n%x", strip, err, got, want)
		}
	}
	if err := rewrite(filepath.Join(t.TempDir(), "none.wasm"), false); err == nil {
		t.Error("a file that is not there")
	}
}
