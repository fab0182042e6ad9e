// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// errEmpty refuses an empty value, mostly that of an unset variable in a script. To leave a flag out
// would trace something else than what was meant.
var errEmpty = errors.New("empty value")

// filledValue is a flag's value that must not be empty.
type filledValue struct{ pflag.Value }

// Set is that of pflag.Value.
func (v filledValue) Set(s string) error {
	if strings.TrimSpace(s) == "" {
		return errEmpty
	}
	return v.Value.Set(s)
}

// refuseEmpty makes empty values of all flags errors.
func refuseEmpty(fs *pflag.FlagSet) {
	fs.VisitAll(func(f *pflag.Flag) { f.Value = filledValue{f.Value} })
}
