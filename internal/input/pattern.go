// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"strings"
)

// nameMost is the maximum length in bytes of the name of an interface or a task in the kernel.
const nameMost = 15

// CheckCommand returns an error if a pattern for the names of tasks is not valid. A trailing * matches any
// rest.
func CheckCommand(pattern string) error { return checkPattern("command", pattern) }

func checkPattern(what, pattern string) error {
	e := &Error{What: what, Value: pattern}
	name := strings.TrimSuffix(pattern, "*")
	switch {
	case pattern == "":
		e.Cause, e.hint = errors.New("empty name"), "give a name, or a prefix followed by *"
	case len(name) > nameMost:
		e.Cause = fmt.Errorf("longer than %d bytes, the limit of the kernel", nameMost)
		e.hint = "the first 15 bytes are " + nameIn(name[:nameMost])
	default:
		return nil
	}
	return e
}

// isPrefix reports whether the pattern matches every name with a prefix.
func isPrefix(pattern string) bool { return strings.HasSuffix(pattern, "*") }
