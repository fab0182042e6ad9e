// SPDX-License-Identifier: Apache-2.0

package app

import (
	"io"
	"os"
)

// The words for Config.Color.
const (
	ColorAuto   = "auto"
	ColorAlways = "always"
	ColorNever  = "never"
)

// isColored says whether text has colours, see https://no-color.org.
func isColored(cfg Config) bool {
	switch cfg.Color {
	case ColorAlways:
		return true
	case ColorNever:
		return false
	}
	return cfg.OutputFile == "" && ColorsByItself(cfg.Stdout)
}

// ColorsByItself says whether there are colours for somebody who did not ask: on a terminal
// that can show them, unless the environment asks for none.
func ColorsByItself(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
