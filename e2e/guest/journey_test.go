// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// journey is all events with the number of one packet, in order.
type journey struct {
	id     uint64
	events records
}

// journeys splits a trace by packet, in the order of their first events.
func journeys(events records) []*journey {
	var list []*journey
	known := make(map[uint64]*journey)
	for _, r := range events {
		j := known[r.ID]
		if j == nil {
			j = &journey{id: r.ID}
			known[r.ID] = j
			list = append(list, j)
		}
		j.events = append(j.events, r)
	}
	return list
}

// origins returns the distinct origins of the packet's parts.
func (j *journey) origins() []string {
	var list []string
	for _, r := range j.events {
		if r.Origin != "" && !slices.Contains(list, r.Origin) {
			list = append(list, r.Origin)
		}
	}
	return list
}

// knownOrigins are all valid origins.
var knownOrigins = []string{"clone", "copy", "segment", "fragment", "merge", "inner", "outer", "xdp", "stack"}

// faults checks the packet's tree of parts: its root is the part that was seen first, and the parent
// and origin of a part never change.
func (j *journey) faults() []string {
	var list []string
	first := make(map[uint64]record) // by part
	for i, r := range j.events {
		if what := fault(r, first); what != "" {
			list = append(list, fmt.Sprintf("event %d of packet %d, part %d, in %s: %s", i, j.id, r.Part, r.Func, what))
		}
		if _, seen := first[r.Part]; !seen {
			first[r.Part] = r
		}
	}
	return list
}

// fault checks one event, given the first earlier event of each part.
func fault(r record, first map[uint64]record) string {
	if r.ID == 0 {
		return "no number"
	}
	if before, seen := first[r.Part]; seen {
		if !sameParent(before.Parent, r.Parent) || before.Origin != r.Origin {
			return "another parent or origin than before"
		}
		return ""
	}
	switch {
	case r.Parent == nil && r.Origin != "":
		return "no parent"
	case r.Parent == nil && len(first) > 0:
		return "a second part without a parent"
	case r.Parent == nil:
		return ""
	case !slices.Contains(knownOrigins, r.Origin):
		return fmt.Sprintf("origin %q", r.Origin)
	}
	if _, seen := first[*r.Parent]; !seen {
		return fmt.Sprintf("its parent %d was not seen before", *r.Parent)
	}
	return ""
}

func sameParent(a, b *uint64) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// sharedParts finds parts that belong to two packets. A part that is merged into another packet may
// change to that packet.
func sharedParts(list []*journey) []string {
	var faults []string
	owner := make(map[uint64]uint64)
	for _, j := range list {
		for _, r := range j.events {
			if id, ok := owner[r.Part]; ok && id != j.id && r.Origin != "merge" {
				faults = append(faults, fmt.Sprintf("part %d is of packet %d and of packet %d", r.Part, id, j.id))
			}
			if r.Origin != "merge" {
				owner[r.Part] = j.id
			}
		}
	}
	return faults
}

// canned parses events from JSON lines.
func canned(t *testing.T, lines string) records {
	t.Helper()
	var list records
	for line := range strings.Lines(lines) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

const goodLines = `{"id":7,"part":6,"parent":null,"origin":null,"func":"ip_output"}
{"id":8,"part":8,"parent":null,"origin":null,"func":"ip_output"}
{"id":7,"part":9,"parent":6,"origin":"clone","func":"packet_rcv"}
{"id":7,"part":10,"parent":9,"origin":"segment","func":"veth_xmit"}
{"id":7,"part":9,"parent":6,"origin":"clone","func":"consume_skb"}
{"id":8,"part":8,"parent":null,"origin":null,"func":"ip_rcv"}
`

func TestJourneys(t *testing.T) {
	list := journeys(canned(t, goodLines))
	if len(list) != 2 || list[0].id != 7 || list[1].id != 8 {
		t.Fatalf("%d journeys, want those of 7 and 8", len(list))
	}
	if diff := cmp.Diff([]string{"consume_skb", "ip_output", "packet_rcv", "veth_xmit"}, list[0].events.funcs()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"clone", "segment"}, list[0].origins()); diff != "" {
		t.Error(diff)
	}
	for _, j := range list {
		if faults := j.faults(); faults != nil {
			t.Errorf("packet %d: %q", j.id, faults)
		}
	}
	if faults := sharedParts(list); faults != nil {
		t.Errorf("%q", faults)
	}
}

func TestJourneyFaults(t *testing.T) {
	for lines, want := range map[string]string{
		`{"part":1}`:                         "no number",
		`{"id":1,"part":1,"origin":"clone"}`: "no parent",
		`{"id":1,"part":1}
{"id":1,"part":2}`: "a second part without a parent",
		`{"id":1,"part":2,"parent":1}`:                  `origin ""`,
		`{"id":1,"part":2,"parent":1,"origin":"clone"}`: "its parent 1 was not seen before",
		`{"id":1,"part":1}
{"id":1,"part":2,"parent":1,"origin":"clone"}
{"id":1,"part":2,"parent":1,"origin":"copy"}`: "another parent or origin than before",
	} {
		faults := journeys(canned(t, lines))[0].faults()
		if len(faults) != 1 || !strings.Contains(faults[0], want) {
			t.Errorf("%s: %q, want %q", lines, faults, want)
		}
	}
}

func TestMergedPartOfTwoPackets(t *testing.T) {
	lines := `{"id":2,"part":2}` + "\n" + `{"id":1,"part":1}` + "\n" + `{"id":1,"part":2,"parent":1,"origin":"merge"}`
	if faults := sharedParts(journeys(canned(t, lines))); faults != nil {
		t.Errorf("%q", faults)
	}
}

func TestPartOfTwoPackets(t *testing.T) {
	lines := `{"id":1,"part":1}` + "\n" + `{"id":2,"part":1}`
	if faults := sharedParts(journeys(canned(t, lines))); len(faults) != 1 || !strings.Contains(faults[0], "part 1 is of packet 1 and of packet 2") {
		t.Errorf("%q", faults)
	}
}
