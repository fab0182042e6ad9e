// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
)

const (
	keyTab = "\t"
	// The shell's settings bind these: to put in all completions at once, and to write the
	// line to the file "typed" and begin a new one.
	keyAll  = "\x14"
	keyDone = "\x07"
)

// slowestShell is how long a shell may take for a line, on a machine that is busy.
const slowestShell = 60 * time.Second

// typist is `typist LINES SHELL ARGUMENTS`: types the lines of a file at a terminal of the
// shell, each with a tab behind it; those that end in * have all completions put in. What
// becomes of each, the shell adds to the file "typed".
func typist() {
	if err := typeAll(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "typist:", err)
		os.Exit(99)
	}
}

func typeAll(file string, command []string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	keys, err := openShell(command)
	if err != nil {
		return err
	}
	defer keys.Close()
	go io.Copy(os.Stdout, keys) // what it shows helps where a script fails
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if err := waitLines(i); err != nil {
			return fmt.Errorf("before %q: %w", line, err)
		}
		if _, err := keys.WriteString(pressed(line)); err != nil {
			return err
		}
	}
	return waitLines(strings.Count(string(text), "\n"))
}

func pressed(line string) string {
	if rest, all := strings.CutSuffix(line, "*"); all {
		return rest + keyAll + keyDone
	}
	return line + keyTab + keyDone
}

// waitLines waits until the shell has written so many lines. None is there when it has read
// its settings.
func waitLines(n int) error {
	for end := time.Now().Add(slowestShell); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile("typed"); err == nil && bytes.Count(text, []byte{'\n'}) >= n {
			return nil
		}
	}
	return fmt.Errorf("the shell has not written %d lines", n)
}

// openShell starts the shell at a new terminal, whose other end is returned. It ends when
// that is closed.
func openShell(command []string) (*os.File, error) {
	keys, screen, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer screen.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return keys, cmd.Start()
}
