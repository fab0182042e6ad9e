// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// errEmpty is the error for an empty value, usually that of an unset variable in a script. Ignoring
// the flag would trace something other than intended.
var errEmpty = errors.New("empty value")

// filledValue is the value of a flag that rejects empty text.
type filledValue struct{ pflag.Value }

// Set implements pflag.Value.
func (v filledValue) Set(s string) error {
	if strings.TrimSpace(s) == "" {
		return errEmpty
	}
	return v.Value.Set(s)
}

// refuseEmpty makes all flags reject empty values.
func refuseEmpty(fs *pflag.FlagSet) {
	fs.VisitAll(func(f *pflag.Flag) { f.Value = filledValue{f.Value} })
}
