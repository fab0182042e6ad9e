// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

func TestHaveIfname(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, there := range all {
		if err := HaveIfname(there.Name, []string{OwnNetns}); err != nil {
			t.Errorf("%s: %v", there.Name, err)
		}
	}
}

func TestHaveIfnameInOtherNetns(t *testing.T) {
	blue, red := ktest.NewNetns(t, "input"), ktest.NewNetns(t, "other")
	ktest.NewVeth(t, ktest.End{Netns: red, Name: "only0"}, ktest.End{Netns: red, Name: "only1"})
	both := []string{blue.Path, red.Path}
	if err := HaveIfname("only0", both); err != nil {
		t.Errorf("a name in the second namespace: %v", err)
	}
	err := HaveIfname("eth77", []string{blue.Path})
	checkInput(t, err, `interface "eth77": no such interface in netns "`+blue.Path+`"`, "the interfaces there are lo; eth77* also matches interfaces created later")
	err = HaveIfname("only", both)
	checkInput(t, err, `interface "only": no such interface in any of the namespaces`, "the interfaces there are only0, only1, lo")
}

// TestInterfaceElsewhere checks that the hint names the namespaces that have the interface, and the flags to type.
func TestInterfaceElsewhere(t *testing.T) {
	red := ktest.NewNetns(t, "elsewhere")
	ktest.NewVeth(t, ktest.End{Netns: red, Name: "away0"}, ktest.End{Netns: red, Name: "away1"})
	name := filepath.Base(red.Path)
	if found := netnsWith("away0", []string{red.Path}); slices.Contains(found, name) {
		t.Errorf("%q, want none of the namespaces to leave out", found)
	}
	err := HaveIfname("away0", []string{OwnNetns})
	checkInput(t, err, `interface "away0": no such interface`, "namespace "+name+" has it: type --filter-netns "+name+" --filter-ifname away0")
	blue := ktest.NewNetns(t, "elsewhere2")
	ktest.NewVeth(t, ktest.End{Netns: blue, Name: "away0"}, ktest.End{Netns: blue, Name: "away1"})
	err = HaveIfname("away0", []string{OwnNetns})
	checkInput(t, err, `interface "away0": no such interface`, " have it: type --filter-netns ")
	if !strings.Contains(err.(*Error).Hint(), name) || !strings.Contains(err.(*Error).Hint(), filepath.Base(blue.Path)) {
		t.Errorf("hint %q, want both namespaces", err.(*Error).Hint())
	}
}

// TestSpecOfNetns checks that a namespace without a name is given as that of a process in it.
func TestSpecOfNetns(t *testing.T) {
	for path, want := range map[string]string{"/proc/12/ns/net": "pid:12", "/run/netns/blue": "blue", "/run/docker/netns/1a": "/run/docker/netns/1a"} {
		if got := specOf(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestNamesInHintsAreEscaped(t *testing.T) {
	for name, want := range map[string]string{"eth0": "eth0", "a\x1b[31m": `"a\x1b[31m"`, "\u202ex": `"\xe2\x80\xaex"`, "größe": "größe"} {
		if got := list([]string{name}); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestAPrefixNeedsNoInterface(t *testing.T) {
	if err := HaveIfname("nosuch*", []string{"/no/such"}); err != nil {
		t.Error(err)
	}
}

func TestOurOwnNetnsIsNotEntered(t *testing.T) {
	config, closeNetns, err := socketConfig("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	closeNetns()
	if config != nil {
		t.Errorf("config %+v, want none", config)
	}
}

func checkInput(t *testing.T, err error, text, hint string) {
	t.Helper()
	var input *Error
	if !errors.As(err, &input) || !input.Usage() {
		t.Fatalf("%v is no usage error", err)
	}
	if err.Error() != text || !strings.Contains(input.Hint(), hint) {
		t.Errorf("error %q, hint %q; want %q and %q", err, input.Hint(), text, hint)
	}
}

func TestUnknownInterface(t *testing.T) {
	err := HaveIfname("nosuch0", []string{OwnNetns})
	checkInput(t, err, `interface "nosuch0": no such interface`, "the interfaces there are ")
}

func TestIfnameOfMissingNetns(t *testing.T) {
	err := HaveIfname("lo", []string{"/no/such"})
	checkInput(t, err, `interface "lo": netns "/no/such": open /no/such: no such file or directory`, "")
}

func TestNearNamesComeFirst(t *testing.T) {
	names := []string{"lo", "veth2", "eth0", "docker0", "eth10", "veth1"}
	if got, want := list(byLikeness("eth1", names)), "eth10, eth0, docker0, lo, veth1, veth2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestLongListIsCut(t *testing.T) {
	names := make([]string, listMost+30)
	if got := list(names); !strings.HasSuffix(got, " and 30 more") {
		t.Errorf("list ends with %q, want 30 more", got)
	}
}
