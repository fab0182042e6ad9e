// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"tracer/internal/explain"
	"tracer/internal/ktest"
)

func TestPrefixes(t *testing.T) {
	for path, want := range map[string]string{
		"":                         "",
		"/proc/812/ns/net":         "nsenter -t 812 -n ",
		"/run/netns/lab":           "ip netns exec lab ",
		"/run/netns/a b":           "ip netns exec 'a b' ",
		"/run/docker/netns/1f2e":   "nsenter --net=/run/docker/netns/1f2e ",
		"/var/run/docker/netns/$x": "nsenter --net='/var/run/docker/netns/$x' ",
	} {
		if got := prefixOf(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestPrefixEntersTheNamespace checks that a command with the prefix runs in the namespace of the question, and that there is no
// prefix for our own, and none for a namespace that does not exist.
func TestPrefixEntersTheNamespace(t *testing.T) {
	n, a := ktest.NewNetns(t, "prefix"), newAnswers()
	defer a.host.Close()
	prefix, ok := a.Resolve(explain.Question{Key: string(explain.InNetns), Netns: n.Inode})
	if !ok || prefix == "" {
		t.Fatalf("prefix %q, %v", prefix, ok)
	}
	out, err := exec.Command("sh", "-c", prefix+"readlink /proc/self/ns/net").CombinedOutput()
	if want := fmt.Sprintf("net:[%d]", n.Inode); err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%s: %s, %v, want %s", prefix, out, err, want)
	}
	var own uint32
	link, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(link, "net:[%d]", &own); err != nil {
		t.Fatal(err)
	}
	if prefix, ok := a.Resolve(explain.Question{Key: string(explain.InNetns), Netns: own}); !ok || prefix != "" {
		t.Errorf("our own namespace: %q, %v", prefix, ok)
	}
	for _, netns := range []uint32{0, 1} {
		if prefix, ok := a.Resolve(explain.Question{Key: string(explain.InNetns), Netns: netns}); ok {
			t.Errorf("namespace %d: %q", netns, prefix)
		}
	}
}
