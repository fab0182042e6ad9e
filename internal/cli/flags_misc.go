// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/pflag"

func miscFlags(fs *pflag.FlagSet, o *options) {
	c := &o.config
	fs.BoolVar(&c.DryRun, "dry-run", false, "print what would be attached, and the filter's programs; attach nothing")
	fs.StringVar(&c.ReadyFile, "ready-file", "", "make this `FILE` when everything is attached")
	fs.BoolVar(&c.Debug, "debug", false, "tell more on standard error, such as the verifier's log")
	fs.BoolVar(&o.version, "version", false, "print the version")
	fs.BoolVarP(&o.help, "help", "h", false, "print this text")
}

var miscOffers = offers{"ready-file": aFile}
