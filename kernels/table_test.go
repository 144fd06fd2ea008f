package kernels

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestTable holds the table against the exported functions in the source.
func TestTable(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Skip("no source here")
	}
	exported := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.IsExported() {
				exported[d.Name.Name] = true
			}
		}
	}
	delete(exported, "Table")
	delete(exported, "Active")
	for _, e := range Table() {
		if !exported[e.Name] {
			t.Errorf("%s is listed twice, or is no function", e.Name)
		}
		delete(exported, e.Name)
		want := Active()
		if e.Name == "MatMulF32" || e.Name == "MatMulF32Strided" {
			want = matMulImpl
		}
		if Relaxed && strings.HasSuffix(e.Name, "Relaxed") {
			want = "relaxed simd"
		}
		if e.Impl != want || e.Doc == "" {
			t.Errorf("%+v", e)
		}
	}
	for name := range exported {
		t.Errorf("%s is not listed", name)
	}
}
