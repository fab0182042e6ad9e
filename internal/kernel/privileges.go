// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// capability is a right that tracing needs. Whoever has instead has it too.
type capability struct {
	name     string
	number   uint
	instead  uint
	required bool
}

// needed: CAP_SYS_ADMIN stands in for the two that were split off it in 5.8, not
// for CAP_SYSLOG. Without CAP_SYSLOG only tracepoints can be traced.
var needed = []capability{
	{"CAP_BPF", unix.CAP_BPF, unix.CAP_SYS_ADMIN, true},
	{"CAP_PERFMON", unix.CAP_PERFMON, unix.CAP_SYS_ADMIN, true},
	{"CAP_SYSLOG", unix.CAP_SYSLOG, unix.CAP_SYSLOG, false},
}

// Missing are the capabilities that this process lacks for tracing, by name.
func Missing() ([]string, error) {
	set, err := effective()
	if err != nil {
		return nil, err
	}
	return names(set.lacks(false)), nil
}

// CheckPrivileges returns an error when this process may not trace at all.
func CheckPrivileges() error {
	set, err := effective()
	if err != nil {
		return err
	}
	if lacks := set.lacks(true); len(lacks) > 0 {
		return &hinted{
			msg:  "not permitted: lacking " + strings.Join(names(lacks), " and "),
			hint: "run as root, or with the capabilities " + strings.Join(names(needed), ", "),
		}
	}
	return nil
}

// capabilities is a set as in /proc/PID/status.
type capabilities uint64

func (c capabilities) has(number uint) bool { return c>>number&1 == 1 }

// lacks are the needed capabilities that are not in c.
func (c capabilities) lacks(onlyRequired bool) []capability {
	var out []capability
	for _, n := range needed {
		if (n.required || !onlyRequired) && !c.has(n.number) && !c.has(n.instead) {
			out = append(out, n)
		}
	}
	return out
}

func names(list []capability) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.name
	}
	return out
}

const statusPath = "/proc/self/status"

func effective() (capabilities, error) {
	f, err := os.Open(statusPath)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return parseEffective(f)
}

// parseEffective finds the line `CapEff:<tab>HEX`.
func parseEffective(r io.Reader) (capabilities, error) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		if v, ok := strings.CutPrefix(s.Text(), "CapEff:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			return capabilities(n), err
		}
	}
	if err := s.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("%s has no line %q", statusPath, "CapEff")
}
