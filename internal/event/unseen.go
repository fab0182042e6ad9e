// SPDX-License-Identifier: Apache-2.0

package event

// Unseen is a kind of packet or event that a run without events did not cover.
type Unseen struct {
	// Key is its value in JSON, Text its line in the message.
	Key  string `cbor:"1,keyasint,omitzero"`
	Text string `cbor:"2,keyasint,omitzero"`
}
