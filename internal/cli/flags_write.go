// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"tracer/internal/app"
	"tracer/internal/printable"
	"tracer/internal/sink"
)

// writeFlags declares the flags about recordings.
func (o *options) writeFlags(fs *pflag.FlagSet) {
	c, w := &o.config, &o.config.Write
	fs.StringVar(&w.Path, "write", "", "record the events in `FILE`, for tracer read and Wireshark; - is standard output")
	fs.BoolVarP(&c.Quiet, "quiet", "q", false, "print no events, only record them")
	fs.Var(amountValue{&w.Snaplen, 1, "bytes"}, "snaplen", fmt.Sprintf("record the first `BYTES` of packets, with payload, at most %d (default: headers)", app.MaxSnaplen))
	fs.Var(amountValue{&w.MaxSize, 1, "MiB"}, "write-max-size", "start a new file at this size in `MiB`")
	fs.Var(durationValue{&w.MaxTime}, "write-max-time", "start a new file after this `TIME`, such as 1h")
	fs.Var(counted(&w.MaxEvents, "events"), "write-max-events", "start a new file after `N` events (0: never)")
	fs.Var(amountValue{&w.MaxBackups, 0, "files"}, "write-max-backups", "keep this many old `FILES` (0: all)")
	fs.Var(amountValue{&w.MaxAge, 0, "days"}, "write-max-age", "keep old files for this many `DAYS` (0: forever)")
	fs.BoolVar(&w.Compress, "write-compress", false, "compress the recording with zstd")
}

var writeOffers = offers{
	"write":             aFile,
	"snaplen":           anything,
	"write-max-size":    anything,
	"write-max-time":    anything,
	"write-max-events":  anything,
	"write-max-backups": anything,
	"write-max-age":     anything,
}

// ofWrite are the flags that need --write.
var ofWrite = []string{"quiet", "snaplen", "write-max-size", "write-max-time", "write-max-events", "write-max-backups", "write-max-age", "write-compress"}

func checkWrite(fs *pflag.FlagSet, c *app.Config) error {
	w := &c.Write
	for _, name := range ofWrite {
		if w.Path == "" && fs.Changed(name) {
			return &usageError{text: fmt.Sprintf("--%s: needs --write", name), hint: "add --write FILE"}
		}
	}
	switch {
	case w.Path == "":
		return nil
	case w.Snaplen > app.MaxSnaplen:
		return &usageError{text: fmt.Sprintf("--snaplen %d: more than %d bytes", w.Snaplen, app.MaxSnaplen), hint: fmt.Sprintf("use --snaplen %d, or leave it out to record headers", app.MaxSnaplen)}
	case c.Quiet && c.OutputFile != "":
		return &usageError{text: fmt.Sprintf("--output-file %s: --quiet prints no events", printable.Quote(c.OutputFile)), hint: "leave out one of them"}
	case w.Path == sink.StdoutPath:
		return checkWriteStdout(fs, c)
	}
	return checkOtherFiles(c)
}

// checkWriteStdout rejects what standard output cannot do.
func checkWriteStdout(fs *pflag.FlagSet, c *app.Config) error {
	if !c.Quiet && c.OutputFile == "" {
		return &usageError{text: "--write -: events are also printed to standard output", hint: "add --quiet, or --output-file FILE"}
	}
	for _, name := range ofWrite {
		if strings.HasPrefix(name, "write-max-") && fs.Changed(name) {
			return &usageError{text: fmt.Sprintf("--%s: standard output is not rotated", name), hint: "name a file: --write FILE"}
		}
	}
	return nil
}

func checkOtherFiles(c *app.Config) error {
	for flag, path := range map[string]string{"--output-file": c.OutputFile, "--ready-file": c.ReadyFile} {
		if path != "" && filepath.Clean(path) == filepath.Clean(c.Write.Path) {
			return &usageError{text: fmt.Sprintf("--write %s: is also the %s", printable.Quote(c.Write.Path), flag), hint: "name another file"}
		}
	}
	return nil
}
