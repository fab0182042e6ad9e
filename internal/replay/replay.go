// SPDX-License-Identifier: Apache-2.0

// Package replay selects events of a recording, by what is stored with them.
package replay

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/bpf"

	"tracer/internal/capture"
	"tracer/internal/event"
	"tracer/internal/filter"
	"tracer/internal/journey"
	"tracer/internal/printable"
	"tracer/libpcap"
)

// Options say which events are selected: those that meet all conditions. The zero value selects all.
type Options struct {
	// Expr is a packet filter in the language of pcap-filter(7), for the stored bytes.
	Expr string
	// Func and FuncExclude match whole names of functions; nil matches all, and none.
	Func, FuncExclude *regexp.Regexp
	// Drops selects drops. Reasons are names or numbers of drop reasons, Causes are causes. A leading ! excludes.
	Drops           bool
	Reasons, Causes []string
	// Netns are names of network namespaces or inode:N, Ifnames interfaces, PIDs process ids, and Comms names of processes. A
	// trailing * matches any suffix, a leading ! excludes.
	Netns, Ifnames, PIDs, Comms []string
	// Since and Until limit the time: RFC 3339, or the time since the start of the run, such as 1.5s.
	Since, Until string
	// Packets are numbers of packets, as in --output-id, and Events numbers of events in their file. Both are lists of
	// numbers and ranges, such as 3 or 10-20.
	Packets, Events []string
	// SinceLast requests the time since the packet's previous event, selected or not, if it was not recorded.
	SinceLast bool
}

// Source is the source of the selected events. Those that are not selected count as suppressed.
type Source struct {
	set     *capture.Set
	tests   []func(*event.Event) bool
	skipped uint64
	// sinceLast is nil if it is not requested.
	sinceLast *journey.SinceLast
}

// Select returns the source of the selected events of a set.
func Select(set *capture.Set, o Options) (*Source, error) {
	s := &Source{set: set}
	if o.SinceLast {
		s.sinceLast = journey.NewSinceLast()
	}
	packet, err := newPacketFilter(o.Expr)
	if err != nil {
		return nil, err
	}
	if packet != nil {
		s.tests = append(s.tests, packet.matches)
	}
	s.addNames(o)
	if err := s.addNumbers(o); err != nil {
		return nil, err
	}
	return s, s.addTimes(o)
}

// Next returns the next selected event, loss marker or Summary.
func (s *Source) Next() (*event.Event, error) {
	for {
		e, err := s.set.Next()
		switch {
		case err != nil:
			return nil, err
		case e.Kind == event.Summary:
			e.Totals.Suppressed += s.skipped
			return e, nil
		case e.Kind == event.Lost || s.selects(e):
			return e, nil
		}
		s.skipped++
	}
}

// Close closes nothing: the set belongs to the caller.
func (s *Source) Close() error { return nil }

// selects runs all tests, since that of the packet filter keeps what later events need.
func (s *Source) selects(e *event.Event) bool {
	if s.sinceLast != nil {
		s.measure(e)
	}
	selected := true
	for _, test := range s.tests {
		selected = test(e) && selected
	}
	return selected
}

// measure sets the time since the packet's previous event, if it was not recorded.
func (s *Source) measure(e *event.Event) {
	recorded := e.Names.SinceLast
	if s.sinceLast.Name(e); recorded != 0 {
		e.Names.SinceLast = recorded
	}
}

func (s *Source) add(test func(*event.Event) bool) { s.tests = append(s.tests, test) }

func (s *Source) addNames(o Options) {
	if o.Func != nil || o.FuncExclude != nil {
		s.add(func(e *event.Event) bool { return matchesFunc(e, o.Func, o.FuncExclude) })
	}
	if o.Drops || len(o.Reasons) > 0 || len(o.Causes) > 0 {
		s.add((*event.Event).IsDrop)
	}
	s.addList(o.Reasons, hasReason)
	s.addList(o.Causes, func(e *event.Event, cause string) bool { return e.Why != nil && e.Why.Cause == cause })
	s.addList(o.Netns, inNetns)
	s.addList(o.Ifnames, func(e *event.Event, pattern string) bool {
		return matchesPattern(pattern, string(event.CString(e.Meta.Ifname[:])))
	})
	s.addList(o.PIDs, func(e *event.Event, pid string) bool { return strconv.FormatUint(uint64(e.Process.PID), 10) == pid })
	s.addList(o.Comms, func(e *event.Event, pattern string) bool {
		return matchesPattern(pattern, string(event.CString(e.Process.Comm[:])))
	})
}

// addList adds the test of a list: one of the values matches, unless there are none, and no value with a leading !.
func (s *Source) addList(list []string, matches func(*event.Event, string) bool) {
	var in, out []string
	for _, word := range list {
		if name, negated := strings.CutPrefix(word, "!"); negated {
			out = append(out, name)
		} else {
			in = append(in, word)
		}
	}
	if len(list) == 0 {
		return
	}
	s.add(func(e *event.Event) bool {
		is := func(word string) bool { return matches(e, word) }
		return (len(in) == 0 || slices.ContainsFunc(in, is)) && !slices.ContainsFunc(out, is)
	})
}

// matchesFunc matches the name of a tracepoint with and without its prefix, as the live filter does.
func matchesFunc(e *event.Event, only, never *regexp.Regexp) bool {
	names := []string{e.Names.Func}
	if e.Kind == event.Tracepoint {
		names = append(names, "tp:"+e.Names.Func)
	}
	matches := func(re *regexp.Regexp) bool { return slices.ContainsFunc(names, re.MatchString) }
	return (only == nil || matches(only)) && (never == nil || !matches(never))
}

