// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// littleMemory starts the tracer in a control group with so many MiB.
func littleMemory(t *testing.T, size int, args ...string) (*process, *ktest.Cgroup) {
	t.Helper()
	group := ktest.NewCgroup(t, fmt.Sprintf("memory%d", size))
	group.LimitMemory(t, size<<20)
	return command{args: append([]string{"--output-json"}, args...), group: group}.start(t), group
}

// TestTooLittleMemory wants an error, and not a process that the kernel kills.
func TestTooLittleMemory(t *testing.T) {
	for _, size := range []int{16, 64} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			p, group := littleMemory(t, size, "icmp")
			p.ends(startLimit, 1)
			if want := fmt.Sprintf("the memory limit of the control group is %d MiB", size); !strings.Contains(p.stderr(), want) {
				t.Errorf("said %s, want %s", p.stderr(), want)
			}
			if n := group.Killed(t); n != "0" {
				t.Errorf("the kernel killed %s processes", n)
			}
		})
	}
}

// TestLeastMemory traces with as little as the error's hint says, with each backend and with as
// many functions as there are.
func TestLeastMemory(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			n := ktest.NewNetns(t, "a")
			listen(t, n)
			p, group := littleMemory(t, 128, "--backend", backend, "--filter-netns", n.Path, "udp and dst port 7777")
			p.awaitReady()
			do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(20) })
			tr := p.stop()
			if tr.summary.Packets != 20 {
				t.Errorf("%d packets, want 20", tr.summary.Packets)
			}
			if n := group.Killed(t); n != "0" {
				t.Errorf("the kernel killed %s processes", n)
			}
		})
	}
}
