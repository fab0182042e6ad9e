// SPDX-License-Identifier: Apache-2.0

// Package cli is tracer's command line: flags, help, errors and exit codes.
package cli

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"tracer/internal/app"
	"tracer/internal/printable"
	"tracer/internal/stdout"
)

// Main runs tracer with the arguments given, without the program's name, and
// returns its exit code: 0 for done or interrupted, 1 for a run-time error, 2
// for bad usage.
func Main(args []string, stdout, stderr io.Writer) int {
	if c := commandOf(args); c != nil {
		return report(stderr, c.start(args[1:], stdout, stderr), false)
	}
	if err := checkProgramWord(args); err != nil {
		return report(stderr, err, false)
	}
	o, err := parse(args)
	if err == nil {
		o.config.Stdout, o.config.Stderr = stdout, stderr
		err = withFlagWords(o.run(), args)
	}
	return report(stderr, err, o.config.Debug)
}

func (o *options) run() error {
	switch {
	case o.shortHelp:
		return say(o.config.Stdout, shortHelp())
	case o.help:
		return say(o.config.Stdout, help())
	case o.version:
		return say(o.config.Stdout, versionLine())
	}
	for _, note := range o.notes {
		fmt.Fprintf(printable.LineWriter(o.config.Stderr), "note: %s\n", note)
	}
	ctx, stop := interruptible()
	defer stop()
	return app.Run(ctx, o.config)
}

// say writes text; EPIPE is a normal end of output.
func say(w io.Writer, text string) error {
	if err := stdout.Check(w); err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
