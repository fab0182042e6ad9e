// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// command runs a program in a namespace, and returns its output.
func command(t *testing.T, n *ktest.Netns, stdin string, name string, args ...string) string {
	t.Helper()
	var output []byte
	err := n.Do(func() (err error) {
		cmd := exec.Command(name, args...)
		if stdin != "" {
			cmd.Stdin = strings.NewReader(stdin)
		}
		output, err = cmd.CombinedOutput()
		return err
	})
	if err != nil {
		t.Fatalf("%s %q: %v\n%s\n%s", name, args, err, output, stdin)
	}
	return string(output)
}

// load adds a ruleset in the language of nft.
func load(t *testing.T, n *ktest.Netns, ruleset string) {
	t.Helper()
	command(t, n, ruleset, needs(t, "nft"), "-f", "-")
}

// needs returns the path of a program.
func needs(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%v: install it (Debian: package nftables or iptables)", err)
	}
	return path
}

// newHost returns a Host that is closed at the end of the test. Its timeout allows for slow machines.
func newHost(t *testing.T, nft string) *Host {
	h := New(Options{Nft: nft, Timeout: 20 * time.Second})
	h.idle = time.Minute // some tests use files of a namespace without asking a question
	t.Cleanup(h.Close)
	return h
}

// tableOf reads a table and nft's texts of its rules.
func tableOf(t *testing.T, h *Host, n *ktest.Netns, key tableKey) (*namespace, *table) {
	t.Helper()
	ns, err := h.enter(n.Inode)
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.refresh(time.Time{}, h.deadline()); err != nil {
		t.Fatal(err)
	}
	table, err := h.readStable(ns, key, h.deadline())
	if err != nil || table == nil {
		t.Fatalf("table %v: %v", key, err)
	}
	return ns, table
}
