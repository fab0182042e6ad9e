// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// record has the fields of a JSON line that the tests use. Null is the zero value.
type record struct {
	Version int    `json:"version"`
	Type    string `json:"type"`

	// Time is a number or a string, see --timestamp.
	Time      json.RawMessage `json:"time"`
	Monotonic uint64          `json:"monotonic"`
	CPU       int             `json:"cpu"`

	Skb      string `json:"skb"`
	Process  string `json:"process"`
	PID      int    `json:"pid"`
	Netns    uint32 `json:"netns"`
	Mark     uint32 `json:"mark"`
	Iface    string `json:"iface"`
	Ifname   string `json:"ifname"`
	Proto    int    `json:"proto"`
	MTU      int    `json:"mtu"`
	Len      int    `json:"len"`
	Tuple    tuple  `json:"tuple"`
	Func     string `json:"func"`
	Module   string `json:"module"`
	Dropped  bool   `json:"dropped"`
	Benign   bool   `json:"benign"`
	Reason   string `json:"reason"`
	Location string `json:"location"`

	// The other fields of an event exist only if they were requested.
	NetnsName *string                    `json:"netns_name"`
	Caller    string                     `json:"caller"`
	Stack     []frame                    `json:"stack"`
	Dump      map[string]json.RawMessage `json:"skb_dump"`
	Shared    map[string]json.RawMessage `json:"skb_shared_info"`
	CB        []uint32                   `json:"cb"`
	Values    map[string]any             `json:"skb_metadata"`
	Tunnel    *tunnel                    `json:"tunnel"`
	First     *firstTuple                `json:"first_tuple"`
	Netfilter *hook                      `json:"netfilter"`
	Conntrack *connection                `json:"conntrack"`
	Map       *mapCall                   `json:"bpf_map"`

	Lookup   *looked   `json:"lookup"`
	Return   *returned `json:"return"`
	Duration *uint64   `json:"duration_ns"`
	Program  *program  `json:"program"`
	Verdict  *returned `json:"verdict"`

	// Fields of XDP programs: the address of the packet's memory, and values of expressions.
	Head      string         `json:"head"`
	XDPValues map[string]any `json:"xdp_metadata"`

	// The number of the packet, of its part, of the part's parent, and the part's origin.
	ID     uint64  `json:"id"`
	Part   uint64  `json:"part"`
	Parent *uint64 `json:"parent"`
	Origin string  `json:"origin"`

	// Count is the number of lost events, in a record of type lost.
	Count int `json:"count"`

	// Why is the cause of a drop.
	Why *why `json:"why"`

	// The other fields are in the summary only.
	Matched    int `json:"made"`
	Printed    int `json:"printed"`
	Suppressed int `json:"withheld"`
	Evicted    int `json:"evicted"`
	Packets    int `json:"packets"`
	Lost       int `json:"lost"`

	Drops  int            `json:"drops"`
	Hidden map[string]int `json:"hidden_by_reason"`

	Unreturned int `json:"unreturned"`
	Missed     int `json:"missed"`

	WithoutNetns  int      `json:"without_netns"`
	WithoutIfname int      `json:"without_ifname"`
	Unseen        []string `json:"unseen"`

	// Causes are the drops by cause.
	Causes []struct {
		Cause string `json:"cause"`
		Text  string `json:"text"`
		Count int    `json:"count"`
	} `json:"causes"`
}

type tuple struct {
	Network  string `json:"network"`
	Source   string `json:"saddr"`
	Dest     string `json:"daddr"`
	Sport    *int   `json:"sport"`
	Dport    *int   `json:"dport"`
	Proto    int    `json:"proto"`
	Protocol string `json:"protocol"`
	ICMP     *struct {
		Type int  `json:"type"`
		Code int  `json:"code"`
		ID   *int `json:"id"`
		Seq  *int `json:"seq"`
	} `json:"icmp"`
	ARP *struct {
		Operation int `json:"operation"`
	} `json:"arp"`
	VLAN      *int    `json:"vlan"`
	InnerVLAN *int    `json:"inner_vlan"`
	Flags     string  `json:"tcp_flags"`
	Seq       *uint32 `json:"seq"`
	Ack       *uint32 `json:"ack"`
	Window    *int    `json:"window"`
	Fragment  bool    `json:"fragment"`
	Offset    int     `json:"fragment_offset"`
}

// tunnel is the inner packet of a tunnel.
type tunnel struct {
	Type  string  `json:"type"`
	ID    *uint32 `json:"id"`
	Tuple tuple   `json:"tuple"`
}

// hook is the netfilter hook and chain in which a function was called. Null becomes empty.
type hook struct {
	Family   string `json:"family"`
	Hook     string `json:"hook"`
	Priority *int   `json:"priority"`
	By       string `json:"by"`
	Of       string `json:"table_family"`
	Table    string `json:"table"`
	Chain    string `json:"chain"`
}

// connection is the conntrack entry of a packet.
type connection struct {
	Ctinfo   string   `json:"ctinfo"`
	Status   []string `json:"status"`
	Zone     *int     `json:"zone"`
	Mark     *int     `json:"mark"`
	TCPState *string  `json:"tcp_state"`
	Timeout  *int     `json:"timeout"`
	Original *tuple   `json:"original"`
	Reply    *tuple   `json:"reply"`
}

// frame is one frame of a stack.
type frame struct {
	Addr   string `json:"addr"`
	Symbol string `json:"symbol"`
	Offset uint64 `json:"offset"`
	Module string `json:"module"`
}

// trace is the parsed output of one run of tracer.
type trace struct {
	events  records
	lost    records
	summary record
}

type records []record

