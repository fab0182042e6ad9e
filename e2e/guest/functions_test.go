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

// TestTraceableFunctionsAgreeWithFtrace checks, for each function with an skb argument, that tracer considers its
// machine code traceable exactly if ftrace lists the function.
func TestTraceableFunctionsAgreeWithFtrace(t *testing.T) {
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
			t.Errorf("ftrace lists %s %s, which is skipped: %s", s.Name, s.Module, s.Reason)
		}
	}
	if refused == 0 && facts.Reasons != nil { // on 5.10 ftrace lists all functions in BTF
		t.Errorf("nothing was skipped because %s", why)
	}
	t.Logf("%d functions, %d that can't be traced", len(facts.Functions), refused)
}

// listOfFtrace returns how often ftrace lists each function, by "NAME MODULE".
func listOfFtrace(t *testing.T) map[string]int {
	t.Helper()
	b, err := os.ReadFile("/sys/kernel/tracing/available_filter_functions")
	if err != nil {
		t.Skipf("no list of ftrace functions: %v", err)
	}
	listed := map[string]int{}
	for line := range strings.Lines(string(b)) {
		name, module, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		listed[name+" "+strings.Trim(module, "[]")]++
	}
	return listed
}

// hasTables reports whether /proc/kcore is readable, and its vmcoreinfo note has the address of the symbol
// tables.
func hasTables() bool {
	f, err := os.Open("/proc/kcore")
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, _ := io.ReadFull(f, head)
	return bytes.Contains(head[:n], []byte("SYMBOL(kallsyms_names)="))
}

// TestSymbolsAgreeWithKallsyms compares each symbol decoded from the kernel's tables with /proc/kallsyms.
func TestSymbolsAgreeWithKallsyms(t *testing.T) {
	facts, err := kernel.Gather(t.Context(), kernel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	printed, err := kernel.ReadSymbols()
	if err != nil {
		t.Skip(err)
	}
	has := hasTables()
	if facts.Symbols.Partial != has {
		t.Errorf("decoded from the tables: %v, the kernel has their addresses in vmcoreinfo: %v", facts.Symbols.Partial, has)
	}
	if isDedicated() && has != (facts.Reasons != nil) { // it has them since 6.0, and our kernels with drop reasons are newer
		t.Errorf("the kernel has the addresses of the tables in vmcoreinfo: %v", has)
	}
	text, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "\t") {
			continue // a module's symbol
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
	t.Logf("%d symbols, decoded from the tables: %v", compared, facts.Symbols.Partial)
}
