// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os/exec"
	"testing"
)

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{
		"eth0":                   "eth0",
		"--filter-ifname=a,b":    "--filter-ifname=a,b",
		"dst host 10.0.0.1":      "'dst host 10.0.0.1'",
		"a|b":                    "'a|b'",
		"!lo":                    "'!lo'",
		"veth*":                  "'veth*'",
		"it's":                   `'it'\''s'`,
		"":                       "''",
		"größe":                  "'größe'",
		"a\x1b[31m":              `$'a\x1b[31m'`,
		"tcp[tcpflags] & 2 != 0": "'tcp[tcpflags] & 2 != 0'",
	} {
		if got := shellWord(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

// TestShellUnquotes checks that a shell reads the words back unchanged.
func TestShellUnquotes(t *testing.T) {
	for _, word := range []string{"a b", "it's", "$HOME", "`x`", `back\slash`, "!", "", "größe", "a\x1b'b\n"} {
		out, err := exec.Command("bash", "-c", "printf %s "+shellWord(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q is read as %q (%v)", word, out, err)
		}
	}
}
