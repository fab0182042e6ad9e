// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// errEmpty is the error for an empty value, which usually comes from an unset variable in a script.
// Ignoring the flag would trace something else than intended.
var errEmpty = errors.New("empty value")

// filledValue is a flag value that rejects empty text.
type filledValue struct{ pflag.Value }

// Set implements pflag.Value.
func (v filledValue) Set(s string) error {
	if strings.TrimSpace(s) == "" {
		return errEmpty
	}
	return v.Value.Set(s)
}

// rejectEmpty makes all flags reject empty values.
func rejectEmpty(fs *pflag.FlagSet) {
	fs.VisitAll(func(f *pflag.Flag) { f.Value = filledValue{f.Value} })
}
