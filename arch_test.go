// SPDX-License-Identifier: Apache-2.0

// Package tracer_test checks which package may import which.
package tracer_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "tracer"

// packages maps each of our packages to those that it may import, and does. Data flows from cli to sink, and no stage
// imports a later one. All packages under e2e are one row, and may import each other.
var packages = map[string][]string{
	"internal/caret":     {},
	"libpcap":            {"internal/caret", "internal/printable"},
	"internal/event":     {},
	"internal/printable": {},
	"internal/rdonly":    {},
	"internal/layout":    {},
	"internal/kernel":    {"internal/printable", "internal/rdonly"},
	"internal/bpf":       {"internal/kernel"},
	"internal/bpf/gen":   {},
	"internal/endian":    {},
	"internal/filter":    {"internal/endian", "internal/rdonly", "libpcap"},
	"internal/nearest":   {},
	"internal/expr":      {"internal/caret", "internal/endian", "internal/nearest", "internal/printable"},
	"internal/lookup":    {"internal/event"},
	"internal/explain":   {"internal/event", "internal/expr", "internal/lookup", "internal/printable"},
	"internal/plan":      {"internal/bpf", "internal/explain", "internal/expr", "internal/filter", "internal/kernel", "internal/lookup", "internal/nearest", "internal/printable", "internal/rdonly"},
	"internal/privilege": {"internal/kernel"},
	"internal/doctor":    {"internal/explain", "internal/kernel", "internal/plan", "internal/printable"},
	"internal/attach":    {"internal/bpf", "internal/kernel", "internal/plan"},
	"internal/stream":    {"internal/bpf", "internal/event"},
	"internal/outfile":   {"internal/printable"},
	"internal/stdout":    {},
	"internal/resolve":   {"internal/input", "internal/printable"},
	"internal/result":    {"internal/event", "internal/kernel"},
	"internal/input":     {"internal/printable"},
	"internal/journey":   {"internal/event"},
	"internal/source":    {"internal/event"},
	"internal/enrich":    {"internal/event", "internal/kernel", "internal/lookup", "internal/result"},
	"internal/column":    {"internal/event", "internal/printable"},
	"internal/value":     {"internal/endian", "internal/printable"},
	"internal/capture":   {"internal/event", "internal/journey", "internal/printable"},
	"internal/replay":    {"internal/capture", "internal/event", "internal/filter", "internal/journey", "internal/printable", "libpcap"},
	"internal/live":      stages,
	"internal/sink":      {"internal/capture", "internal/column", "internal/event", "internal/outfile", "internal/printable", "internal/stdout"},
	"internal/pipeline":  {"internal/event", "internal/journey", "internal/sink", "internal/source"},
	"internal/notice":    {"internal/attach", "internal/column", "internal/event", "internal/journey", "internal/kernel", "internal/plan", "internal/printable", "internal/privilege"},
	"internal/app":       {"internal/attach", "internal/bpf", "internal/capture", "internal/column", "internal/filter", "internal/journey", "internal/kernel", "internal/live", "internal/notice", "internal/outfile", "internal/pipeline", "internal/plan", "internal/printable", "internal/privilege", "internal/replay", "internal/sink", "internal/source", "internal/stdout"},
	"internal/complete":  {"internal/input", "internal/kernel"},
	"internal/roff":      {},
	"internal/cli":       {"internal/app", "internal/column", "internal/complete", "internal/doctor", "internal/explain", "internal/nearest", "internal/plan", "internal/printable", "internal/replay", "internal/roff", "internal/sink", "internal/stdout"},
	"cmd/tracer":         {"internal/cli"},
	"internal/ktest":     {"internal/kernel", "internal/rdonly"},
	"docs":               {},
	"e2e":                {"docs", "internal/explain", "internal/kernel", "internal/ktest"},
	"contrib":            {},
	".":                  {},
}

// inTests maps packages to those that only their tests may import, and do. Every test may also import internal/ktest.
var inTests = map[string][]string{
	"internal/app":     {"internal/enrich", "internal/event", "internal/journey", "internal/stream"},
	"internal/cli":     {"internal/capture", "internal/event"},
	"internal/explain": {"internal/layout"},
	"internal/notice":  {"internal/bpf", "internal/filter"},
}

// stages are the packages that internal/live connects.
var stages = []string{
	"internal/endian", "internal/event", "internal/kernel", "internal/bpf", "internal/filter", "internal/explain", "internal/expr", "internal/lookup", "internal/plan",
	"internal/attach", "internal/stream", "internal/value", "internal/enrich", "internal/input", "internal/journey", "internal/layout", "internal/printable", "internal/resolve", "internal/source",
}

// forTests is the package that every test may import, and no other file.
const forTests = "internal/ktest"

