// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// program writes a shell script to use as nft.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nft")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBadNft checks that this package prints rules if nft hangs, fails, or prints no rules.
func TestBadNft(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-badnft")
	load(t, n, policies)
	key := keyOf(t, n, "netpol", "web")
	for name, nft := range map[string]string{
		"leaves a child": program(t, "sleep 40 & wait"),
		"hangs":          program(t, "exec sleep 60"),
		"fails":          program(t, "echo oops; exit 1"),
		"says little":    program(t, "exit 0"),
		"is not there":   filepath.Join(t.TempDir(), "nft"),
	} {
		h := New(Options{Nft: nft, Timeout: time.Second})
		start := time.Now()
		text, ok := h.Rule(n.Inode, key)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("nft %s: an answer after %v", name, took)
		}
		if !ok || text.Text != `tcp dport 80 ip saddr 1.2.3.4 drop comment "web"` {
			t.Errorf("nft %s: %v, %+v", name, ok, text)
		}
		h.Close()
	}
}

// TestTooManyRules checks that a table is not read if it is too large.
func TestTooManyRules(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-many")
	load(t, n, policies)
	key := keyOf(t, n, "netpol", "web")
	old := rulesMost
	defer func() { rulesMost = old }()
	for rulesMost = range 12 {
		if text, ok := newHost(t, "none").Rule(n.Inode, key); ok {
			t.Errorf("at most %d: %+v", rulesMost, text)
		}
	}
	rulesMost = 13
	if _, ok := newHost(t, "none").Rule(n.Inode, key); !ok {
		t.Error("no answer about a table with 13 rules")
	}
}

// TestTimeout checks that a question ends at its deadline.
func TestTimeout(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-timeout")
	load(t, n, policies)
	key := keyOf(t, n, "netpol", "web")
	h := New(Options{Nft: "none", Timeout: time.Nanosecond})
	defer h.Close()
	if text, ok := h.Rule(n.Inode, key); ok {
		t.Errorf("an answer about a rule: %+v", text)
	}
	if answer, ok := h.Listeners(n.Inode, TCP, 80); ok {
		t.Errorf("an answer about a port: %+v", answer)
	}
}