func hasReason(e *event.Event, reason string) bool {
	if !e.Drop.HasReason {
		return false
	}
	name := e.Names.Reason
	return strings.EqualFold(name, reason) || strings.EqualFold(strings.TrimPrefix(name, event.ReasonPrefix), reason) ||
		strconv.FormatUint(uint64(e.Drop.Reason), 10) == reason
}

func inNetns(e *event.Event, netns string) bool {
	if inode, ok := strings.CutPrefix(netns, "inode:"); ok {
		return strconv.FormatUint(uint64(e.Meta.Netns), 10) == inode
	}
	return e.Names.Netns == netns
}

func matchesPattern(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return name == pattern
}

// ranges are numbers from first to last, each.
type ranges [][2]uint64

func parseRanges(what string, words []string) (r ranges, err error) {
	for _, word := range words {
		first, last, isRange := strings.Cut(word, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 64)
		to, err2 := strconv.ParseUint(last, 10, 64)
		if errors.Join(err1, err2) != nil || from > to {
			return nil, fmt.Errorf("%s %s: not a number or a range, such as 3 or 10-20", what, printable.Quote(word))
		}
		r = append(r, [2]uint64{from, to})
	}
	return r, nil
}

func (r ranges) has(n uint64) bool {
	return slices.ContainsFunc(r, func(x [2]uint64) bool { return x[0] <= n && n <= x[1] })
}

func (s *Source) addNumbers(o Options) error {
	packets, err := parseRanges("packet", o.Packets)
	if err != nil {
		return err
	}
	events, err := parseRanges("event", o.Events)
	if err != nil {
		return err
	}
	if packets != nil {
		s.add(func(e *event.Event) bool { return packets.has(e.Lineage.ID) })
	}
	if events != nil {
		s.add(func(*event.Event) bool { return events.has(s.set.Number()) })
	}
	return nil
}

func (s *Source) addTimes(o Options) error {
	since, err := s.parseTime("since", o.Since)
	if err != nil {
		return err
	}
	until, err := s.parseTime("until", o.Until)
	if err != nil {
		return err
	}
	if o.Since != "" {
		s.add(func(e *event.Event) bool { return e.Names.WallTime >= since })
	}
	if o.Until != "" {
		s.add(func(e *event.Event) bool { return e.Names.WallTime <= until })
	}
	return nil
}

// parseTime returns a time in nanoseconds since the Unix epoch.
func (s *Source) parseTime(what, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at.UnixNano(), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s %s: not a time such as 2026-01-31T12:00:00.5Z, or a time since the start of the recording such as 1.5s", what, printable.Quote(text))
	}
	return s.set.Runs()[0].Start + int64(d), nil
}

// packetFilter is a packet filter for stored bytes. libpcap's own interpreter runs the program: that of golang.org/x/net/bpf
// cannot be told the length of a truncated packet.
type packetFilter struct {
	program []bpf.RawInstruction
	tags    bool
	frame   []byte
	// last are the last bytes of sk_buffs: returns and verdicts have none of their own.
	last map[uint64]*event.Bytes
}

// mostLast is the number of sk_buffs whose last bytes are kept.
const mostLast = 1 << 14

func newPacketFilter(expr string) (*packetFilter, error) {
	p, err := filter.Compile(expr)
	if p == nil || err != nil {
		return nil, err
	}
	raw, err := bpf.Assemble(p.Classic)
	if err != nil {
		return nil, fmt.Errorf("filter %s: %w", printable.Quote(expr), err)
	}
	return &packetFilter{program: raw, tags: p.VLAN, last: map[uint64]*event.Bytes{}}, nil
}

func (f *packetFilter) matches(e *event.Event) bool {
	b := f.bytesOf(e)
	if b == nil {
		return false
	}
	f.frame = f.appendFrame(f.frame[:0], b)
	return libpcap.Match(f.program, f.frame, len(f.frame)+int(b.Len)-len(b.Data))
}

// keyOf identifies the sk_buff, or the memory of an XDP frame, of an event.
func keyOf(e *event.Event) uint64 {
	if e.Skb == 0 {
		return e.Head
	}
	return e.Skb
}

// bytesOf returns the bytes of an event; for a return or verdict, those that the sk_buff had last.
func (f *packetFilter) bytesOf(e *event.Event) *event.Bytes {
	if e.Kind.IsReturn() || e.Kind == event.Verdict {
		return f.last[keyOf(e)]
	}
	if e.Bytes == nil {
		delete(f.last, keyOf(e))
		return nil
	}
	if len(f.last) >= mostLast {
		clear(f.last)
	}
	kept := *e.Bytes
	kept.Data = slices.Clone(kept.Data)
	f.last[keyOf(e)] = &kept
	return e.Bytes
}

// appendFrame appends the packet as the filter sees it in the kernel: as an Ethernet frame, whose header is made up if there
// is none, and with the VLAN tag outside of the packet only if the filter asks for tags.
func (f *packetFilter) appendFrame(dst []byte, b *event.Bytes) []byte {
	data := b.Data
	if b.Type == 0 {
		n := min(12, len(data))
		dst, data = append(dst, data[:n]...), data[n:]
	} else {
		dst = append(dst, make([]byte, 12)...)
	}
	if f.tags && b.TagType != 0 {
		dst = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(dst, b.TagType), b.Tag)
	}
	if b.Type != 0 {
		dst = binary.BigEndian.AppendUint16(dst, b.Type)
	}
	return append(dst, data...)
}
