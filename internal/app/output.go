// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"tracer/internal/event"
	"tracer/internal/export"
)

// output is where the events go.
type output struct {
	export.Exporter
	file *os.File
}

// openOutput opens the file at once, so that one that can't be written is known
// before anything is attached.
func openOutput(cfg Config) (*output, error) {
	if cfg.OutputFile == "" {
		return &output{Exporter: export.New(cfg.Stdout, cfg.Output)}, nil
	}
	file, err := os.Create(cfg.OutputFile)
	if err != nil {
		return nil, fmt.Errorf("output file %q: %w", cfg.OutputFile, cause(err))
	}
	return &output{Exporter: export.New(file, cfg.Output), file: file}, nil
}

func (o *output) close() error {
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

// gone says that the output's reader went away, as in `| head`.
func gone(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) }

// finish writes the last record and all that waits.
func (o *output) finish(totals event.Totals) error {
	if err := o.Export(&event.Event{Kind: event.Summary, Totals: totals}); err != nil {
		return err
	}
	return o.Flush()
}
