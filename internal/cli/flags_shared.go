// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/pflag"

// Flags that several commands have are declared here. Each command passes its own variable.

const longHelpFlag = "--help"

func helpFlag(fs *pflag.FlagSet, to *bool, usage string) { fs.BoolVar(to, "help", false, usage) }

// jsonFlag has the name as a parameter: the flag is --output-json where pwru has it.
func jsonFlag(fs *pflag.FlagSet, to *bool, name string) {
	fs.BoolVar(to, name, false, "print one JSON object per line")
}
