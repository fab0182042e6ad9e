// SPDX-License-Identifier: Apache-2.0

package tracer_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// quoteKernelNames are the packages that may quote with %q: their messages quote names of BPF programs, of types and of
// functions of the kernel, but nothing that the user typed. ktest and gen are not part of the program.
var quoteKernelNames = []string{"internal/attach", "internal/bpf", "internal/bpf/gen", "internal/filter", "internal/ktest", "internal/value"}

var goQuotes = regexp.MustCompile(`%[+#]?q|strconv\.(Append)?Quote`)

// TestMessagesQuoteWithPrintable checks that messages quote what the user typed with printable.Quote, which writes all
// control characters as \xNN.
func TestMessagesQuoteWithPrintable(t *testing.T) {
	files, err := parseImports(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		folder := path.Dir(f.path)
		if f.isTest() || !strings.HasPrefix(f.path, "internal/") && folder != "libpcap" || slices.Contains(quoteKernelNames, folder) {
			continue
		}
		source, err := fs.ReadFile(os.DirFS("."), f.path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(source), "\n") {
			code, _, _ := strings.Cut(line, "// ")
			if found := goQuotes.FindString(code); found != "" {
				t.Errorf("%s:%d: %s instead of printable.Quote", f.path, i+1, found)
			}
		}
	}
}
