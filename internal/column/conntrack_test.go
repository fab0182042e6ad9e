// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"
	"testing"
	"time"

	"tracer/internal/event"
)

const (
	directionHead  = `{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8",`
	directionTCP   = directionHead + `"sport":80,"dport":81,"proto":6,"protocol":"tcp"}`
	nothingBesides = `,"status":null,"zone":null,"mark":null,"tcp_state":null,"timeout":null,"original":null,"reply":null}`
)

func TestConntrack(t *testing.T) {
	c := event.Conntrack{
		State: 3, Known: true, Status: 1<<3 | 1<<2 | 1<<20, TCPState: 1, Left: 119*time.Second + time.Millisecond,
		HasZone: true, HasMark: true, Original: tcp(2), Reply: tcp(0),
	}
	rest := `,"tcp_state":"SYN_SENT","timeout":119,"original":` + directionTCP + `,"reply":` + directionTCP + `}`
	checkCell(t, "conntrack", event.Event{Conntrack: &c}, "NEW:ASSURED|CONFIRMED|0x100000,tcp=SYN_SENT,left=119s",
		`{"ctinfo":"NEW","status":["ASSURED","CONFIRMED","0x100000"],"zone":0,"mark":0`+rest)
	c.Zone, c.Mark = 3, 0x10
	checkCell(t, "conntrack", event.Event{Conntrack: &c}, "NEW:ASSURED|CONFIRMED|0x100000,tcp=SYN_SENT,mark=0x10,zone=3,left=119s",
		`{"ctinfo":"NEW","status":["ASSURED","CONFIRMED","0x100000"],"zone":3,"mark":16`+rest)
	c.HasZone, c.HasMark, c.Zone, c.Mark, c.Status = false, false, 0, 0, 0
	checkCell(t, "conntrack", event.Event{Conntrack: &c}, "NEW,tcp=SYN_SENT",
		`{"ctinfo":"NEW","status":[],"zone":null,"mark":null`+rest)
}

// TestConntrackOfTranslation checks that text has both directions of a translated connection.
func TestConntrackOfTranslation(t *testing.T) {
	c := event.Conntrack{State: 4, Known: true, Status: 1<<4 | 1<<7, Original: tcp(0), Reply: tcp(0), TCPState: 3}
	c.Reply.Source, c.Reply.Dest = netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("1.2.3.4")
	text, _ := cellOf(t, Options{}, "conntrack", event.Event{Conntrack: &c})
	want := "ESTABLISHED_REPLY:SRC_NAT|SRC_NAT_DONE,tcp=ESTABLISHED,original=10.0.2.15:80->8.8.8.8:81,reply=8.8.8.8:80->1.2.3.4:81"
	if text != want {
		t.Errorf("%q, want %q", text, want)
	}
}

func TestConntrackOfICMP(t *testing.T) {
	echo := ip4(1, func(t *event.Tuple) { t.ICMP = event.ICMP{Type: 8, ID: 5} })
	direction := directionHead + `"proto":1,"protocol":"icmp","icmp":{"type":8,"code":0,"id":5}}`
	checkCell(t, "conntrack", event.Event{Conntrack: &event.Conntrack{State: 2, Known: true, Original: echo, Reply: echo}}, "RELATED",
		`{"ctinfo":"RELATED","status":[],"zone":null,"mark":null,"tcp_state":null,"timeout":0,"original":`+direction+`,"reply":`+direction+`}`)
}

func TestNoConnection(t *testing.T) {
	checkCell(t, "conntrack", event.Event{Tuple: tcp(0)}, "-", "null")
	checkCell(t, "conntrack", event.Event{Conntrack: &event.Conntrack{State: event.Untracked}}, "UNTRACKED", `{"ctinfo":"UNTRACKED"`+nothingBesides)
	checkCell(t, "conntrack", event.Event{Conntrack: &event.Conntrack{State: 1}}, "ESTABLISHED", `{"ctinfo":"ESTABLISHED"`+nothingBesides)
}

// TestUnknownStates checks states that a newer kernel may have.
func TestUnknownStates(t *testing.T) {
	if s := event.ConntrackState(99).String(); s != "unknown" {
		t.Error(s)
	}
	if s := event.TCPState(99).String(); s != "unknown" {
		t.Error(s)
	}
}
