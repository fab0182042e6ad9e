// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/pflag"

// miscFlags declares --help with its own text, because -h prints less.
func (o *options) miscFlags(fs *pflag.FlagSet, c *call) {
	cfg := &o.config
	fs.BoolVar(&cfg.DryRun, "dry-run", false, "print what would be attached and the compiled filter; attach nothing")
	fs.StringVar(&cfg.ReadyFile, "ready-file", "", "create `FILE` once everything is attached")
	fs.BoolVar(&cfg.Debug, "debug", false, "print details to standard error, such as the verifier log")
	fs.BoolVar(&o.version, "version", false, "print the version")
	helpFlag(fs, &c.help, "print the complete help; "+shortHelpFlag+" prints one screen")
}

var miscOffers = offers{"ready-file": aFile}
