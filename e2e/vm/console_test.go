// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"
)

func TestReadConsole(t *testing.T) {
	tests := []struct {
		name, text string
		exited     bool
		code       int
	}{
		{"passed", "boot\r\n@@started\r\nwork\r\n@@exited 0\r\n", true, 0},
		{"failed", "@@started\n@@exited 3\nreboot: machine restart", true, 3},
		{"died", "@@started\nKernel panic - not syncing\n", false, 0},
		{"marker within a line", "log: @@exited 0\n", false, 0},
		{"cut off", "@@exited", false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := readConsole(strings.NewReader(tt.text))
			if c.exited != tt.exited || c.code != tt.code || c.text != tt.text {
				t.Errorf("got %+v", c)
			}
		})
	}
}
