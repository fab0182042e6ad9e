// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	ChildMain()
	os.Exit(m.Run())
}

func TestChild(t *testing.T) {
	n, group := NewNetns(t, "a"), NewCgroup(t, "ktest")
	c := StartChild(t, n, "a-child-by-name")
	c.Join(group.NewChild(t, "inner"))
	is(t, c, "comm", "a-child-by-name\n")
	is(t, c, "cgroup", "/inner\n")
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", c.PID))
	if want := fmt.Sprintf("net:[%d]", n.Inode); link != want {
		t.Errorf("in %s, want %s: %v", link, want, err)
	}
}

// is checks that a file of the child in /proc contains want.
func is(t *testing.T, c *Child, file, want string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(c.PID), file))
	if err != nil || !strings.Contains(string(got), want) {
		t.Errorf("%s is %q, %v, want %q", file, got, err, want)
	}
}

func TestChildrenTalk(t *testing.T) {
	n := NewNetns(t, "a")
	client, server := StartChild(t, n, "client"), StartChild(t, n, "server")
	for _, network := range []string{"tcp", "udp"} {
		there := server.Listen(network, "127.0.0.1:5002")
		here := client.Dial(network, "127.0.0.1:5001", there.Local)
		if here.Local != "127.0.0.1:5001" {
			t.Errorf("%s from %s", network, here.Local)
		}
		here.Send("hello")
		if network == "tcp" {
			there = there.Accept()
		}
		there.Receive("hello")
		here.Close()
	}
}

func TestCgroupIsRemoved(t *testing.T) {
	var g *Cgroup
	t.Run("create", func(t *testing.T) { g = NewCgroup(t, "ktest") })
	if g == nil {
		t.Skip("needs root and cgroup v2")
	}
	if _, err := os.Stat(g.Path); !os.IsNotExist(err) {
		t.Errorf("%s still exists: %v", g.Path, err)
	}
}
