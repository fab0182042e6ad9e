// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

// arpNames are tcpdump's names of the operations.
var arpNames = [...]string{1: "who-has", 2: "reply", 3: "reverse-who-is", 4: "reverse-reply"}

func arpName(operation uint16) string {
	if int(operation) < len(arpNames) {
		return arpNames[operation]
	}
	return ""
}

// appendARP appends text like `arp,who-has`, or `arp,operation=9` for an operation without a name.
func appendARP(dst []byte, t *event.Tuple) []byte {
	dst = append(dst, "arp,"...)
	if name := arpName(t.ARPOperation); name != "" {
		return append(dst, name...)
	}
	return appendUint(append(dst, "operation="...), uint64(t.ARPOperation))
}

func appendARPMembers(dst []byte, t *event.Tuple) []byte {
	dst = appendAddressMembers(dst, t)
	dst = append(appendKey(dst, "arp"), `{"operation":`...)
	dst = appendUint(dst, uint64(t.ARPOperation))
	dst = appendStringOrNull(appendKey(dst, "name"), arpName(t.ARPOperation))
	return append(dst, '}')
}
