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
	name := strings.TrimSuffix(pattern, "*")
	var cause error
	switch {
	case pattern == "":
		cause = errors.New("empty name")
	case len(name) > nameMost:
		cause = fmt.Errorf("longer than %d bytes, the limit of the kernel", nameMost)
	default:
		return nil
	}
	return &InputError{What: what, Value: pattern, Cause: cause}
}

// isPrefix says that the pattern matches more than one name.
func isPrefix(pattern string) bool { return strings.HasSuffix(pattern, "*") }
