// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tracer/libpcap"
)

// frameWords are the protocol names by which an expression accesses bytes of the frame: libpcap treats
// them all as the link layer.
var frameWords = []string{"ether", "link", "ppp", "slip", "fddi", "tr", "wlan"}

// namesTag reports whether an expression refers to the frame with its VLAN tag. This is so if it has the
// word vlan, even if libpcap's optimizer removed the comparison, as in `icmp and not vlan`, or if it
// accesses bytes of the frame after the MAC addresses.
func namesTag(expr string) bool {
	tokens := libpcap.Tokens(expr)
	for i, t := range tokens {
		if t.Text == "vlan" {
			return true
		}
		if i+1 < len(tokens) && tokens[i+1].Text == "[" && slices.Contains(frameWords, t.Text) && !isAddressPart(tokens[i+2:]) {
			return true
		}
	}
	return false
}

// fixedIndex matches a constant index, with or without the number of bytes.
var fixedIndex = regexp.MustCompile(`^(0x[0-9a-fA-F]+|[0-9]+)(?::([0-9]+))?$`)

// isAddressPart reports whether the index at the beginning of the tokens is within the MAC addresses.
func isAddressPart(index []libpcap.Token) bool {
	end := slices.IndexFunc(index, func(t libpcap.Token) bool { return t.Text == "]" })
	if end < 0 {
		return false
	}
	var text strings.Builder
	for _, t := range index[:end] {
		text.WriteString(t.Text)
	}
	match := fixedIndex.FindStringSubmatch(text.String())
	if match == nil {
		return false
	}
	first, err := strconv.ParseUint(match[1], 0, 32)
	size, _ := strconv.ParseUint(match[2], 10, 32)
	return err == nil && first+max(size, 1) <= typeOffset
}
