// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"

	"tracer/internal/app"
	"tracer/internal/doctor"
	"tracer/internal/printable"
	"tracer/internal/stdout"

	"github.com/spf13/pflag"
)

// doctorCommand reports what can be traced on this kernel.
func doctorCommand() command {
	return command{
		name: "doctor", args: "[--json]", help: "print what can be traced here, and how to get the rest",
		details:       "For each missing feature: the cause, the cost and the remedy. The exit code is 1 if nothing can be traced.",
		interruptible: true,
		call:          func() *call { return newDoctor(&doctorOptions{}) },
	}
}

// doctorOptions are the settings of one call of doctor.
type doctorOptions struct{ json bool }

func newDoctor(o *doctorOptions) *call {
	return &call{topics: []topic{{"Flags", o.declare, offers{}}}, run: o.run}
}

func (o *doctorOptions) declare(fs *pflag.FlagSet) { jsonFlag(fs, &o.json, "json") }

// run returns nil if tracer can trace here.
func (o *doctorOptions) run(ctx context.Context, args []string, to streams) error {
	if len(args) > 0 {
		return &usageError{text: "doctor: unknown argument " + printable.Quote(args[0]), hint: "type tracer doctor, or tracer doctor --json for one object per line"}
	}
	if err := stdout.Check(to.out); err != nil {
		return err
	}
	found, err := doctor.Find(ctx, versionName())
	if err != nil {
		return err
	}
	report := doctor.Diagnose(found)
	if err := o.write(to.out, report); err != nil {
		return err
	}
	return report.Verdict()
}

func (o *doctorOptions) write(w io.Writer, report doctor.Report) error {
	return report.Write(stdout.Writer{W: w}, doctor.Format{JSON: o.json, Color: app.ColorsByDefault(w)})
}