// foreign maps each third-party module to the packages that may import it. Tests may import all of them, so
// modules that only tests need have no package. The program has one netlink library, rtnetlink with mdlayher/netlink;
// nftables, on top of it, decodes the expressions of rules. vishvananda/netlink is for tests.
var foreign = map[string][]string{
	"github.com/KimMachineGun/automemlimit": {"internal/kernel"},
	"github.com/cilium/ebpf": {
		"e2e", "internal/attach", "internal/bpf", "internal/bpf/gen", "internal/endian", "internal/expr", "internal/filter", "internal/kernel", "internal/ktest", "internal/layout", "internal/live", "internal/notice",
		"internal/plan", "internal/rdonly", "internal/stream", "internal/value",
	},
	"github.com/cloudflare/cbpfc":        {},
	"github.com/creack/pty":              {},
	"github.com/fxamacker/cbor/v2":       {"internal/capture", "internal/event"},
	"github.com/gopacket/gopacket":       {},
	"github.com/google/go-cmp":           {},
	"github.com/google/nftables":         {"internal/ktest", "internal/layout", "internal/resolve"},
	"github.com/jsimonetti/rtnetlink/v2": {"internal/input", "internal/ktest", "internal/resolve"},
	"github.com/klauspost/compress":      {"internal/capture", "internal/sink"},
	"github.com/mattn/go-runewidth":      {"internal/column"},
	"github.com/mdlayher/netlink":        {"internal/input", "internal/ktest", "internal/layout", "internal/resolve"},
	"github.com/rogpeppe/go-internal":    {},
	"github.com/spf13/pflag":             {"internal/cli"},
	"github.com/vishvananda/netlink":     {"internal/ktest"},
	"golang.org/x/net":                   {"internal/filter", "internal/replay", "libpcap"},
	"golang.org/x/sync":                  {"internal/live"},
	"golang.org/x/sys": {
		"e2e", "internal/app", "internal/attach", "internal/doctor", "internal/enrich", "internal/explain", "internal/input", "internal/kernel", "internal/ktest", "internal/layout", "internal/live", "internal/lookup",
		"internal/notice", "internal/outfile", "internal/privilege", "internal/resolve", "internal/result", "internal/sink", "internal/stream",
	},
	"kernel.org/pub/linux/libs/security/libcap/psx": {"internal/privilege"},
	"mvdan.cc/sh/v3": {},
}

// cgo lists the only packages that may import "C".
var cgo = []string{"libpcap", "internal/stdout"}

// TestImportsFollowTheTable checks the imports of all files.
func TestImportsFollowTheTable(t *testing.T) {
	files, err := parseImports(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, complaint := range f.complaints() {
			t.Error(complaint)
		}
	}
}

// TestTableOfModulesIsNeeded checks that every module and package in the table is needed by an import.
func TestTableOfModulesIsNeeded(t *testing.T) {
	files, err := parseImports(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	importers := map[string][]string{} // of each module
	for _, f := range files {
		for _, imported := range f.imports {
			module, _ := moduleOf(imported)
			importers[module] = append(importers[module], f.importer())
		}
	}
	for module, allowed := range foreign {
		if len(importers[module]) == 0 {
			t.Errorf("no file imports %s", module)
		}
		for _, p := range allowed {
			if !slices.Contains(importers[module], p) {
				t.Errorf("%s does not import %s", p, module)
			}
		}
	}
}

// TestTableOfPackagesIsNeeded checks that every entry of both tables is needed by an import: of a file of the program,
// or of a test. The packages under e2e are for tests, so all of their files count.
func TestTableOfPackagesIsNeeded(t *testing.T) {
	files, err := parseImports(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	program, tests := map[string][]string{}, map[string][]string{} // the imports of each row
	for _, f := range files {
		from, imports := rowOf(path.Dir(f.path)), program
		if f.isTest() && from != "e2e" {
			imports = tests
		}
		for _, imported := range f.imports {
			imports[from] = append(imports[from], rowOf(strings.TrimPrefix(imported, module+"/")))
		}
	}
	checkNeeded(t, packages, program)
	checkNeeded(t, inTests, tests)
}

func checkNeeded(t *testing.T, table, imports map[string][]string) {
	t.Helper()
	for from, allowed := range table {
		for _, to := range allowed {
			if !slices.Contains(imports[from], to) {
				t.Errorf("%s does not import %s", from, to)
			}
		}
	}
}

func TestForbiddenImportsAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		file, imports string
		wrong         bool
	}{
		"an import in the table":       {"internal/plan/a.go", module + "/internal/filter", false},
		"an import of a later stage":   {"internal/filter/a.go", module + "/internal/plan", true},
		"a later stage in a test":      {"internal/filter/a_test.go", module + "/internal/plan", true},
		"in a file for another GOOS":   {"internal/event/a_windows.go", module + "/internal/kernel", true},
		"an import only for tests":     {"internal/notice/a.go", module + "/internal/filter", true},
		"the same in a test":           {"internal/notice/a_test.go", module + "/internal/filter", false},
		"a test imports its package":   {"internal/plan/a_test.go", module + "/internal/plan", false},
		"a test imports ktest":         {"internal/stream/a_test.go", module + "/internal/ktest", false},
		"the program imports ktest":    {"internal/stream/a.go", module + "/internal/ktest", true},
		"e2e imports e2e":              {"e2e/guest/a.go", module + "/e2e/vm", false},
		"the program imports e2e":      {"internal/app/a.go", module + "/e2e/vm", true},
		"a package not in the table":   {"internal/util/a.go", "fmt", true},
		"cgo in libpcap":               {"libpcap/a.go", "C", false},
		"cgo elsewhere":                {"internal/filter/a.go", "C", true},
		"a module in the table":        {"internal/stream/a.go", "golang.org/x/sys/unix", false},
		"a module of other packages":   {"internal/event/a.go", "golang.org/x/sys/unix", true},
		"a module of others in a test": {"internal/event/a_test.go", "golang.org/x/sys/unix", false},
		"a second netlink library":     {"internal/input/a.go", "github.com/vishvananda/netlink", true},
		"a module only for tests":      {"internal/plan/a.go", "github.com/google/go-cmp/cmp", true},
		"a module not in the table":    {"internal/kernel/a_test.go", "github.com/cilium/cilium/pkg/bpf", true},
		"a module named like another":  {"internal/kernel/a.go", "github.com/cilium/ebpfx", true},
		"the standard library":         {"internal/event/a.go", "encoding/binary", false},
		"a name that begins like ours": {"internal/event/a.go", module + "-tools/x", false},
	} {
		t.Run(name, func(t *testing.T) {
			source := fmt.Sprintf("//go:build never\n\npackage p\n\nimport %q\n", test.imports)
			files, err := parseImports(fstest.MapFS{test.file: {Data: []byte(source)}})
			if err != nil || len(files) != 1 {
				t.Fatalf("parsed %d files, error %v", len(files), err)
			}
			if got := files[0].complaints(); (len(got) > 0) != test.wrong {
				t.Errorf("%s imports %q: complaints %q", test.file, test.imports, got)
			}
		})
	}
}

