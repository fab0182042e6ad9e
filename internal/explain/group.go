// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"math"
	"slices"
	"strings"

	"tracer/internal/event"
)

// identifying are the numbers that say which thing is the cause, by the last word of their keys: which socket, rule,
// program or setting. Other numbers, such as the length of a queue, differ from drop to drop.
var identifying = []string{
	"lport", "dport", "port", "inode", "cgroup_id", "program", "prio", "priority", "handle", "index", "chain", "table", "number", "queue", "queue_number",
	"vlan", "pvid", "vni", "spi", "mark", "bound", "oif", "cpu", "ring", "protocol", "type", "code", "error", "version", "verdict",
	"limit", "limit4", "limit6", "max", "max_burst", "somaxconn", "txqueuelen", "mtu", "dev_mtu", "dev_mtu6", "route_mtu", "pmtu",
	"rp_all", "rp_dev", "log_martians", "arp_ignore", "arp_ignore_all",
}

// changing are the answers of resolvers that differ from drop to drop.
var changing = []string{"rule", "listeners", "top_sources", "queue_fill"}

// notesPart is the number of the part of a text that has the notes.
const notesPart = math.MaxUint16

// group sets the pieces of the text, and the group if the table has none for the cause.
func (s *Stage) group(a Answer) {
	c := s.table.compiled(a.Cause)
	s.why.Pieces = c.text.pieces(s.why.Pieces, a.Values)
	if a.Cause.Group == "" {
		s.why.Group = groupOf(s.why.Pieces)
	}
	if a.Notes != "" {
		s.why.Pieces = append(s.why.Pieces, event.WhyPiece{Text: a.Notes, Part: notesPart, Optional: true})
	}
}

// groupOf returns the values that identify the thing that is the cause of the drop.
func groupOf(pieces []event.WhyPiece) string {
	var group strings.Builder
	for _, p := range pieces {
		if identifies(p) {
			group.WriteString(p.Text + "\x00")
		}
	}
	return group.String()
}

// identifies reports whether a piece is a value that identifies the thing that is the cause of a drop.
func identifies(p event.WhyPiece) bool {
	switch {
	case p.Key == "":
		return false
	case p.IsNumber:
		return slices.Contains(identifying, lastWord(p.Key))
	}
	return !slices.Contains(changing, p.Key)
}

// lastWord returns a key without the name of its decision.
func lastWord(key string) string { return key[strings.LastIndex(key, ".")+1:] }
