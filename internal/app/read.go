// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tracer/internal/capture"
	"tracer/internal/column"
	"tracer/internal/notice"
	"tracer/internal/pipeline"
	"tracer/internal/printable"
	"tracer/internal/replay"
	"tracer/internal/sink"
)

// ReadConfig is what the user wants to read.
type ReadConfig struct {
	// Config has the outputs and limits.
	Config
	// Files are the recordings; sink.StdoutPath is Stdin.
	Files  []string
	Stdin  io.Reader
	Select replay.Options
	// Columns returns the columns of the outputs, given the arguments of the recorded command; nil leaves those of Output.
	Columns func(recorded []string) column.Options
}

// Read prints the events of recordings until ctx is done, a limit is reached or the reader of the output has closed it.
func Read(ctx context.Context, cfg ReadConfig) error {
	if err := checkStdout(cfg.Config); err != nil {
		return err
	}
	say := newTerminal(cfg.Stderr)
	notices := notice.New(say.send, notice.Options{Debug: cfg.Debug, Began: began})
	inputs, err := openInputs(cfg)
	if err != nil {
		return err
	}
	err = read(ctx, cfg, inputs, say, notices)
	for _, in := range inputs {
		if file, ok := in.Data.(io.Closer); ok {
			err = errors.Join(err, file.Close())
		}
	}
	return err
}

// openInputs opens the files.
func openInputs(cfg ReadConfig) (inputs []capture.Input, err error) {
	for _, path := range cfg.Files {
		if path == sink.StdoutPath {
			inputs = append(inputs, capture.Input{Name: "standard input", Data: io.NopCloser(cfg.Stdin)})
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			for _, in := range inputs {
				err = errors.Join(err, in.Data.(io.Closer).Close())
			}
			return nil, pathError(path, err)
		}
		inputs = append(inputs, capture.Input{Name: printable.Quote(path), Data: file})
	}
	return inputs, nil
}

func pathError(path string, err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("%s: %w", printable.Quote(path), err)
}

func read(ctx context.Context, cfg ReadConfig, inputs []capture.Input, say *terminal, notices *notice.Notifier) error {
	set, err := capture.Open(inputs)
	if err != nil {
		return err
	}
	set.Warn = func(text string) { fmt.Fprintln(say, "warning: "+text) }
	run := set.Runs()[0]
	if cfg.Columns != nil {
		cfg.Output.Columns = cfg.Columns(run.Command)
	}
	cfg.Output.Columns.Drops = cfg.Output.Columns.Drops || cfg.Drops.OnlyDrops() || run.Drops
	cfg.Select.SinceLast = column.Shows(cfg.Output.Columns, column.Relative)
	src, err := replay.Select(set, cfg.Select)
	if err != nil {
		return err
	}
	out, err := openOutputs(ctx, cfg.Config, notices)
	if err != nil {
		return err
	}
	err = out.again(run)
	if err == nil {
		err = follow(ctx, src, nil, out.list(), notices, pipeline.Options{Limits: cfg.Limits, Scope: run.Scope.Journey()})
	}
	return errors.Join(err, out.close())
}

// again begins the recording of a run that was recorded before.
func (o *outputs) again(run *capture.Run) error {
	if o.recording == nil {
		return nil
	}
	r := *run
	r.File, r.Events, r.Lost = 0, 0, 0
	return o.recording.Begin(r)
}
