// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"errors"
	"fmt"
	"strings"
)

// nameMost is how many bytes the kernel keeps of the name of an interface or of
// a task.
const nameMost = 15

// CheckCommand says what is wrong with a pattern for the names of tasks, in which
// a trailing * stands for any rest.
func CheckCommand(pattern string) error { return checkPattern("command", pattern) }

func checkPattern(what, pattern string) error {
	e := &InputError{What: what, Value: pattern}
	name := strings.TrimSuffix(pattern, "*")
	switch {
	case pattern == "":
		e.Cause, e.hint = errors.New("empty name"), "give a name, or the beginning of one with a * behind it"
	case len(name) > nameMost:
		e.Cause = fmt.Errorf("longer than %d bytes, the limit of the kernel", nameMost)
		e.hint = "the kernel keeps " + printable(name[:nameMost])
	default:
		return nil
	}
	return e
}

// isPrefix says that the pattern matches more than one name.
func isPrefix(pattern string) bool { return strings.HasSuffix(pattern, "*") }
