// SPDX-License-Identifier: Apache-2.0

package cli

import "testing"

func TestCommandsAreFirstWords(t *testing.T) {
	for _, args := range [][]string{nil, {"icmp"}, {"host", "man"}, {"--debug", "man"}, {"manual"}} {
		if c := commandOf(args); c != nil {
			t.Errorf("%q is taken for the command %s", args, c.name)
		}
	}
	if c := commandOf([]string{"man", "x"}); c == nil || c.name != "man" {
		t.Errorf("command %v, want man", c)
	}
}

func TestCommandsSayWhatTheyDo(t *testing.T) {
	for _, c := range commands() {
		if c.run == nil || c.help == "" && !c.hidden {
			t.Errorf("%q has nothing to run or no help", c.name)
		}
	}
}
