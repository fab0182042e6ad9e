// SPDX-License-Identifier: Apache-2.0

package event

// Unseen is something that a run without events did not look at, so that the packet may be there.
type Unseen struct {
	// Key is the word for it in JSON, Text says it to people.
	Key, Text string
}
