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
	// The settings of the shell bind these keys: keyAll inserts all completions, keyDone appends the line to the
	// file "typed" and starts a new one.
	keyAll  = "\x14"
	keyDone = "\x07"
)

// slowestShell is the time limit of a shell for one line, on a busy machine.
const slowestShell = 60 * time.Second

// typist implements `typist LINES SHELL ARGUMENTS`. It types the lines of a file on a terminal of the shell, each
// followed by a tab. At a line that ends in *, it inserts all completions instead. The shell appends each completed
// line to the file "typed".
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
	go io.Copy(os.Stdout, keys) // the screen helps to debug a script
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

// waitLines waits until the shell has written n lines. When it has read its settings, the file exists with 0 lines.
func waitLines(n int) error {
	for end := time.Now().Add(slowestShell); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile("typed"); err == nil && bytes.Count(text, []byte{'\n'}) >= n {
			return nil
		}
	}
	return fmt.Errorf("the shell has not written %d lines", n)
}

// openShell starts the shell on a new terminal, and returns the other end. The shell ends when that is closed.
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
