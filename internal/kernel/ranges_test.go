// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"testing"
)

func TestRefused(t *testing.T) {
	s := parse(t, `1000 T _stext
2000 T __noinstr_text_start
2100 t quiet
3000 T __noinstr_text_end
4000 T _sinittext
4100 t gone
5000 T _einittext
`)
	for addr, want := range map[uint64]string{
		0x1000: "", 0x1fff: "", 0x2000: "it is noinstr code", 0x2fff: "it is noinstr code",
		0x3000: "", 0x4100: "it was freed after boot", 0x5000: "",
	} {
		if got := s.refused(addr); got != want {
			t.Errorf("%x: %q, want %q", addr, got, want)
		}
	}
}

func TestBlacklist(t *testing.T) {
	b, err := parseBlacklist(strings.NewReader("0x3000-0x3010\tb\n0x1000-0x1010\ta\nrubbish\n0x5000-0x4000\tc\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != 2 || !b.contains(0x100f) || b.contains(0x1010) || !b.contains(0x3000) || b.contains(0x4800) {
		t.Error(b)
	}
}