// goFile is one source file: its path, and the import paths of the packages that it imports.
type goFile struct {
	path    string
	imports []string
}

// parseImports reads the imports of every Go file, regardless of its build tags.
func parseImports(tree fs.FS) ([]goFile, error) {
	var files []goFile
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && isIgnored(name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		f, err := parseFile(tree, name)
		files = append(files, f)
		return err
	})
	return files, err
}

// isIgnored reports whether the go command ignores the folder.
func isIgnored(folder string) bool {
	base := path.Base(folder)
	return base == "testdata" || base == "vendor" || (len(base) > 1 && strings.ContainsAny(base[:1], "._"))
}

func parseFile(tree fs.FS, name string) (goFile, error) {
	source, err := fs.ReadFile(tree, name)
	if err != nil {
		return goFile{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		return goFile{}, err
	}
	f := goFile{path: name}
	for _, line := range parsed.Imports {
		imported, err := strconv.Unquote(line.Path.Value)
		if err != nil {
			return goFile{}, err
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

// complaints returns the violations of the table by the file's imports, one clause each.
func (f goFile) complaints() []string {
	from := rowOf(path.Dir(f.path))
	allowed, known := packages[from]
	if !known {
		return []string{fmt.Sprintf("%s: package %q is not in the table", f.path, from)}
	}
	var wrong []string
	for _, imported := range f.imports {
		if !f.mayImport(from, allowed, imported) {
			wrong = append(wrong, fmt.Sprintf("%s: %q must not import %q", f.path, from, imported))
		}
	}
	return wrong
}

func (f goFile) mayImport(from string, allowed []string, imported string) bool {
	if imported == "C" {
		return slices.Contains(cgo, from)
	}
	to, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		return f.mayImportForeign(from, imported)
	}
	to = rowOf(to)
	if f.isTest() && (to == from || to == forTests) {
		return true
	}
	if f.isTest() && slices.Contains(inTests[from], to) {
		return true
	}
	return slices.Contains(allowed, to) || (from == "e2e" && to == "e2e")
}

// mayImportForeign reports whether a package may import one that is not ours. Packages of the standard library have no
// dot in the first element of the path.
func (f goFile) mayImportForeign(from, imported string) bool {
	host, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(host, ".") {
		return true
	}
	module, known := moduleOf(imported)
	return known && (f.isTest() || slices.Contains(foreign[module], from))
}

// moduleOf returns the module that contains this package, and whether the table of foreign modules has one.
func moduleOf(imported string) (string, bool) {
	for module := range foreign {
		if imported == module || strings.HasPrefix(imported, module+"/") {
			return module, true
		}
	}
	return "", false
}

// importer returns the package of a file, or `tests`.
func (f goFile) importer() string {
	if f.isTest() {
		return "tests"
	}
	return rowOf(path.Dir(f.path))
}

func (f goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// rowOf returns the row of the table that a folder belongs to.
func rowOf(folder string) string {
	if strings.HasPrefix(folder, "e2e/") {
		return "e2e"
	}
	return folder
}
