// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/binary"
	"slices"
	"testing"

	"tracer/internal/event"
	"tracer/internal/lookup"
)

// numbers returns the layout of reads that are all numbers, in their order, and values for them: the bitmap, and
// 8 bytes each. A negative value is one that could not be read.
func numbers(reads []Read, values map[string]int64) ([]lookup.FieldSlots, []byte) {
	placed, raw := make([]lookup.FieldSlots, len(reads)), make([]byte, 8)
	for i, r := range reads {
		value, read := values[r.Key]
		if placed[i].Values = []lookup.Slot{{Number: i, At: 8 + 8*i, Size: 8}}; read && value >= 0 {
			raw[i/8] |= 1 << (i % 8)
		}
		raw = binary.NativeEndian.AppendUint64(raw, uint64(value))
	}
	return placed, raw
}

// entry appends an entry of a record.
func entry(record []byte, kind byte, number int, values []byte) []byte {
	record = binary.NativeEndian.AppendUint16(record, uint16(number))
	record = binary.NativeEndian.AppendUint16(record, uint16(len(values)))
	return append(append(record, kind, 0, 0, 0), values...)
}

// stageFor returns a stage for records with one site and one decision of the table, and a record of a martian packet, which
// fib_validate_source refused.
func stageFor(t *testing.T, r Resolver) (*Stage, []byte) {
	t.Helper()
	table := load(t)
	site, decision := table.site("ip_receive"), table.Decision("source_check")
	ofSite, siteValues := numbers(site.Reads, map[string]int64{"log_martians": 1, "src_number": -1})
	ofDecision, decisionValues := numbers(decision.Reads, map[string]int64{"error": 22})
	s, err := NewStage(Layout{
		Families: []string{"route"}, Sites: []Placement{{Name: "ip_receive", Placed: ofSite}},
		Decisions: []Placement{{Name: "source_check", Function: "fib_validate_source", Placed: ofDecision}},
	}, r)
	if err != nil {
		t.Fatal(err)
	}
	record := entry(entry(make([]byte, headerSize), siteEntry, 0, siteValues), decisionEntry, 0, decisionValues)
	return s, record
}

func dropAt(reason, location string, record []byte) *event.Event {
	e := &event.Event{Drop: event.Drop{Dropped: true, HasReason: reason != "", Location: 1}}
	e.Names.Reason, e.Names.Location, e.Raw.Why = reason, location, record
	return e
}

// TestStageReadsTheRecord checks that the values of sites and decisions reach the table, with their keys.
func TestStageReadsTheRecord(t *testing.T) {
	s, record := stageFor(t, nil)
	e := dropAt("SKB_DROP_REASON_NOT_SPECIFIED", "ip_rcv_finish_core.isra.0+0x12", record)
	s.Explain(e)
	if e.Why == nil || e.Why.Silent {
		t.Fatalf("%+v", e.Why)
	}
	if want := []string{"fib_validate_source", "ip_rcv_finish_core"}; !slices.Equal(e.Why.Evidence, want) {
		t.Errorf("evidence %v, want %v", e.Why.Evidence, want)
	}
	known := map[string]uint64{}
	for _, f := range e.Why.Values {
		known[f.Key] = f.Number
	}
	if known["source_check.error"] != 22 {
		t.Errorf("values %v of cause %s, want error 22", known, e.Why.Cause)
	}
	if _, read := known["src_number"]; read {
		t.Error("a value that could not be read is known")
	}
}

// TestUnknownBecauseOfTheFilter checks the remedy for a drop whose decisions were not kept, since only another packet in it
// matches the filter.
func TestUnknownBecauseOfTheFilter(t *testing.T) {
	s, record := stageFor(t, nil)
	for by, want := range map[event.FirstBy]string{
		event.FirstInner: unkeptInner, event.FirstQuoted: unkeptQuoted, event.FirstConnection: "", event.FirstTranslated: "", event.FirstFollowed: "",
	} {
		e := dropAt("SKB_DROP_REASON_NOT_SPECIFIED", "no_such_function+1", record)
		e.First = &event.FirstTuple{By: by}
		if s.Explain(e); e.Why == nil || e.Why.Cause != event.UnknownCause || e.Why.Remedy != want {
			t.Errorf("%s: %+v", by, e.Why)
		}
	}
}

// TestStageIgnoresOtherEvents checks that events without a drop or without values have no cause, also after a drop.
func TestStageIgnoresOtherEvents(t *testing.T) {
	s, record := stageFor(t, nil)
	s.Explain(dropAt("", "ip_error+1", record))
	for name, e := range map[string]*event.Event{"no drop": {Raw: event.Raw{Why: record}}, "no values": dropAt("", "ip_error+1", nil)} {
		e.Why = new(event.Why)
		if s.Explain(e); e.Why != nil {
			t.Errorf("%s: %+v", name, e.Why)
		}
	}
}

