// SPDX-License-Identifier: Apache-2.0

package tracer_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// ways are the constants of internal/kernel that name one backend, or one way to trace returns.
var ways = []string{"KprobeMulti", "Kprobe", "TracepointBackend", "KprobeSession", "KretprobeMulti", "Kretprobe"}

// TestNoCodeComparesBackends: what differs between backends is in their descriptions
// (internal/kernel/backend.go), so that a new one needs no change elsewhere.
func TestNoCodeComparesBackends(t *testing.T) {
	err := fs.WalkDir(os.DirFS("."), "internal", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		found, err := comparisons(name, nil)
		for _, complaint := range found {
			t.Error(complaint)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestComparisonsAreFound(t *testing.T) {
	for body, want := range map[string]int{
		"if b == kernel.Kprobe {}":                       1,
		"if kernel.KretprobeMulti != w {}":               1,
		"switch b { case x, kernel.TracepointBackend: }": 1,
		"if b == KprobeMulti {}":                         1,
		"b = kernel.Kprobe":                              0,
		"if b.Describe().Functions == true {}":           0,
		"if t == ebpf.Kprobe {}":                         0,
	} {
		found, err := comparisons("a.go", "package p\nfunc f() { "+body+" }")
		if err != nil || len(found) != want {
			t.Errorf("%s: %q, error %v", body, found, err)
		}
	}
}

// comparisons are the places in a Go file that compare something with a backend. The source is that
// of the file unless it is given.
func comparisons(name string, source any) (found []string, err error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		for _, operand := range compared(n) {
			if isWay(operand) {
				found = append(found, fmt.Sprintf("%s: compares a backend: read its description instead", files.Position(operand.Pos())))
			}
		}
		return true
	})
	return found, nil
}

// compared are the operands if the node compares something.
func compared(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			return []ast.Expr{n.X, n.Y}
		}
	case *ast.CaseClause:
		return n.List
	}
	return nil
}

// isWay reports whether an expression is one of [ways], inside of internal/kernel or outside.
func isWay(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return slices.Contains(ways, e.Name)
	case *ast.SelectorExpr:
		from, ok := e.X.(*ast.Ident)
		return ok && from.Name == "kernel" && slices.Contains(ways, e.Sel.Name)
	}
	return false
}
