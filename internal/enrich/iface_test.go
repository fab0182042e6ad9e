// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"errors"
	"net"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

func TestIfindex(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range all {
		if got, err := Ifindex(want.Name, ""); err != nil || got != uint32(want.Index) {
			t.Errorf("%s is %d (%v), want %d", want.Name, got, err, want.Index)
		}
	}
}

func TestIfindexInAnotherNetns(t *testing.T) {
	blue := ktest.NewNetns(t, "enrich")
	if got, err := Ifindex("lo", blue.Path); err != nil || got != 1 {
		t.Errorf("lo is %d (%v), want 1", got, err)
	}
	_, err := Ifindex("eth77", blue.Path)
	checkInput(t, err, `interface "eth77": no such interface in netns "`+blue.Path+`"`, "the interfaces there are lo")
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
	var input *InputError
	if !errors.As(err, &input) || !input.Usage() {
		t.Fatalf("%v is no usage error", err)
	}
	if err.Error() != text || !strings.Contains(input.Hint(), hint) {
		t.Errorf("error %q, hint %q; want %q and %q", err, input.Hint(), text, hint)
	}
}

func TestUnknownInterface(t *testing.T) {
	for _, path := range []string{"", "/proc/thread-self/ns/net"} {
		_, err := Ifindex("nosuch0", path)
		checkInput(t, err, `interface "nosuch0": no such interface`, "the interfaces there are ")
	}
}

func TestIfindexOfMissingNetns(t *testing.T) {
	_, err := Ifindex("lo", "/no/such")
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