// TestTruncatedRecords checks that a truncated record does not panic, and gives no cause.
func TestTruncatedRecords(t *testing.T) {
	s, record := stageFor(t, nil)
	for n := range record {
		e := dropAt("SKB_DROP_REASON_NOT_SPECIFIED", "ip_rcv_finish_core+0x12", record[:n])
		s.Explain(e)
		if e.Why != nil && e.Why.Cause != event.UnknownCause {
			t.Errorf("%d of %d bytes: cause %s", n, len(record), e.Why.Cause)
		}
	}
}

// pingStage returns a stage for records with the decision to ignore a ping, and such a record, in which the destination is
// unknown.
func pingStage(t *testing.T) (*Stage, []byte) {
	t.Helper()
	d := load(t).Decision("ping_ignored")
	placed, values := numbers(d.Reads, map[string]int64{"src": 0, "ignore_all": 1})
	s, err := NewStage(Layout{Families: []string{"silent"}, Decisions: []Placement{{Name: "ping_ignored", Function: "icmp_rcv", Placed: placed}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, entry(make([]byte, headerSize), decisionEntry, 0, values)
}

// TestSilentDrop checks that a packet that the kernel consumed has the cause of the decision by which it ended, with its
// values, and that a drop of the kernel does not have that cause.
func TestSilentDrop(t *testing.T) {
	s, record := pingStage(t)
	e := &event.Event{Raw: event.Raw{Silent: true, Why: record}}
	if s.Explain(e); e.Why == nil || e.Why.Cause != "ping-ignored" || !e.Why.Silent || !e.IsDrop() {
		t.Fatalf("%+v", e.Why)
	}
	var keys []string
	for _, f := range e.Why.Values {
		keys = append(keys, f.Key)
	}
	if want := []string{"ping_ignored.ignore_all", "ping_ignored.src"}; !slices.Equal(keys, want) {
		t.Errorf("values of %q, want %q", keys, want)
	}
	e = dropAt("SKB_DROP_REASON_NOT_SPECIFIED", "icmp_rcv+1", record)
	if s.Explain(e); e.Why == nil || e.Why.Cause != event.UnknownCause || e.Why.Silent {
		t.Errorf("a drop of the kernel: %+v", e.Why)
	}
}

// answer is a resolver with the answer to one key.
type answer struct{ key, text string }

func (a answer) Resolve(q Question) (string, bool) { return a.text, q.Key == a.key }

// TestResolverCompletesTheText checks that the answer of a resolver is in the text, and that the text has no optional part without one.
func TestResolverCompletesTheText(t *testing.T) {
	site := load(t).site("no_tcp_socket")
	placed, values := numbers(site.Reads, map[string]int64{"is_v4": 1, "syn": 1, "rst": 0, "dport": 80, "dst4": 0})
	for i := range placed {
		placed[i].Where = []lookup.Slot{{Number: 0, At: 8, Size: 8}} // any value but zero
		values[0], values[8] = values[0]|1, 1
	}
	for text, r := range map[string]Resolver{
		"no socket listens on 0.0.0.0:80(tcp): nobody":  answer{"listeners", "nobody"},
		"no socket listens on 0.0.0.0:80(tcp)":          nil,
		"no socket listens on 0.0.0.0:80(tcp)" + "\x00": answer{"rule", "x"},
	} {
		s, err := NewStage(Layout{Families: []string{"socket"}, Sites: []Placement{{Name: "no_tcp_socket", Placed: placed}}}, r)
		if err != nil {
			t.Fatal(err)
		}
		e := dropAt("SKB_DROP_REASON_NO_SOCKET", "tcp_v4_rcv+0x99", entry(make([]byte, headerSize), siteEntry, 0, values))
		if s.Explain(e); e.Why == nil || e.Why.Text != text && e.Why.Text+"\x00" != text {
			t.Errorf("%+v, want %q", e.Why, text)
		}
	}
}

// TestResolverCompletesTheGroup checks that the group has what a resolver knows, and else only what the kernel knew.
func TestResolverCompletesTheGroup(t *testing.T) {
	table := load(t)
	cause := table.causes[slices.IndexFunc(table.causes, func(c *compiled) bool { return c.ID == "iptables-rule" })].Cause
	for group, r := range map[string]answer{
		"iptables-legacy filter FORWARD rule 3": {"rule_name", "FORWARD rule 3"},
		"iptables-legacy filter":                {"rule", "rule 3 of FORWARD"},
		"as before":                             {"owner", "x"},
	} {
		values := Values{"ipt_table.tool": {Text: "iptables-legacy"}, "ipt_table.table": {Text: "filter"}, "ipt_table.hook": {Text: "forward"}}
		s := &Stage{table: table, resolver: r}
		if _, got := s.complete(Answer{Cause: cause, Group: "as before", Values: values}, &event.Event{}); got != group {
			t.Errorf("%v: group %q, want %q", r, got, group)
		}
	}
}
