// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tracer/internal/event"
)

// mirrored are the enums of bpf/core/event.h whose numbers are those of Go's constants: what C calls
// them, and what Go does.
var mirrored = map[string]map[string]int{
	"tuple_network": {
		"NETWORK_NONE": int(event.NoPacket), "NETWORK_IPV4": int(event.IPv4), "NETWORK_IPV6": int(event.IPv6),
		"NETWORK_ARP": int(event.ARP), "NETWORK_OTHER": int(event.OtherNetwork),
		"NETWORK_NETLINK": int(event.Netlink), "NETWORK_UNIX": int(event.Unix), "NETWORK_SOCKET": int(event.OtherSocket),
		"NETWORK_LLC": int(event.LLC),
	},
	"tunnel_kind": {
		"TUNNEL_NONE": int(event.NoTunnel), "TUNNEL_VXLAN": int(event.VXLAN), "TUNNEL_GENEVE": int(event.Geneve),
		"TUNNEL_GRE": int(event.GRE), "TUNNEL_IPIP": int(event.IPIP), "TUNNEL_OTHER": int(event.OtherTunnel),
		"TUNNEL_VXLAN_GPE": int(event.VXLANGPE),
	},
	"origin": {
		"ORIGIN_NONE": int(event.First), "ORIGIN_CLONE": int(event.Clone), "ORIGIN_COPY": int(event.Copy),
		"ORIGIN_SEGMENT": int(event.Segment), "ORIGIN_FRAGMENT": int(event.Fragment), "ORIGIN_MERGE": int(event.Merged),
		"ORIGIN_INNER": int(event.Inner), "ORIGIN_OUTER": int(event.Outer), "ORIGIN_XDP": int(event.FromXDP),
		"ORIGIN_STACK": int(event.SameStack),
		"ORIGIN_SAME":  int(event.SameStack) + 1, // never in a record
	},
	"hook_object": {
		"HOOK_PLAIN": int(event.PlainHook), "HOOK_NFT": int(event.NFTables), "HOOK_XTABLES": int(event.Xtables),
		"HOOK_EBTABLES": int(event.Ebtables),
	},
	"first_by": {
		"FIRST_UNKNOWN": int(event.FirstUnknown), "FIRST_FOLLOWED": int(event.FirstFollowed),
		"FIRST_CONNECTION": int(event.FirstConnection), "FIRST_TRANSLATED": int(event.FirstTranslated),
		"FIRST_INNER": int(event.FirstInner), "FIRST_QUOTED": int(event.FirstQuoted),
	},
	"map_operation": { // Go's have one for none in front
		"MAP_LOOKUP": int(event.MapLookup) - 1, "MAP_UPDATE": int(event.MapUpdate) - 1, "MAP_DELETE": int(event.MapDelete) - 1,
	},
}

// TestEnumsAreThoseOfC: each member has the same number on both sides, and there are no others.
func TestEnumsAreThoseOfC(t *testing.T) {
	source, err := os.ReadFile("../../bpf/core/event.h")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range mirrored {
		if have := membersOf(t, string(source), name); !maps.Equal(have, want) {
			t.Errorf("enum %s: C has %v, Go %v", name, have, want)
		}
	}
	// The comment in front of a mirrored enum says so.
	for _, m := range regexp.MustCompile(`order is event\.\w+'s\.\nenum (\w+)`).FindAllStringSubmatch(string(source), -1) {
		if mirrored[m[1]] == nil {
			t.Errorf("enum %s is mirrored in package event and not compared here", m[1])
		}
	}
}

var comment = regexp.MustCompile(`//.*`)

// membersOf are the numbers of an enum's members, which count from 0 or have their own.
func membersOf(t *testing.T, source, name string) map[string]int {
	t.Helper()
	_, rest, found := strings.Cut(source, "enum "+name+" {")
	body, _, closed := strings.Cut(rest, "}")
	if !found || !closed {
		t.Fatalf("no enum %s", name)
	}
	members := map[string]int{}
	next := 0
	for member := range strings.SplitSeq(comment.ReplaceAllString(body, ""), ",") {
		word, value, own := strings.Cut(strings.TrimSpace(member), " = ")
		if word == "" {
			continue
		}
		if own {
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatalf("enum %s: %s has the value %q", name, word, value)
			}
			next = n
		}
		members[word] = next
		next++
	}
	return members
}