// parse parses the JSON lines of a run that has ended normally, and checks the invariants of every run: the
// numbers in the summary agree with the lines.
func parse(t *testing.T, text string) *trace {
	t.Helper()
	tr := &trace{}
	summaries := 0
	for line := range strings.Lines(text) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil || !strings.HasSuffix(line, "}\n") {
			t.Fatalf("line %q: %v", line, err)
		}
		if r.Version != 1 {
			t.Errorf("version %d, want 1: %s", r.Version, line)
		}
		switch r.Type {
		case "function", "tracepoint", "return", "lookup", "program", "verdict":
			tr.events = append(tr.events, r)
		case "lost":
			tr.lost = append(tr.lost, r)
		case "summary":
			tr.summary = r
			summaries++
		default:
			t.Errorf("unknown type: %s", line)
		}
	}
	if summaries != 1 {
		t.Errorf("%d summaries, want 1", summaries)
	}
	tr.checkSums(t)
	return tr
}

func (tr *trace) checkSums(t *testing.T) {
	t.Helper()
	s := tr.summary
	if s.Printed != len(tr.events) {
		t.Errorf("summary says %d printed, there are %d lines", s.Printed, len(tr.events))
	}
	if s.Matched != s.Printed+s.Suppressed+s.Lost {
		t.Errorf("matched %d is not printed %d + suppressed %d + lost %d", s.Matched, s.Printed, s.Suppressed, s.Lost)
	}
	marked := 0
	for _, r := range tr.lost {
		marked += r.Count
	}
	if marked != s.Lost {
		t.Errorf("summary says %d lost, the markers %d", s.Lost, marked)
	}
	packets := make(map[string]bool)
	for _, r := range tr.events {
		packets[r.packet()] = true
	}
	if len(packets) > s.Packets {
		t.Errorf("summary says %d packets, the lines have %d", s.Packets, len(packets))
	}
}

// packet returns a key for the packet: its number if packets are followed, since a packet may have several
// sk_buffs then, or the sk_buff's address, or for an XDP frame the address of its memory.
func (r *record) packet() string {
	switch {
	case r.ID != 0:
		return fmt.Sprint(r.ID)
	case r.Skb == "":
		return r.Head
	}
	return r.Skb
}

// that returns the records that match all tests.
func (rs records) that(tests ...func(*record) bool) records {
	var out records
	for _, r := range rs {
		if !slices.ContainsFunc(tests, func(test func(*record) bool) bool { return !test(&r) }) {
			out = append(out, r)
		}
	}
	return out
}

func (rs records) funcs() []string {
	set := make(map[string]bool)
	for _, r := range rs {
		set[r.Func] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// passed reports an error for each function without a record.
func (rs records) passed(t *testing.T, funcs ...string) {
	t.Helper()
	for _, f := range funcs {
		if !slices.Contains(rs.funcs(), f) {
			t.Errorf("not seen in %s, only in %v", f, rs.funcs())
		}
	}
}

// absent reports an error if there are records.
func (rs records) absent(t *testing.T, what string) {
	t.Helper()
	if len(rs) > 0 {
		t.Errorf("%s: %d events, want none, such as %s", what, len(rs), rs[0])
	}
}

// present reports an error if there is no record.
func (rs records) present(t *testing.T, what string) {
	t.Helper()
	if len(rs) == 0 {
		t.Errorf("%s: no event", what)
	}
}

// brief returns the fields that identify the packet, for an error message.
func (r *record) brief() string {
	tuple, err := json.Marshal(r.Tuple)
	if err != nil {
		return err.Error()
	}
	parent := "none"
	if r.Parent != nil {
		parent = fmt.Sprint(*r.Parent)
	}
	return fmt.Sprintf("%s in namespace %d, skb %s, len %d, packet %d, part %d, parent %s, origin %q: %s",
		r.Func, r.Netns, r.Skb, r.Len, r.ID, r.Part, parent, r.Origin, tuple)
}

func (rs records) briefly() string {
	var list []string
	for i := range rs {
		list = append(list, rs[i].brief())
	}
	return strings.Join(list, "; ")
}

func (r record) String() string {
	b, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func not(test func(*record) bool) func(*record) bool {
	return func(r *record) bool { return !test(r) }
}

func from(addr string) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Source == addr }
}

func to(addr string) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Dest == addr }
}

// between matches both directions between two addresses.
func between(a, b string) func(*record) bool {
	return func(r *record) bool {
		return r.Tuple.Source == a && r.Tuple.Dest == b || r.Tuple.Source == b && r.Tuple.Dest == a
	}
}

func protocol(name string) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Protocol == name }
}

func network(name string) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Network == name }
}

func ports(source, dest int) func(*record) bool {
	return func(r *record) bool {
		return r.Tuple.Sport != nil && *r.Tuple.Sport == source && r.Tuple.Dport != nil && *r.Tuple.Dport == dest
	}
}

func sport(n int) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Sport != nil && *r.Tuple.Sport == n }
}

func icmp(kind int) func(*record) bool {
	return func(r *record) bool { return r.Tuple.ICMP != nil && r.Tuple.ICMP.Type == kind }
}

// echo matches ICMP echo messages of a type with an id.
func echo(kind, id int) func(*record) bool {
	return func(r *record) bool {
		return icmp(kind)(r) && r.Tuple.ICMP.ID != nil && *r.Tuple.ICMP.ID == id
	}
}

func in(funcs ...string) func(*record) bool {
	return func(r *record) bool { return slices.Contains(funcs, r.Func) }
}

func on(device string) func(*record) bool {
	return func(r *record) bool { return r.Ifname == device }
}

func within(n *ktest.Netns) func(*record) bool {
	return func(r *record) bool { return r.Netns == n.Inode }
}

func dropped(r *record) bool { return r.Dropped }
