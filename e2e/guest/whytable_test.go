// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/docs"
)

// kernelCauses is what docs/drops.md says about one kernel.
type kernelCauses struct {
	// hasKernel is set if the page has the kernel.
	hasKernel bool
	causes    map[string]causeRow
}

// causeRow is a cause on that kernel.
type causeRow struct {
	// calls is set if the cause needs the values of calls before the drop.
	calls bool
	// variables is set if it needs variables of the kernel.
	variables bool
	// lack is why the kernel cannot tell the cause, or "".
	lack string
}

const notImplemented = "not implemented"

var (
	kernelsOfTable = regexp.MustCompile(`kernels of the tests \(([^)]*)\)`)
	callsMark      = regexp.MustCompile(`\*calls(?: before (\d+\.\d+))?\*`)
	quotedID       = regexp.MustCompile("`([^`]+)`")
	exception      = regexp.MustCompile(`^\*\*([^*]+)\*\*: (.+)$`)
)

// kernelCausesOf parses the page for a kernel, by its series and architecture.
func kernelCausesOf(page, series, arch string) kernelCauses {
	t := kernelCauses{causes: map[string]causeRow{}}
	if m := kernelsOfTable.FindStringSubmatch(page); m != nil {
		t.hasKernel = slices.Contains(strings.Split(m[1], ", "), series)
	}
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "| `"):
			cells := strings.Split(strings.TrimSuffix(line, "|"), " | ")
			id := quotedID.FindStringSubmatch(cells[0])[1]
			t.causes[id] = causeRow{
				calls: needsCalls(cells[0], series), variables: strings.Contains(cells[0], "*variables*"), lack: lackOf(cells[len(cells)-1], series, arch),
			}
		case strings.HasPrefix(line, "- `"):
			t.causes[quotedID.FindStringSubmatch(line)[1]] = causeRow{lack: notImplemented}
		}
	}
	return t
}

// needsCalls reports whether the mark of a cause says that it needs the values of calls on kernels of a series.
func needsCalls(cell, series string) bool {
	m := callsMark.FindStringSubmatch(cell)
	return m != nil && (m[1] == "" || isOlder(series, m[1]))
}

// isOlder reports whether a series is older than another one.
func isOlder(series, other string) bool {
	var a, b [2]int
	fmt.Sscanf(series, "%d.%d", &a[0], &a[1])
	fmt.Sscanf(other, "%d.%d", &b[0], &b[1])
	return slices.Compare(a[:], b[:]) < 0
}

// lackOf returns what a cell of the column "Not on" says about a kernel.
func lackOf(cell, series, arch string) string {
	for _, line := range strings.Split(cell, "<br>") {
		m := exception.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		names := strings.Split(m[1], ", ")
		if slices.Contains(names, series) || slices.Contains(names, series+" "+arch) {
			return m[2]
		}
	}
	return ""
}

// kernelCausesHere is the page for this kernel.
var kernelCausesHere = sync.OnceValue(func() kernelCauses {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		panic(err)
	}
	return kernelCausesOf(docs.Drops, kernelSeries(unix.ByteSliceToString(name.Release[:])), runtime.GOARCH)
})

// kernelSeries returns the series of a release: 6.12 of 6.12.95+deb12-cloud-amd64.
func kernelSeries(release string) string { return regexp.MustCompile(`^\d+\.\d+`).FindString(release) }

// excuse returns why the cause of the scenario may be unknown here, or "". Scenarios can't excuse themselves: docs/drops.md
// does, except on kernels that it does not have.
func (s *scenario) excuse() string {
	table := kernelCausesHere()
	row := table.causes[s.cause]
	switch {
	case row.lack != "":
		return row.lack
	case row.calls && chosen() == tracepoint:
		return "the backend " + tracepoint + " keeps no values of calls"
	case row.variables && !hasSymbol("jiffies"):
		return "this kernel does not show the addresses of its variables"
	case !table.hasKernel && !s.needs.met():
		return "docs/drops.md does not have this kernel, which lacks what the scenario needs"
	}
	return ""
}

// TestCauseTable checks the parser of the page.
func TestCauseTable(t *testing.T) {
	page := "\"Not on\" has the kernels of the tests (5.10, 6.1, 6.12) that cannot tell it.\n\n| Cause | Where | Why | What to do | Not on |\n" +
		"| `a` | R at f | text<br>if `x \\|\\| y` | do | **5.10**: no drop reasons<br>**6.1 arm64, 6.12**: no reason R<br>A note: **5.10** is old. |\n" +
		"| `b` *calls* *variables* *special* (normal) | R | text | do |  |\n\nNot implemented:\n\n- `c` (text of `x`): no program reads it.\n- `d`: no program reads it.\n" +
		"| `e` *calls before 6.11* | R | text | do |  |\n"
	none, calls, notYet := causeRow{}, causeRow{calls: true, variables: true}, causeRow{lack: notImplemented}
	for _, test := range []struct {
		series, arch string
		hasKernel    bool
		a            causeRow
	}{
		{"5.10", "amd64", true, causeRow{lack: "no drop reasons"}},
		{"6.1", "amd64", true, none},
		{"6.1", "arm64", true, causeRow{lack: "no reason R"}},
		{"6.12", "amd64", true, causeRow{lack: "no reason R"}},
		{"6.18", "amd64", false, none},
	} {
		got := kernelCausesOf(page, test.series, test.arch)
		if got.hasKernel != test.hasKernel || len(got.causes) != 5 || got.causes["a"] != test.a || got.causes["b"] != calls || got.causes["c"] != notYet || got.causes["e"].calls != (test.series != "6.12" && test.series != "6.18") || got.causes["d"] != notYet {
			t.Errorf("%s %s: %+v", test.series, test.arch, got)
		}
	}
	if got := kernelSeries("7.3.4+deb13-cloud-amd64"); got != "7.3" {
		t.Errorf("series %q, want 7.3", got)
	}
	if got := kernelCausesOf(docs.Drops, "5.10", "arm64"); !got.hasKernel || len(got.causes) < 200 || got.causes["tcp-no-listener"].lack == "" || !got.causes["nft-rule"].calls {
		t.Errorf("docs/drops.md: %d causes, 5.10: %v, %+v, %+v", len(got.causes), got.hasKernel, got.causes["tcp-no-listener"], got.causes["nft-rule"])
	}
}
