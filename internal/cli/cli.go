// SPDX-License-Identifier: Apache-2.0

// Package cli is tracer's command line: commands, flags, help, manual page, completion, errors and
// exit codes. [commands] is the table of commands; each is one file command_*.go.
//
// Flags are parsed with spf13/pflag. Commands are dispatched here and not with spf13/cobra, which was
// tried (v1.10.2) and would replace little. It finds the command behind flags: the filter of
// `tracer --debug man` became the command man. It groups commands, not flags, so help by topic stays
// hand-written. Its completion scripts completed 18 of the 27 lines that the tests type in bash, 4
// without the package bash-completion, 21 in zsh, and no quoted word in any shell. Its manual pages have
// one flat list of flags and no tables of columns, files or privileges. The binary grew from 9.24 MB to
// 9.52 MB, with its manual pages to 9.86 MB and four more modules. The time to start did not change.
package cli

import (
	"io"
	"os/signal"
	"syscall"

	"tracer/internal/stdout"
)

// streams are the outputs of a command: results go to out, messages to err.
type streams struct{ out, err io.Writer }

// Main runs tracer with the arguments, without the program's name, and returns its exit code: 0 for
// done or interrupted, 1 for a run-time error, 2 for bad usage. It ignores SIGPIPE, so that a write to a closed pipe
// returns EPIPE, which is a normal end of output for every command: see [stdout.Writer] and, for events, [sink.File].
func Main(args []string, stdout, stderr io.Writer) int {
	signal.Ignore(syscall.SIGPIPE)
	c, rest, err := choose(args)
	if err != nil {
		return report(stderr, err, false)
	}
	call := c.begin()
	err = call.start(rest, streams{stdout, stderr})
	return report(stderr, err, call.debugs())
}

// say writes text. If the reader of the output has exited, it does nothing.
func say(w io.Writer, text string) error {
	if err := stdout.Check(w); err != nil {
		return err
	}
	_, err := io.WriteString(stdout.Writer{W: w}, text)
	return err
}
