// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestLackingCapabilities(t *testing.T) {
	const rest = " CAP_SYS_RAWIO CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_SYS_RESOURCE"
	for _, tc := range []struct {
		set           CapabilitySet
		all, required string
	}{
		{0, "CAP_BPF CAP_PERFMON CAP_SYSLOG CAP_SYS_ADMIN" + rest, "CAP_BPF CAP_PERFMON"},
		{SetOf(unix.CAP_BPF), "CAP_PERFMON CAP_SYSLOG CAP_SYS_ADMIN" + rest, "CAP_PERFMON"},
		{SetOf(unix.CAP_BPF, unix.CAP_PERFMON), "CAP_SYSLOG CAP_SYS_ADMIN" + rest, ""},
		{SetOf(unix.CAP_SYS_ADMIN), "CAP_SYSLOG" + rest, ""},
		{SetOf(unix.CAP_SYS_ADMIN, unix.CAP_SYSLOG), strings.TrimSpace(rest), ""},
		{^CapabilitySet(0), "", ""},
	} {
		if got := strings.Join(names(tc.set.Lacking()), " "); got != tc.all {
			t.Errorf("%x lacks %q, want %q", tc.set, got, tc.all)
		}
		if got := strings.Join(names(tc.set.lacksRequired()), " "); got != tc.required {
			t.Errorf("%x lacks required %q, want %q", tc.set, got, tc.required)
		}
	}
}

// TestOwnCapabilities compares the capabilities with those in procfs for the same thread.
func TestOwnCapabilities(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	effective, permitted, err := OwnCapabilities()
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{fmt.Sprintf("CapEff:\t%016x\n", effective), fmt.Sprintf("CapPrm:\t%016x\n", permitted)} {
		if !strings.Contains(string(status), line) {
			t.Errorf("procfs does not show %q", line)
		}
	}
}

func TestJoinHalves(t *testing.T) {
	if got := joinHalves(0x80000001, 0x1ff); got != 0x1ff80000001 {
		t.Errorf("%#x", got)
	}
}

var update = flag.Bool("update", false, "rewrite the table in docs/privileges.md")

const (
	privilegesPage = "../../docs/privileges.md"
	tableBegins    = "<!-- the table is made of internal/kernel/privileges.go -->\n"
)

// TestPrivilegesPage checks that the table of docs/privileges.md is generated from Capabilities.
func TestPrivilegesPage(t *testing.T) {
	b, err := os.ReadFile(privilegesPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(b), tableBegins)
	_, tail, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatalf("%s has no table after %q", privilegesPage, tableBegins)
	}
	want := head + tableBegins + capabilityTable() + "\n" + tail
	if *update {
		if err := os.WriteFile(privilegesPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("%s is stale, run go test ./internal/kernel -run TestPrivilegesPage -update (-want +got):\n%s", privilegesPage, diff)
	}
}

func capabilityTable() string {
	var b strings.Builder
	b.WriteString("| Capability | What for | Without it | Kept while tracing |\n| --- | --- | --- | --- |\n")
	for _, c := range Capabilities {
		name := "`" + c.Name + "`"
		if c.Required {
			name = "**" + name + "**"
		}
		kept := c.Kept
		if kept == "" {
			kept = "never"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, c.For, c.Without, kept)
	}
	return b.String()
}

func TestClausesOfCapabilities(t *testing.T) {
	for _, c := range Capabilities {
		for _, clause := range []string{c.For, c.Without, c.Kept} {
			if strings.ContainsAny(clause, "|\n") || strings.HasSuffix(clause, ".") {
				t.Errorf("%s: %q is no clause for a table", c.Name, clause)
			}
		}
		if c.For == "" || c.Without == "" {
			t.Errorf("%s does not say what it is for, or what happens without it", c.Name)
		}
	}
}
