// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/nearest"
)

// maxWithin is how many members deep a name is looked for.
const maxWithin = 2

// likelyMembers are what may have been meant by a name that no member has: members of members, or
// similar names.
func likelyMembers(members []btf.Member, name string) []string {
	if likely := membersWithin(members, name, maxWithin); len(likely) > 0 {
		return likely[:min(len(likely), maxNear)]
	}
	return nearest.Words(name, memberNames(members, maxNested), maxNear)
}

// membersWithin are the ways to members of that name inside of the members, the shortest first. The
// kernel's macros call some by a name with another beginning: sk_state is __sk_common.skc_state,
// inet_daddr is sk.__sk_common.skc_daddr (include/net/sock.h, include/net/inet_sock.h).
func membersWithin(members []btf.Member, name string, left int) []string {
	var found, deeper []string
	for _, m := range members {
		inner, isWhole := membersOf(btf.UnderlyingType(m.Type))
		if m.Name == "" || !isWhole {
			continue
		}
		for _, candidate := range memberNames(inner, maxNested) {
			if candidate == name || isMacroFor(name, candidate) {
				found = append(found, m.Name+"."+candidate)
			}
		}
		if left > 1 {
			for _, way := range membersWithin(inner, name, left-1) {
				deeper = append(deeper, m.Name+"."+way)
			}
		}
	}
	return slices.Concat(found, deeper)
}

// isMacroFor says whether a name may stand for a member of a socket's common part (skc_…).
func isMacroFor(name, member string) bool {
	_, stem, ok := strings.Cut(name, "_")
	return ok && member == "skc_"+stem
}
