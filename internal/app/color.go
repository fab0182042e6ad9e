// SPDX-License-Identifier: Apache-2.0

package app

import (
	"io"
	"os"

	"tracer/internal/sink"
)

// The values of Config.Color.
const (
	ColorAuto   = "auto"
	ColorAlways = "always"
	ColorNever  = "never"
)

// isColored reports whether text has colours, see https://no-color.org.
func isColored(cfg Config) bool {
	switch cfg.Color {
	case ColorAlways:
		return true
	case ColorNever:
		return false
	}
	return cfg.OutputFile == "" && ColorsByDefault(cfg.Stdout)
}

// ColorsByDefault reports whether colours are the default: on a terminal that can show them, unless the
// environment disables them.
func ColorsByDefault(w io.Writer) bool {
	return sink.IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
