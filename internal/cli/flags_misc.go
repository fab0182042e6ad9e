// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/pflag"

func miscFlags(fs *pflag.FlagSet, o *options) {
	c := &o.config
	fs.BoolVar(&c.DryRun, "dry-run", false, "print what would be attached and the compiled filter; attach nothing")
	fs.StringVar(&c.ReadyFile, "ready-file", "", "create `FILE` once everything is attached")
	fs.BoolVar(&c.Debug, "debug", false, "print details to standard error, such as the verifier log")
	fs.BoolVar(&o.version, "version", false, "print the version")
	fs.BoolVar(&o.help, "help", false, "print the complete help; "+shortHelpFlag+" prints one screen")
}

var miscOffers = offers{"ready-file": aFile}
