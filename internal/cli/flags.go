// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"

	"github.com/spf13/pflag"
)

// topic is a group of flags with a heading in help, manual page and docs/flags.md.
type topic struct {
	name string
	// declare adds the flags, which write to the settings of one call.
	declare func(*pflag.FlagSet)
	// offers complete the values of these flags.
	offers offers
}

func newFlagSet() *pflag.FlagSet {
	fs := pflag.NewFlagSet("tracer", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() {}
	return fs
}

// flags returns the flags of the topic.
func (t topic) flags() *pflag.FlagSet {
	fs := newFlagSet()
	t.declare(fs)
	return fs
}

// defaultOf returns the default, or an empty string if the flag is off by default.
func defaultOf(f *pflag.Flag) string {
	if slices.Contains([]string{"false", "[]", "0", "0s"}, f.DefValue) {
		return ""
	}
	return f.DefValue
}

func names(fs *pflag.FlagSet) []string {
	var all []string
	fs.VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	return all
}
