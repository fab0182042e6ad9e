// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReplayEqualsLive records while a ping, a UDP packet to a closed port and a TCP connection are traced, as text and as
// JSON, with each backend: the recording prints the same, byte for byte.
func TestReplayEqualsLive(t *testing.T) {
	for _, backend := range backends() {
		for format, flags := range map[string][]string{
			"text": {"--output-stack", "--output-id", "--timestamp", "absolute", "--output-tcp-seq"},
			"JSON": {"--output-json", "--output-caller", "--output-skb-metadata", "skb->len,skb->dev->name", "--timestamp", "relative"},
		} {
			t.Run(backend+"/"+format, func(t *testing.T) { replays(t, backend, flags) })
		}
	}
}

func replays(t *testing.T, backend string, flags []string) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "t.pcapng")
	args := append([]string{"--backend", backend, "--write", path, "--output-why"}, flags...)
	if backend != tracepoint {
		args = append(args, "--filter-func", handful()+"|tp:kfree_skb")
	}
	p := command{args: append(args, "net 10.9.0.0/24")}.start(t)
	p.awaitReady()
	ping(t, w.a, b4, 0x3003)
	do(t, w.a, func() error { return udp(a4+":7001", b4+":7777").Send(3) })
	p.stopText()
	live := p.stdout()
	if rows := strings.Count(live, "\n"); rows < 6 {
		t.Fatalf("only %d rows:\n%s", rows, live)
	}
	if got := readRecording(t, append(flags, "--output-why", path)...); got != live {
		t.Errorf("the recording with the same flags prints\n%s\nlive\n%s", firstDifference(got, live), firstDifference(live, got))
	}
	if flags[0] != "--output-json" {
		if got := readRecording(t, path); got != live {
			t.Errorf("the recording without flags prints\n%s\nlive\n%s", firstDifference(got, live), firstDifference(live, got))
		}
	}
	filtered := readRecording(t, "--output-json", path, "udp", "port", "7777")
	if !strings.Contains(filtered, `"udp"`) || strings.Contains(filtered, `"icmp"`) {
		t.Errorf("the packet filter selects other packets than UDP:\n%s", filtered)
	}
}

// readRecording returns what tracer read prints.
func readRecording(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.Command(binary(t), append([]string{"read"}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("tracer read %q: %v\n%s", args, err, stderr.String())
	}
	return stdout.String()
}

// firstDifference returns the first lines of a that differ from those of b.
func firstDifference(a, b string) string {
	x, y := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	return strings.Join(x[i:min(i+3, len(x))], "")
}
