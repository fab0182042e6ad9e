// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"tracer/e2e/boot"
)

// console is the text of the guest's console, and the markers found in it.
type console struct {
	text string
	// start and exit are the times since power-on at which the command began and ended.
	start, exit time.Duration
	code        int
	exited      bool
}

// readConsole reads the guest's console to its end. A marker is only recognized at the start of a line, since the
// console also has kernel messages.
func readConsole(r io.Reader) *console {
	var c console
	var text strings.Builder
	begin := time.Now()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		text.WriteString(line)
		c.marker(strings.TrimSpace(line), time.Since(begin))
		if err != nil {
			c.text = text.String()
			return &c
		}
	}
}

func (c *console) marker(line string, at time.Duration) {
	if line == boot.Started {
		c.start = at
	}
	word, ok := strings.CutPrefix(line, boot.Exited+" ")
	if !ok {
		return
	}
	code, err := strconv.Atoi(word)
	if err == nil {
		c.exit, c.code, c.exited = at, code, true
	}
}
