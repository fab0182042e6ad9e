// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"tracer/internal/kernel"
)

// TestFunctionsAreThoseOfFtrace: what the code of functions is taken to say is what ftrace's
// own list says, for each function that takes an skb.
func TestFunctionsAreThoseOfFtrace(t *testing.T) {
	listed := listOfFtrace(t)
	facts, err := kernel.Gather(t.Context(), kernel.Options{AllModules: true})
	if err != nil {
		t.Fatal(err)
	}
	type function struct{ name, module string }
	found := map[function]int{}
	for _, f := range facts.Functions {
		found[function{f.Name, f.Module}]++
	}
	if len(found) < 500 {
		t.Errorf("%d functions", len(found))
	}
	for f, n := range found {
		if listed[f.name+" "+f.module] < n {
			t.Errorf("ftrace does not list %v", f)
		}
	}
	const why = "ftrace does not list it"
	refused := 0
	for _, s := range facts.Skipped {
		if !strings.HasPrefix(s.Reason, why) {
			continue
		}
		refused++
		if listed[s.Name+" "+s.Module] > 0 {
			t.Errorf("ftrace lists %s %s, which is left out: %s", s.Name, s.Module, s.Reason)
		}
	}
	if refused == 0 && facts.Reasons != nil { // BTF of 5.10 has none that ftrace does not
		t.Errorf("nothing was left out because %s", why)
	}
	t.Logf("%d functions, %d that can't be traced", len(facts.Functions), refused)
}

// listOfFtrace has how often each name of a module is in its list, by "NAME MODULE".
func listOfFtrace(t *testing.T) map[string]int {
	t.Helper()
	b, err := os.ReadFile("/sys/kernel/tracing/available_filter_functions")
	if err != nil {
		t.Skipf("no kprobes here, or not to be seen: %v", err)
	}
	listed := map[string]int{}
	for line := range strings.Lines(string(b)) {
		name, module, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		listed[name+" "+strings.Trim(module, "[]")]++
	}
	return listed
}

// tellsOfTables says that the kernel may be read, and tells where its tables of symbols are.
func tellsOfTables() bool {
	f, err := os.Open("/proc/kcore")
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, _ := io.ReadFull(f, head)
	return bytes.Contains(head[:n], []byte("SYMBOL(kallsyms_names)="))
}

// TestSymbolsAreThoseThatArePrinted: what is unpacked from the kernel's tables is what it
// prints, symbol by symbol.
func TestSymbolsAreThoseThatArePrinted(t *testing.T) {
	facts, err := kernel.Gather(t.Context(), kernel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	printed, err := kernel.ReadSymbols()
	if err != nil {
		t.Skip(err)
	}
	told := tellsOfTables()
	if facts.Symbols.Partial != told {
		t.Errorf("unpacked: %v, the kernel tells where its tables are: %v", facts.Symbols.Partial, told)
	}
	if onOwnMachine() && told != (facts.Reasons != nil) { // it does from 6.0 on, and our kernels with reasons are newer
		t.Errorf("the kernel tells where its tables are: %v", told)
	}
	text, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "\t") {
			continue // of a module
		}
		addr, err := strconv.ParseUint(strings.Fields(line)[0], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		compared++
		name, _, offset, ok := facts.Symbols.Lookup(addr)
		wantName, _, wantOffset, wantOK := printed.Lookup(addr)
		if name != wantName || offset != wantOffset || ok != wantOK {
			t.Fatalf("%#x is %s+%#x (%v), the kernel prints %s+%#x (%v)", addr, name, offset, ok, wantName, wantOffset, wantOK)
		}
	}
	t.Logf("%d symbols, unpacked: %v", compared, facts.Symbols.Partial)
}
