// SPDX-License-Identifier: Apache-2.0

package app

import "os"

// The words for Config.Color.
const (
	ColorAuto   = "auto"
	ColorAlways = "always"
	ColorNever  = "never"
)

// isColored says whether text has colours. By itself it has them on a terminal that
// can show them, unless the environment asks for none (https://no-color.org).
func isColored(cfg Config) bool {
	switch cfg.Color {
	case ColorAlways:
		return true
	case ColorNever:
		return false
	}
	return cfg.OutputFile == "" && isTerminal(cfg.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
