// SPDX-License-Identifier: Apache-2.0

package plan

// Drop asks for drops alone, by their reasons.
type Drop struct {
	// Only leaves everything out that is no drop.
	Only bool
	// Reasons are those wanted, empty for any, NotReasons those not wanted, as the user
	// wrote them.
	Reasons, NotReasons []string
}
