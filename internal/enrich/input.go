// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"errors"
	"fmt"
	"io/fs"
)

// InputError is about a namespace, an interface, a process or a control group
// that the user named.
type InputError struct {
	// What is the thing, as in "netns" or "interface", and Value what the user wrote.
	What, Value string
	// Cause is what is wrong with it.
	Cause error

	hint string
}

func (e *InputError) Error() string { return fmt.Sprintf("%s %q: %v", e.What, e.Value, e.Cause) }

func (e *InputError) Unwrap() error { return e.Cause }

// Hint says what to try, and is empty where there is nothing to say.
func (e *InputError) Hint() string { return e.hint }

// Usage says whether other input would help: not so where a permission is missing.
func (e *InputError) Usage() bool { return !errors.Is(e.Cause, fs.ErrPermission) }
