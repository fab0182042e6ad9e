// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// startLimited starts tracer with JSON output in a control group with a memory limit of size MiB.
func startLimited(t *testing.T, size int, args ...string) (*process, *ktest.Cgroup) {
	t.Helper()
	group := ktest.NewCgroup(t, fmt.Sprintf("memory%d", size))
	group.LimitMemory(t, size<<20)
	return command{args: append([]string{"--output-json"}, args...), group: group}.start(t), group
}

// TestTooLittleMemory checks that tracer ends with an error, and is not killed by the kernel.
func TestTooLittleMemory(t *testing.T) {
	for _, size := range []int{16, 64} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			p, group := startLimited(t, size, "icmp")
			p.ends(startLimit, 1)
			if want := fmt.Sprintf("the memory limit of the control group is %d MiB", size); !strings.Contains(p.stderr(), want) {
				t.Errorf("said %s, want %s", p.stderr(), want)
			}
			if n := group.OOMKills(t); n != "0" {
				t.Errorf("the kernel killed %s processes", n)
			}
		})
	}
}

// TestMinimumMemory checks that each backend can trace all functions with the minimum memory in the hint of the
// error.
func TestMinimumMemory(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			n := ktest.NewNetns(t, "a")
			listen(t, n)
			p, group := startLimited(t, 128, "--backend", backend, "--filter-netns", n.Path, "udp and dst port 7777")
			p.awaitReady()
			do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(20) })
			tr := p.stop()
			if tr.summary.Packets != 20 {
				t.Errorf("%d packets, want 20", tr.summary.Packets)
			}
			if n := group.OOMKills(t); n != "0" {
				t.Errorf("the kernel killed %s processes", n)
			}
		})
	}
}
