// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"syscall"

	"tracer/internal/app"
	"tracer/internal/doctor"
	"tracer/internal/stdout"
)

// doctorCommand reports what can be traced on this kernel.
func doctorCommand() command {
	return command{
		name: "doctor",
		args: "[--json]",
		help: "print what can be traced here, and how to get the rest",
		details: "For each missing feature: the cause, the cost and the remedy. With --json, one object per\n" +
			"line. The exit code is 1 where nothing can be traced.",
		words: oneOf("--json"), run: runDoctor,
	}
}

const doctorUsage = "type tracer doctor, or tracer doctor --json for one object per line"

// runDoctor returns nil if tracer can trace here.
func runDoctor(args []string, to, _ io.Writer) error {
	format := doctor.Format{Color: app.ColorsByItself(to)}
	for _, arg := range args {
		if arg != "--json" {
			return &usageError{text: "doctor: unknown argument " + strconv.Quote(arg), hint: doctorUsage}
		}
		format.JSON = true
	}
	if err := stdout.Check(to); err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	found, err := doctor.Find(ctx, versionName())
	if err != nil {
		return err
	}
	report := doctor.Diagnose(found)
	if err := report.Write(to, format); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("write output: %w", err)
	}
	return report.Verdict()
}
