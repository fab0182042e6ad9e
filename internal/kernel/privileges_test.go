// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLacks(t *testing.T) {
	set := func(list ...uint) (c capabilities) {
		for _, n := range list {
			c |= 1 << n
		}
		return c
	}
	for _, tc := range []struct {
		set           capabilities
		all, required string
	}{
		{0, "CAP_BPF CAP_PERFMON CAP_SYSLOG", "CAP_BPF CAP_PERFMON"},
		{set(unix.CAP_BPF), "CAP_PERFMON CAP_SYSLOG", "CAP_PERFMON"},
		{set(unix.CAP_BPF, unix.CAP_PERFMON), "CAP_SYSLOG", ""},
		{set(unix.CAP_SYS_ADMIN), "CAP_SYSLOG", ""},
		{set(unix.CAP_SYS_ADMIN, unix.CAP_SYSLOG), "", ""},
	} {
		if got := strings.Join(names(tc.set.lacks(false)), " "); got != tc.all {
			t.Errorf("%x lacks %q, want %q", tc.set, got, tc.all)
		}
		if got := strings.Join(names(tc.set.lacks(true)), " "); got != tc.required {
			t.Errorf("%x lacks of the required %q, want %q", tc.set, got, tc.required)
		}
	}
}

func TestParseEffective(t *testing.T) {
	got, err := parseEffective(strings.NewReader("Name:\tx\nCapPrm:\t0000000000000001\nCapEff:\t000001ffffffffff\n"))
	if err != nil || got != 0x1ffffffffff {
		t.Errorf("%x %v", got, err)
	}
	for _, text := range []string{"", "CapEff:\tzz\n"} {
		if _, err := parseEffective(strings.NewReader(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
