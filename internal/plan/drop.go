// SPDX-License-Identifier: Apache-2.0

package plan

// Drop restricts the trace to drops, and selects them by their reasons.
type Drop struct {
	// Only leaves out everything except drops.
	Only bool
	// Reasons are the wanted drop reasons, empty for any; NotReasons are the excluded ones. Both are as
	// the user wrote them.
	Reasons, NotReasons []string
}
