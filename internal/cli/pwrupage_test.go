// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pwruPage = "../../docs/pwru.md"

// ofPwru are all flags of pwru 1.0.12.
var ofPwru = strings.Fields(`all-kmods backend debug filter-func filter-ifname filter-kprobe-batch filter-mark filter-netns
	filter-non-skb-funcs filter-skb-expr filter-trace-tc filter-trace-xdp filter-track-bpf-helpers filter-track-skb
	filter-track-skb-by-stackid filter-tunnel-pcap-l2 filter-tunnel-pcap-l3 filter-xdp-expr help kernel-btf kmods
	netns-names-max-length output-bpfmap output-caller output-file output-file-compress output-file-max-age
	output-file-max-backups output-file-max-size output-json output-limit-lines output-meta output-netns-names output-skb
	output-skb-cb output-skb-metadata output-skb-shared-info output-stack output-tcp-flags output-tunnel output-tuple
	output-xdp-metadata ready-file set-percpu-buf timestamp version`)

func TestEveryFlagOfPwruIsListed(t *testing.T) {
	var listed []string
	for _, row := range tableRows(t, "## Flags") {
		listed = append(listed, strings.TrimPrefix(strings.Trim(row[0], "`"), "--"))
	}
	slices.Sort(listed)
	if diff := cmp.Diff(ofPwru, listed); diff != "" {
		t.Errorf("flags in the table of %s (-want +got):\n%s", pwruPage, diff)
	}
}

// TestOlderFlagsOfPwruAreListed checks that the page names each older flag that tracer answers.
func TestOlderFlagsOfPwruAreListed(t *testing.T) {
	var page string
	for _, row := range tableRows(t, "## Flags of older versions") {
		page += row[0] + "\n"
	}
	for i := range foreigners {
		for _, name := range foreigners[i].names {
			if foreigners[i].program == "pwru" && !strings.Contains(page, "`"+name) {
				t.Errorf("%s: no %s among the older flags", pwruPage, name)
			}
		}
	}
}

// tableRows returns the cells of the table below a heading of the page, without the header.
func tableRows(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	_, section, found := strings.Cut(read(t, pwruPage), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", pwruPage, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "|") {
			rows = append(rows, cellsOf(line))
		}
	}
	if len(rows) < 3 {
		t.Fatalf("%s has no table below %q", pwruPage, heading)
	}
	return rows[2:]
}

func cellsOf(line string) (cells []string) {
	const bar = "\x00"
	line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, bar)
	for _, text := range strings.Split(line, "|") {
		cells = append(cells, strings.TrimSpace(strings.ReplaceAll(text, bar, "|")))
	}
	return cells
}

// TestFlagsForPwruExist checks that each flag of pwru has an answer, and that the flags in it exist.
func TestFlagsForPwruExist(t *testing.T) {
	there := names(traceFlags())
	for _, row := range tableRows(t, "## Flags") {
		if row[1] == "" {
			t.Errorf("%s: no answer for %s", pwruPage, row[0])
		}
		for _, name := range regexp.MustCompile("`--([a-z0-9-]+)").FindAllStringSubmatch(row[1]+row[2], -1) {
			if !slices.Contains(there, name[1]) {
				t.Errorf("%s: --%s, for %s, is not a flag of tracer", pwruPage, name[1], row[0])
			}
		}
	}
}

// TestTestsOfFaultsExist checks that each fault has tests, and that they exist.
func TestTestsOfFaultsExist(t *testing.T) {
	there := testsOf(t, "../..")
	for _, row := range tableRows(t, "## Faults") {
		named := regexp.MustCompile("`(Test[A-Za-z0-9]+)[^`]*`").FindAllStringSubmatch(row[2], -1)
		if len(named) == 0 {
			t.Errorf("%s: no test of %q", pwruPage, row[0])
		}
		for _, name := range named {
			if !slices.Contains(there, name[1]) {
				t.Errorf("%s: %s, for %q, does not exist", pwruPage, name[1], row[0])
			}
		}
	}
}

// testsOf returns the names of all test functions below a folder.
func testsOf(t *testing.T, folder string) (found []string) {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(t \*testing\.T\)`)
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, match := range declared.FindAllStringSubmatch(read(t, path), -1) {
			found = append(found, match[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
